// Putting a load into the submit stream and reading back what came of it.
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { loadMessage } from "./durable-load.ts";

export interface LoadPart {
  readonly first: number;
  /** Exclusive. */
  readonly last: number;
  /** Each message once, with its sequence in the submit stream. */
  onStored(index: number, sequence: number): void;
}

export interface RunningLoad {
  /** Resolves when half of the part is stored. */
  readonly half: Promise<void>;
  readonly done: Promise<void>;
}

const IN_FLIGHT = 256;
const PUBLISH_TIMEOUT_MS = 5_000;
const RETRY_MS = 100;
/** Tries of one message; over a restart of nats-server a few are needed. */
const MAX_TRIES = 200;
const SUBJECTS_A_PAGE = 100_000;
const LETTERS_AT_ONCE = 500;
const MAX_READ = 1_000_000;

/** Publishes a part with PubAck; a message whose PubAck was lost is published again under the same message id. */
export function submit(link: NatsLink, part: LoadPart): RunningLoad {
  const half = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  const total = part.last - part.first;
  let next = part.first;
  let stored = 0;

  const send = (index: number, tries: number): void => {
    const { subject, headers, body } = loadMessage(index);
    const options = { timeoutMs: PUBLISH_TIMEOUT_MS, headers, msgId: `in-${index}` };
    link.mux.publish(subject, body, options, (result) => {
      if (result.kind === "stored") {
        part.onStored(index, result.sequence);
        stored++;
        if (stored >= total / 2) half.resolve();
        if (stored === total) done.resolve();
        if (next < part.last) send(next++, 1);
      } else if (tries < MAX_TRIES) {
        setTimeout(() => send(index, tries + 1), RETRY_MS);
      } else {
        done.reject(new Error(`message ${index} cannot be stored: ${JSON.stringify(result)}`));
      }
    });
  };
  for (let slot = 0; slot < IN_FLIGHT && next < part.last; slot++) send(next++, 1);
  return { half: half.promise, done: done.promise };
}

/** How many messages a stream holds on each subject. */
export async function readSubjectCounts(link: Pick<NatsLink, "nc">, stream: string): Promise<Map<string, number>> {
  const manager = await jetstreamManager(link.nc);
  const counts = new Map<string, number>();
  for (let offset = 0; offset < MAX_READ; offset += SUBJECTS_A_PAGE) {
    const info = await manager.streams.info(stream, { subjects_filter: ">", offset });
    const page = Object.entries(info.state.subjects ?? {});
    for (const [subject, count] of page) counts.set(subject, count);
    if (counts.size >= (info.state.num_subjects ?? 0) || page.length === 0) return counts;
  }
  throw new Error(`stream ${stream} holds more than ${MAX_READ} subjects`);
}

/** Dead letters by message id: the reason of each. Throws when an id comes twice. */
export async function readDeadLetters(link: Pick<NatsLink, "nc">, stream: string): Promise<Map<string, string>> {
  const manager = await jetstreamManager(link.nc);
  const { first_seq, last_seq, messages } = (await manager.streams.info(stream)).state;
  const letters = new Map<string, string>();
  for (let seq = first_seq; messages > 0 && seq <= last_seq; seq += LETTERS_AT_ONCE) {
    for await (const msg of await manager.direct.getBatch(stream, { seq, batch: LETTERS_AT_ONCE })) {
      if (msg.seq >= seq + LETTERS_AT_ONCE) break;
      const id = msg.header.get("Nats-Msg-Id");
      if (letters.has(id)) throw new Error(`dead letter ${id} is stored twice`);
      letters.set(id, msg.json<{ validation_error: { code: string } }>().validation_error.code);
    }
  }
  return letters;
}
