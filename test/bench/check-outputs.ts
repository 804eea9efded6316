// Counting what came out: one output for each input, by name and not only by number.
import { jetstream } from "@nats-io/jetstream";
import { keyedEffectId, streamEffectId } from "../../core/handover/effect-id.ts";
import { parseEffectSubject } from "../../core/handover/subjects.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { readSubjectCounts } from "../e2e/streams-io.ts";
import { BENCH_ROUTER } from "./objects.ts";
import { BENCH_TENANT, benchKey, numberOf } from "./payload.ts";
import type { World } from "./world.ts";

const READ_WINDOW = 5_000;

/** Reads a stream of forwarded messages whole and compares the numbers in them with `first`..`first + count - 1`. */
export async function checkForwarded(world: World, stream: string, first: number, count: number): Promise<void> {
  const { messages } = (await world.manager.streams.info(stream)).state;
  const seen = new Uint8Array(count);
  if (messages > 0) {
    const consumer = await jetstream(world.link.nc).consumers.get(stream);
    const read = await consumer.consume({ max_messages: READ_WINDOW });
    let left = messages;
    for await (const msg of read) {
      const place = numberOf(msg.data) - first;
      if (!(place >= 0 && place < count)) throw new Error(`${stream}: output ${place + first} has no input`);
      seen[place] = (seen[place] as number) + 1;
      if (--left === 0) break;
    }
  }
  report(stream, count, seen);
}

/** Effects by the place of their messages in the intake stream. */
export async function checkStreamEffects(world: World, sequences: readonly number[]): Promise<void> {
  const { created } = await world.manager.streams.info(world.names.streams.submit);
  const ids = sequences.map((sequence) => streamEffectId(nodeCodec, created, sequence));
  await checkEffects(world, ids, "assignment");
}

/** Effects by their idempotency keys. @param stage assignments, or decisions that nobody asked to dispatch */
export async function checkKeyedEffects(
  world: World,
  first: number,
  count: number,
  stage: "assignment" | "decided",
): Promise<void> {
  const ids = Array.from({ length: count }, (_, index) =>
    keyedEffectId(nodeCodec, BENCH_ROUTER, BENCH_TENANT, benchKey(first + index)),
  );
  await checkEffects(world, ids, stage);
}

async function checkEffects(world: World, ids: readonly string[], stage: "assignment" | "decided"): Promise<void> {
  const { names, link, manager } = world;
  const places = new Map(ids.map((id, place) => [id, place]));
  const seen = new Uint8Array(ids.length);
  for (const [subject, count] of await readSubjectCounts(link, names.streams.assignments)) {
    const effect = parseEffectSubject(subject);
    const place = effect?.stage === stage ? places.get(effect.effectId) : undefined;
    if (place === undefined) throw new Error(`${subject} is stored and has no input`);
    seen[place] = (seen[place] as number) + count;
  }
  report(names.streams.assignments, ids.length, seen);
  const { messages } = (await manager.streams.info(names.streams.dlq)).state;
  if (messages > 0) throw new Error(`${messages} messages of the benchmark are dead letters`);
}

function report(stream: string, expected: number, seen: Uint8Array): void {
  const missing = seen.filter((count) => count === 0).length;
  const doubled = seen.filter((count) => count > 1).length;
  if (missing + doubled > 0)
    throw new Error(`${stream}: of ${expected} outputs ${missing} are missing, ${doubled} doubled`);
}
