// One measured run of requests: a closed loop with a fixed number in flight, each answer looked at, all answers counted.
import type { NatsLink } from "../../runtime/nats/connection.ts";
import type { Figures } from "./drain-run.ts";
import { readCpuMicros } from "./process-usage.ts";
import { quantile } from "./statistics.ts";
import type { World } from "./world.ts";

/** A program that answers requests. */
export interface RequestTarget {
  readonly name: string;
  readonly pid: number;
  readonly subject: string;
  body(index: number): Uint8Array;
  /** Throws unless exactly what had to be stored was stored; what it looked at is gone afterwards. */
  checkOutputs(world: World, first: number, count: number): Promise<void>;
}

export interface RequestFigures extends Figures {
  /** From the call to the answer, milliseconds. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** Requests in flight at once. */
export const REQUESTS_IN_FLIGHT = 256;
const REQUEST_TIMEOUT_MS = 30_000;
/** First byte of a RouteDecision: field 1, length-delimited. An error answer is JSON and begins with a brace. */
const DECISION_TAG = 0x0a;

/** @param load a connection that carries nothing else, so that answers can be counted on it */
export async function runRequests(
  world: World,
  load: NatsLink,
  target: RequestTarget,
  first: number,
  count: number,
): Promise<RequestFigures> {
  const serverPid = world.nats.process().pid;
  await load.nc.flush();
  const answersBefore = load.nc.stats().inMsgs;
  const before = [await readCpuMicros(target.pid), await readCpuMicros(serverPid)] as const;
  const startMs = performance.now();
  const latencies = await sendAll(load, target, first, count);
  const seconds = (performance.now() - startMs) / 1_000;
  const after = [await readCpuMicros(target.pid), await readCpuMicros(serverPid)] as const;
  await load.nc.flush();
  const answers = load.nc.stats().inMsgs - answersBefore;
  if (answers !== count) throw new Error(`${target.name}: ${count} requests got ${answers} answers`);
  await target.checkOutputs(world, first, count);
  latencies.sort();
  return {
    perSecond: count / seconds,
    processMicros: (after[0] - before[0]) / count,
    serverMicros: (after[1] - before[1]) / count,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
  };
}

async function sendAll(load: NatsLink, target: RequestTarget, first: number, count: number): Promise<Float64Array> {
  const latencies = new Float64Array(count);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let next = 0;
  let answered = 0;
  const send = (): void => {
    const index = next++;
    const sentMs = performance.now();
    load.mux.request(target.subject, target.body(first + index), undefined, REQUEST_TIMEOUT_MS, (result) => {
      if (result.kind !== "reply") return reject(new Error(`${target.name}: request ${index} ended as ${result.kind}`));
      if (result.msg.data[0] !== DECISION_TAG) return reject(new Error(`${target.name}: ${result.msg.string()}`));
      latencies[index] = performance.now() - sentMs;
      if (++answered === count) resolve();
      else if (next < count) send();
    });
  };
  for (let slot = 0; slot < Math.min(REQUESTS_IN_FLIGHT, count); slot++) send();
  await promise;
  return latencies;
}
