// Makes the assignments stream bind the fixed subjects of legacy providers: without a stream nobody stores their work.
import { JetStreamApiError, type JetStreamManager } from "@nats-io/jetstream";
import { type StreamSettings, streamSpecs } from "../core/handover/streams.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { UnboundSubject } from "../core/reconcile/legacy-subjects.ts";
import { reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";

export interface BindOptions {
  readonly names: Names;
  readonly settings: StreamSettings;
  readonly log: Logger;
}

/**
 * Sets the subjects of the assignments stream to its own and these (canonical; no two overlap). What a stream binds is the
 * one setting that is not only reported but changed: it follows the Router object while the stream stands, and changing it
 * touches no stored message. Returns what the server refuses, mostly because another stream has the subject; throws when it
 * cannot be asked.
 */
export async function bindLegacySubjects(
  jsm: JetStreamManager,
  legacySubjects: readonly string[],
  options: BindOptions,
): Promise<readonly UnboundSubject[]> {
  const { names, log } = options;
  const stream = names.streams.assignments;
  const { config } = await jsm.streams.info(stream);
  const all = wantedSubjects(legacySubjects, options);
  if (sameSet(config.subjects, all)) return [];
  const update = async (subjects: readonly string[]): Promise<void> => {
    await jsm.streams.update(stream, { subjects: [...subjects] });
    log.info("stream subjects changed", { stream, have: config.subjects, now: subjects });
  };
  try {
    await update(all);
    return [];
  } catch (error) {
    if (!(error instanceof JetStreamApiError)) throw error;
  }
  // One of them is refused: the others must not suffer for it.
  const refused: UnboundSubject[] = [];
  let taken: readonly string[] = legacySubjects.filter((subject) => config.subjects.includes(names.toWire(subject)));
  if (!sameSet(config.subjects, wantedSubjects(taken, options))) await update(wantedSubjects(taken, options));
  for (const subject of legacySubjects.filter((candidate) => !taken.includes(candidate))) {
    try {
      await update(wantedSubjects([...taken, subject], options));
      taken = [...taken, subject];
    } catch (error) {
      if (!(error instanceof JetStreamApiError)) throw error;
      refused.push({ subject, reason: `cannot be bound by stream ${stream}: ${reasonOf(error)}` });
    }
  }
  return refused;
}

function wantedSubjects(legacySubjects: readonly string[], { names, settings }: BindOptions): readonly string[] {
  const { streams } = streamSpecs(names, { ...settings, legacySubjects });
  return streams.find(({ name }) => name === names.streams.assignments)?.subjects ?? [];
}

function sameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && right.every((subject) => left.includes(subject));
}
