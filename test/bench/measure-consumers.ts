// What the durables of providers cost a server, by how many there are: making them, its memory, and its next start.
import { readFile } from "node:fs/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { providerConsumer, streamSpecs } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { runAll } from "../../operator/run-all.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { ensureConsumer, listConsumerNames } from "../../runtime/nats/consumers.ts";
import { ensureStream } from "../../runtime/nats/streams.ts";
import { startTestNats, type TestNats } from "../support/nats.ts";

export interface ConsumersFigure {
  readonly consumers: number;
  readonly createMsEach: number;
  /** Of the server, resident. */
  readonly residentMiB: number;
  /** To look for all of them. */
  readonly namesMs: number;
  /** Until the server has ended, asked to. */
  readonly stopMs: number;
  /** From its start until it answers. */
  readonly startMs: number;
}

const SIZES = [0, 200, 1_000, 5_000];
/** Assignments that the stream holds meanwhile: each consumer's backlog is counted when the server starts. */
export const STORED_ASSIGNMENTS = 20_000;
const PUBLISHES_IN_FLIGHT = 256;
const BODY = new Uint8Array(700);
const MAX_IN_FLIGHT = 8;
const TIMEOUT_MS = 60_000;
const STORED_TEAMS = 200;
const NAMES = namesFor();
const STREAM = NAMES.streams.assignments;
const KIB_PER_MIB = 1_024;

export async function measureConsumers(): Promise<readonly ConsumersFigure[]> {
  const nats = await startTestNats();
  try {
    const figures: ConsumersFigure[] = [];
    await fill(nats);
    for (const size of SIZES) figures.push(await measureSize(nats, figures.at(-1)?.consumers ?? 0, size));
    return figures;
  } finally {
    await nats.stop();
  }
}

async function fill(nats: TestNats): Promise<void> {
  await using bus = await openBus(nats);
  const { link } = bus;
  const publish = (index: number) => (): Promise<void> =>
    new Promise((resolve, reject) => {
      const subject = `caf.exec.assign.v1.to.${index}.team-${index % STORED_TEAMS}.openai`;
      link.mux.publish(subject, BODY, { timeoutMs: TIMEOUT_MS }, (result) => {
        if (result.kind === "stored") resolve();
        else reject(new Error(`${subject}: ${result.kind}`));
      });
    });
  const tasks = Array.from({ length: STORED_ASSIGNMENTS }, (_, index) => publish(index));
  await runAll(tasks, PUBLISHES_IN_FLIGHT);
}

interface OpenBus extends AsyncDisposable {
  readonly link: NatsLink;
  readonly jsm: JetStreamManager;
}

async function openBus(nats: TestNats): Promise<OpenBus> {
  const log = createLogger({ service: "bench", level: "error" });
  const link = await connectNats({ url: nats.url, name: "bench", timeoutMs: TIMEOUT_MS, log });
  const jsm = await jetstreamManager(link.nc, { timeout: TIMEOUT_MS });
  for (const spec of streamSpecs(NAMES).streams) if (spec.name === STREAM) await ensureStream(jsm, spec);
  return { link, jsm, [Symbol.asyncDispose]: () => link.close() };
}

async function measureSize(nats: TestNats, standing: number, consumers: number): Promise<ConsumersFigure> {
  const { link, jsm } = await openBus(nats);
  const make = (index: number) => async (): Promise<void> => {
    await ensureConsumer(jsm, providerConsumer(NAMES, { namespace: `team-${index}`, name: "openai" }));
  };
  const createMs = await timed(() => {
    const tasks = Array.from({ length: consumers - standing }, (_, index) => make(standing + index));
    return runAll(tasks, MAX_IN_FLIGHT);
  });
  const namesMs = await timed(() => listConsumerNames(link.nc, STREAM));
  const residentMiB = await readResidentMiB(nats.process().pid);
  await link.close();
  const stopMs = await timed(() => {
    nats.process().kill("SIGTERM");
    return nats.process().exited;
  });
  const startMs = await timed(() => nats.start());
  return {
    consumers,
    createMsEach: consumers === standing ? Number.NaN : createMs / (consumers - standing),
    residentMiB,
    namesMs,
    stopMs,
    startMs,
  };
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

async function readResidentMiB(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / KIB_PER_MIB;
}
