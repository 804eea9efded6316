// A NATS with the bucket that control planes share, and the verdicts in it as routers follow them.
import { rm } from "node:fs/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import { registryBucket } from "../../core/handover/streams.ts";
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { PublishedVerdict } from "../../core/registry/entries.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { bucketStream, ensureBucket } from "../../runtime/nats/kv.ts";
import { VerdictMirror } from "../../runtime/nats/verdict-mirror.ts";
import { startTestNats, type TestNats } from "./nats.ts";
import { makeTempDir } from "./temp.ts";

export interface SharedRegistry {
  readonly nats: TestNats;
  readonly link: NatsLink;
  readonly mirror: VerdictMirror;
  /** What routers know of a processor. */
  verdict(id: string): PublishedVerdict | undefined;
  /** As an operator does when the bucket is missing. */
  makeBucket(maxBytes?: number): Promise<void>;
  removeBucket(): Promise<void>;
  /** NATS comes back without anything that it held. */
  startEmpty(): Promise<void>;
  stop(): Promise<void>;
}

const SILENT = createLogger({ service: "test", level: "silent" });
const TIMEOUT_MS = 10_000;

/** @param context the test or hook that asks, if it is one */
export async function startSharedRegistry(context?: Mocha.Context): Promise<SharedRegistry> {
  const temp = await makeTempDir("beamline-registry-");
  const nats = await startTestNats({ dataDir: temp.path, ...(context === undefined ? {} : { context }) });
  const link = await connectNats({ url: nats.url, name: "test", timeoutMs: TIMEOUT_MS, log: SILENT });
  const makeBucket = async (maxBytes?: number): Promise<void> => {
    const jsm = await jetstreamManager(link.nc, { checkAPI: false });
    await ensureBucket(jsm, { ...registryBucket(1), ...(maxBytes === undefined ? {} : { maxBytes }) });
  };
  await makeBucket();
  const mirror = new VerdictMirror({ link, log: SILENT });
  mirror.start();
  return {
    nats,
    link,
    mirror,
    verdict: (id) => mirror.verdicts.get(`processor/${id}`),
    makeBucket,
    removeBucket: async () => {
      const jsm = await jetstreamManager(link.nc, { checkAPI: false });
      await jsm.streams.delete(bucketStream(REGISTRY_BUCKET));
    },
    startEmpty: async () => {
      await rm(temp.path, { recursive: true, force: true });
      await nats.start();
    },
    stop: async () => {
      mirror.stop();
      await link.close();
      await nats.stop();
      await temp.remove();
    },
  };
}
