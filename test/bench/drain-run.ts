// One measured run of durable messages: a backlog is laid down while the program is stopped, then the time until every
// message of it is settled is taken, then the outputs are counted.
import { eventually } from "../support/await.ts";
import { readCpuMicros } from "./process-usage.ts";
import type { World } from "./world.ts";

/** A program that takes messages from a durable consumer, and where it puts what it makes of them. */
export interface DrainTarget {
  readonly name: string;
  readonly pid: number;
  readonly submitSubject: string;
  readonly stream: string;
  readonly consumer: string;
  readonly outputStream: string;
  body(index: number): Uint8Array;
  /** Throws unless there is exactly one output for each message. `sequences`: of the inputs, in the order of their index. */
  checkOutputs(world: World, first: number, sequences: readonly number[]): Promise<void>;
}

export interface Figures {
  readonly perSecond: number;
  /** CPU time of the measured process and of nats-server, microseconds a message. */
  readonly processMicros: number;
  readonly serverMicros: number;
}

const PUBLISH_TIMEOUT_MS = 30_000;
const LAY_DOWN_IN_FLIGHT = 512;
const DRAIN_DEADLINE_MS = 120_000;
/** How often the consumer is asked how far it is. */
const LOOK_EVERY_MS = 5;
/** Settled before the clock starts: more than what waited in the stopped process's socket already. */
const HEAD_SHARE = 0.05;

/** Runs `count` messages, numbered from `first`, through a target. Throws when one of them is lost or doubled. */
export async function runDrain(world: World, target: DrainTarget, first: number, count: number): Promise<Figures> {
  const { manager } = world;
  // Stopped and not paused: nats-server gives a consumer that was paused its messages one by one afterwards.
  process.kill(target.pid, "SIGSTOP");
  let sequences: readonly number[];
  try {
    sequences = await layDown(world, target, first, count);
  } finally {
    process.kill(target.pid, "SIGCONT");
  }
  const head = await awaitLeft(world, target, count * (1 - HEAD_SHARE));
  const end = await awaitLeft(world, target, 0);
  await target.checkOutputs(world, first, sequences);
  await manager.streams.purge(target.outputStream);
  await manager.streams.purge(target.stream);
  return {
    perSecond: (1_000 * head.left) / (end.atMs - head.atMs),
    processMicros: (end.processMicros - head.processMicros) / head.left,
    serverMicros: (end.serverMicros - head.serverMicros) / head.left,
  };
}

/** Waits until at most `atMost` messages are not settled; resolves to how many, when, and the CPU time used by then. */
async function awaitLeft(world: World, target: DrainTarget, atMost: number) {
  const { manager, nats } = world;
  const left = await eventually(
    async () => {
      const info = await manager.consumers.info(target.stream, target.consumer);
      const unsettled = info.num_pending + info.num_ack_pending;
      return unsettled <= atMost ? { unsettled, atMs: performance.now() } : undefined;
    },
    { deadlineMs: DRAIN_DEADLINE_MS, describe: `${target.name}: ${atMost} left`, everyMs: LOOK_EVERY_MS },
  );
  return {
    left: left.unsettled,
    atMs: left.atMs,
    processMicros: await readCpuMicros(target.pid),
    serverMicros: await readCpuMicros(nats.process().pid),
  };
}

/** Publishes the backlog with PubAck; resolves to the sequences. */
async function layDown(world: World, target: DrainTarget, first: number, count: number): Promise<number[]> {
  const { mux } = world.link;
  const sequences = new Array<number>(count);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let next = 0;
  let stored = 0;
  const send = (): void => {
    const index = next++;
    mux.publish(target.submitSubject, target.body(first + index), { timeoutMs: PUBLISH_TIMEOUT_MS }, (result) => {
      if (result.kind !== "stored") return reject(new Error(`message ${index} was not stored: ${result.kind}`));
      sequences[index] = result.sequence;
      if (++stored === count) resolve();
      else if (next < count) send();
    });
  };
  for (let slot = 0; slot < Math.min(LAY_DOWN_IN_FLIGHT, count); slot++) send();
  await promise;
  return sequences;
}
