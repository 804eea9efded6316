// A nats-server with everything that a Router's account holds, made as the product makes it, and the streams of the loops
// that routers are compared with.
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { ConfigEntry, RouterKey } from "../../core/config/entry.ts";
import { headKey } from "../../core/config/keys.ts";
import type { ConsumerSpec } from "../../core/handover/streams.ts";
import { providerConsumer, streamSpecs } from "../../core/handover/streams.ts";
import { type Names, namesFor } from "../../core/handover/subjects.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { ensureConsumer } from "../../runtime/nats/consumers.ts";
import { ensureBucket, putKey } from "../../runtime/nats/kv.ts";
import { ensureStream, type StreamSpec } from "../../runtime/nats/streams.ts";
import { startTestNats, type TestNats } from "../support/nats.ts";
import { BENCH_PROVIDERS, BENCH_ROUTER, benchEntries, headOf, stageEntries } from "./objects.ts";

/** Two streams and a consumer between which a loop moves messages. */
export interface LoopStreams {
  readonly input: StreamSpec;
  readonly submitSubject: string;
  readonly consumer: ConsumerSpec;
  readonly output: StreamSpec;
  readonly outputSubject: string;
}

export interface World {
  readonly nats: TestNats;
  readonly names: Names;
  /** For setting up and looking; the load has connections of its own. */
  readonly link: NatsLink;
  readonly manager: JetStreamManager;
  connect(name: string): Promise<NatsLink>;
  makeLoopStreams(name: string, change?: Partial<StreamSpec>): Promise<LoopStreams>;
  stop(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const WRITE_TIMEOUT_MS = 10_000;

export async function startWorld(): Promise<World> {
  const nats = await startTestNats();
  const log = createLogger({ service: "bench", level: "error" });
  const connect = (name: string) => connectNats({ url: nats.url, name, timeoutMs: CONNECT_TIMEOUT_MS, log });
  const link = await connect("bench");
  const manager = await jetstreamManager(link.nc);
  const names = namesFor();
  await setUpRouterAccount(manager, names);
  await publishEntries(link, names, BENCH_ROUTER, benchEntries());
  return {
    nats,
    names,
    link,
    manager,
    connect,
    makeLoopStreams: (name, change = {}) => makeLoopStreams(manager, names, name, change),
    stop: async () => {
      await link.close();
      await nats.stop();
    },
  };
}

async function setUpRouterAccount(manager: JetStreamManager, names: Names): Promise<void> {
  const specs = streamSpecs(names);
  for (const stream of specs.streams) await ensureStream(manager, stream);
  for (const consumer of specs.consumers) await ensureConsumer(manager, consumer);
  for (const provider of BENCH_PROVIDERS) await ensureConsumer(manager, providerConsumer(names, provider));
  for (const bucket of specs.buckets) await ensureBucket(manager, bucket);
}

/** Streams of the same settings as the product's own, under other names. */
async function makeLoopStreams(
  manager: JetStreamManager,
  names: Names,
  name: string,
  change: Partial<StreamSpec>,
): Promise<LoopStreams> {
  const specs = streamSpecs(names);
  const find = (wanted: string): StreamSpec => {
    const spec = specs.streams.find((stream) => stream.name === wanted);
    if (spec === undefined) throw new Error(`no stream ${wanted}`);
    return spec;
  };
  const input = { ...find(names.streams.submit), name: `${name}_IN`, subjects: [`bench.${name}.in`], ...change };
  const output = {
    ...find(names.streams.assignments),
    name: `${name}_OUT`,
    subjects: [`bench.${name}.out`, `bench.${name}.out.>`],
  };
  const [decide] = specs.consumers;
  if (decide === undefined) throw new Error("the routers have no consumer");
  const consumer = { ...decide, stream: input.name, durableName: `${name}-loop` };
  await ensureStream(manager, input);
  await ensureStream(manager, output);
  await ensureConsumer(manager, consumer);
  return { input, submitSubject: `bench.${name}.in`, consumer, output, outputSubject: `bench.${name}.out` };
}

/** Writes entries in one burst, then the head that names all of a router's entries. Resolves when the head is stored. */
export async function publishEntries(
  link: NatsLink,
  names: Names,
  router: RouterKey,
  entries: readonly ConfigEntry[],
  all: readonly ConfigEntry[] = entries,
): Promise<void> {
  const put = async (key: string, value: Uint8Array): Promise<void> => {
    const result = await putKey(link.mux, names.buckets.config, key, value, { timeoutMs: WRITE_TIMEOUT_MS });
    if (result.kind !== "stored") throw new Error(`${key} was not written: ${result.kind}`);
  };
  const head = headOf("bench", stageEntries(router, all));
  await Promise.all(stageEntries(router, entries).map(({ key, value }) => put(key, value)));
  await put(headKey(router), head);
}
