// What the outcome of a call means for its message: it passed and changes something, it is rejected, or the step was away.
import { CONTEXT_PREFIX, METADATA_PREFIX, RESERVED_PREFIX } from "./message.ts";
import type { Stage, StepOutcome } from "./step.ts";

/** Why a step counts as away. */
export type AwayCause = "unavailable" | "notFound" | "timeout" | "broken";

export type StepVerdict =
  | { readonly kind: "passed"; readonly changes: Readonly<Record<string, string>> }
  | { readonly kind: "rejected"; readonly reason: string }
  | { readonly kind: "away"; readonly cause: AwayCause; readonly reason: string };

/** `accept` or `reject`; absent is accept. */
export const VERDICT_KEY = `${RESERVED_PREFIX}verdict`;
/** Why it is rejected, for people. */
export const REASON_KEY = `${RESERVED_PREFIX}reason`;
/** Entries that one step may set. */
export const MAX_CHANGES = 64;
/** Characters of all names and values that one step may set. */
export const MAX_CHANGED_CHARS = 65_536;
const MAX_NAME_CHARS = 128;
const MAX_REASON_CHARS = 256;

/** What a stage may change, by the prefix of its entries; validators change nothing. */
const CHANGE_PREFIX: Readonly<Record<Stage, string | undefined>> = {
  pre: CONTEXT_PREFIX,
  validator: undefined,
  post: METADATA_PREFIX,
};

/**
 * @param standing what the stage may change, as it stands: entries that come back as they were sent are no changes, so
 *   that a processor may answer with what it got
 */
export function readStepOutcome(
  stage: Stage,
  outcome: StepOutcome,
  standing: Readonly<Record<string, string>>,
): StepVerdict {
  switch (outcome.kind) {
    case "answered":
      return readParts(outcome.parts, CHANGE_PREFIX[stage], standing);
    case "refused":
      return { kind: "rejected", reason: shorten(outcome.reason) };
    case "timeout":
      return { kind: "away", cause: "timeout", reason: "it did not answer in time" };
    default:
      return { kind: "away", cause: outcome.kind, reason: shorten(outcome.reason) };
  }
}

function readParts(
  parts: readonly Readonly<Record<string, string>>[],
  prefix: string | undefined,
  standing: Readonly<Record<string, string>>,
): StepVerdict {
  const changes: Record<string, string> = {};
  for (const part of parts) {
    const verdict = own(part, VERDICT_KEY) ?? "accept";
    if (verdict === "reject") return { kind: "rejected", reason: shorten(own(part, REASON_KEY) ?? "") };
    if (verdict !== "accept") return broken(`${VERDICT_KEY} is ${JSON.stringify(shorten(verdict))}`);
    if (prefix === undefined) continue;
    for (const [key, value] of Object.entries(part)) {
      const name = key.slice(prefix.length);
      if (!key.startsWith(prefix) || own(standing, name) === value) continue;
      if (name === "" || name === "__proto__" || name.length > MAX_NAME_CHARS)
        return broken(`it sets an entry ${JSON.stringify(shorten(key))}`);
      if (name.startsWith(RESERVED_PREFIX)) return broken(`it sets ${shorten(name)}, which is not its own`);
      changes[name] = value;
    }
  }
  return boundsProblem(changes) ?? { kind: "passed", changes };
}

function boundsProblem(changes: Readonly<Record<string, string>>): StepVerdict | undefined {
  const entries = Object.entries(changes);
  const chars = entries.reduce((sum, [name, value]) => sum + name.length + value.length, 0);
  if (entries.length > MAX_CHANGES) return broken(`it sets more than ${MAX_CHANGES} entries`);
  return chars > MAX_CHANGED_CHARS ? broken(`it sets more than ${MAX_CHANGED_CHARS} characters`) : undefined;
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function broken(reason: string): StepVerdict {
  return { kind: "away", cause: "broken", reason };
}

function shorten(text: string): string {
  return text.length <= MAX_REASON_CHARS ? text : `${text.slice(0, MAX_REASON_CHARS)}…`;
}
