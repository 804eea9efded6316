// Reads the dead letter stream backwards, newest first, without leaving anything on the server.
import { jetstreamManager, type StoredMsg } from "@nats-io/jetstream";
import { BeamlineError } from "../runtime/errors.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { isStreamNotFound } from "../runtime/nats/streams.ts";

export interface DeadLetter {
  readonly sequence: number;
  /** When it was stored, ISO 8601. */
  readonly time: string;
  readonly reason: string;
  readonly code: string;
  readonly message: string;
  readonly tenant: string;
  readonly field: string;
  /** Where the refused message had come in. */
  readonly subject: string;
}

export interface DeadLetterFilter {
  readonly reason?: string;
  readonly tenant?: string;
  /** Milliseconds since the Unix epoch. */
  readonly sinceMs?: number;
}

export interface DeadLetterPage {
  /** Oldest first. */
  readonly letters: readonly DeadLetter[];
  /** Whether older ones were not looked at. */
  readonly more: boolean;
}

/** Messages asked for at once. */
const BATCH = 500;
/** Messages looked at for one page; a filter that matches nothing must not read a whole stream. */
export const MAX_SCANNED = 100_000;

/** The newest `limit` dead letters that the filter lets through. Throws STREAM_MISSING when nothing was ever set up there. */
export async function readDeadLetters(
  link: NatsLink,
  stream: string,
  filter: DeadLetterFilter,
  limit: number,
): Promise<DeadLetterPage> {
  const manager = await jetstreamManager(link.nc);
  const state = await streamState(manager.streams.info(stream), stream);
  const letters: DeadLetter[] = [];
  const oldest = Math.max(state.first_seq, state.last_seq - MAX_SCANNED + 1, 1);
  for (let last = state.last_seq; last >= oldest && state.messages > 0; last -= BATCH) {
    const first = Math.max(oldest, last - BATCH + 1);
    const batch: StoredMsg[] = [];
    for await (const message of await manager.direct.getBatch(stream, { seq: first, batch: last - first + 1 })) {
      if (message.seq <= last) batch.push(message);
    }
    for (const message of batch.toReversed()) {
      if (filter.sinceMs !== undefined && message.time.getTime() < filter.sinceMs) return { letters, more: false };
      const letter = readDeadLetter(message);
      if (!matches(letter, filter)) continue;
      if (letters.length === limit) return { letters, more: true };
      letters.unshift(letter);
    }
  }
  return { letters, more: state.messages > 0 && oldest > state.first_seq };
}

async function streamState(
  info: Promise<{ readonly state: { messages: number; first_seq: number; last_seq: number } }>,
  stream: string,
): Promise<{ messages: number; first_seq: number; last_seq: number }> {
  try {
    return (await info).state;
  } catch (error) {
    if (!isStreamNotFound(error)) throw error;
    throw new BeamlineError("STREAM_MISSING", `there is no stream ${stream} on this server`, {
      hint: "The operator makes it when it starts: run npx beamline up, or name the right server with --nats-url.",
      cause: error,
    });
  }
}

function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const reasonFits = filter.reason === undefined || letter.reason === filter.reason || letter.code === filter.reason;
  return reasonFits && (filter.tenant === undefined || letter.tenant === filter.tenant);
}

function readDeadLetter(message: StoredMsg): DeadLetter {
  const record = parseRecord(message);
  const problem = section(record, "validation_error");
  const context = section(record, "context");
  return {
    sequence: message.seq,
    time: message.time.toISOString(),
    reason: text(problem.code) ?? "unreadable",
    code: text(problem.intake_error_code) ?? "",
    message: text(problem.message) ?? "",
    tenant: text(context.tenant_id) ?? "",
    field: text(problem.field) ?? "",
    subject: text(record.original_subject) ?? message.subject,
  };
}

/** Anyone may have written to the stream: what is no JSON object counts as an empty record. */
function parseRecord(message: StoredMsg): Record<string, unknown> {
  try {
    return section({ record: message.json<unknown>() }, "record");
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

function section(record: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = record[name];
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
