// What one replica writes to the shared bucket when writes fail, cross, or come late, and what it leaves there.
import assert from "node:assert/strict";
import { jetstreamManager } from "@nats-io/jetstream";
import { afterEach, beforeEach, describe, it } from "mocha";
import { LiveRegistry } from "../../../controlplane/live-registry.ts";
import { BucketWriter, type Wanted, type WriteOutcome } from "../../../controlplane/replication/bucket-writer.ts";
import { RegistrationStore } from "../../../controlplane/replication/registration-store.ts";
import { VerdictWriter } from "../../../controlplane/replication/verdict-writer.ts";
import {
  decodeVerdict,
  encodeRegistrationEntry,
  encodeVerdict,
  entryKey,
  type PublishedVerdict,
} from "../../../core/registry/entries.ts";
import type { SharedRegistration } from "../../../core/registry/event.ts";
import { findComponent } from "../../../core/registry/state.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../../runtime/nats/connection.ts";
import { ensureBucket } from "../../../runtime/nats/kv.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";

const log = createLogger({ service: "test", level: "silent" });
const NAME = { kind: "processor", id: "resize-1" } as const;
const REGISTRATION_KEY = entryKey(nodeCodec, "registration", NAME);
const VERDICT_KEY = entryKey(nodeCodec, "verdict", NAME);
const STEP_MS = 1_000;
/** Longer than a component that is lost is remembered. */
const FORGOTTEN_AFTER_MS = 400_000;
const DEADLINE_MS = 10_000;
const MAX_BYTES = 1_048_576;

/** A registry whose time passes when it is told, and the parts that share it. */
function replica() {
  let nowMs = 1_700_000_000_000;
  const registry = new LiveRegistry({
    epoch: "e",
    self: "e",
    settings: {},
    log,
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
  });
  const asked: string[] = [];
  const leads = { now: false };
  const options = { registry, write: (key: string) => asked.push(key), isLeading: () => leads.now };
  const pass = (ms: number): void => {
    for (let leftMs = ms; leftMs > 0; leftMs -= STEP_MS) {
      nowMs += STEP_MS;
      registry.apply({ kind: "tick" });
    }
  };
  const takeAsked = (): string[] => asked.splice(0);
  return { registry, leads, pass, takeAsked, options, nowMs: () => nowMs };
}

function registered(seenAtMs: number): SharedRegistration {
  const capabilities = { inputEventTypes: [], outputEventTypes: [], source: "metadata" } as const;
  const endpoint = "127.0.0.1:9000";
  const times = { ttlMs: 30_000, registeredAtMs: seenAtMs, seq: seenAtMs };
  return { registration: { ...NAME, instance: "a", endpoint, metadata: new Map(), capabilities, ...times }, seenAtMs };
}

function verdictIn(wanted: Wanted | undefined): PublishedVerdict | undefined {
  return wanted?.kind === "value" ? decodeVerdict(nodeCodec, NAME, wanted.value) : undefined;
}

describe("registrations of one replica in the shared bucket", () => {
  it("are taken out by whoever leads later, when nobody led while they were forgotten, until that works", () => {
    const { registry, leads, pass, takeAsked, options, nowMs } = replica();
    const store = new RegistrationStore(options);
    registry.onNotices((notices) => store.changed(notices));
    store.take(NAME, encodeRegistrationEntry(nodeCodec, { kind: "registration", shared: registered(nowMs()) }));
    assert.ok(findComponent(registry.state, NAME), "it is known from the bucket");
    pass(FORGOTTEN_AFTER_MS);
    assert.equal(findComponent(registry.state, NAME), undefined, "it is forgotten");
    takeAsked();
    assert.equal(store.want(REGISTRATION_KEY), undefined, "a replica that does not lead leaves it");

    leads.now = true;
    store.tidy();
    assert.deepEqual(takeAsked(), [REGISTRATION_KEY]);
    assert.deepEqual(store.want(REGISTRATION_KEY), { kind: "nothing" });
    assert.deepEqual(store.want(REGISTRATION_KEY), { kind: "nothing" }, "asked again after a failed write");
    store.take(NAME, undefined);
    store.tidy();
    assert.deepEqual(takeAsked(), []);
  });

  it("are left alone by a leader that would still take them up", () => {
    const { registry, leads, takeAsked, options, nowMs } = replica();
    const store = new RegistrationStore(options);
    leads.now = true;
    store.take(NAME, encodeRegistrationEntry(nodeCodec, { kind: "registration", shared: registered(nowMs()) }));
    store.tidy();
    assert.ok(findComponent(registry.state, NAME));
    assert.deepEqual(takeAsked(), []);
    assert.equal(store.want(REGISTRATION_KEY), undefined);
  });

  it("are written again when they were taken out while their write was on its way", () => {
    const { registry, options, nowMs } = replica();
    const store = new RegistrationStore(options);
    registry.apply({ kind: "registrationSeen", shared: registered(nowMs()) });
    assert.equal(store.want(REGISTRATION_KEY)?.kind, "value");
    store.take(NAME, undefined);
    store.stored(REGISTRATION_KEY);
    assert.equal(store.want(REGISTRATION_KEY)?.kind, "value");
    store.stored(REGISTRATION_KEY);
    assert.equal(store.want(REGISTRATION_KEY), undefined);
  });
});

describe("verdicts of one leader in the shared bucket", () => {
  const lost = (seq: number): PublishedVerdict => ({
    ...NAME,
    instance: "a",
    endpoint: "127.0.0.1:9000",
    inputEventTypes: [],
    outputEventTypes: [],
    liveness: "lost",
    reported: "UNKNOWN",
    isCandidate: false,
    sinceMs: 1,
    seq,
  });

  it("on a forgotten component are made to go by themselves, again until that is stored, and once", () => {
    const { leads, options } = replica();
    const verdicts = new VerdictWriter(options);
    leads.now = true;
    verdicts.take(NAME, encodeVerdict(nodeCodec, lost(1)));
    assert.equal(verdictIn(verdicts.want(VERDICT_KEY))?.liveness, "lost");
    const wanted = verdicts.want(VERDICT_KEY);
    assert.ok(wanted?.kind === "value" && wanted.ttlMs !== undefined, "the first write failed");
    verdicts.take(NAME, wanted.value);
    verdicts.stored(VERDICT_KEY, wanted);
    assert.equal(verdicts.want(VERDICT_KEY), undefined);
  });

  it("are written over what another leader wrote while one was on its way", () => {
    const { registry, leads, options, nowMs } = replica();
    const verdicts = new VerdictWriter(options);
    leads.now = true;
    const shared = registered(nowMs() - STEP_MS);
    const report = { status: "HEALTHY", text: "HEALTHY", metrics: new Map() } as const;
    registry.apply({ kind: "registrationSeen", shared });
    registry.apply({ kind: "beat", beats: [{ ...NAME, instance: "a", report }] });

    const wanted = verdicts.want(VERDICT_KEY);
    assert.ok(wanted !== undefined);
    verdicts.take(NAME, encodeVerdict(nodeCodec, lost(shared.registration.seq)));
    verdicts.stored(VERDICT_KEY, wanted);
    const again = verdicts.want(VERDICT_KEY);
    assert.equal(verdictIn(again)?.liveness, "live", "what stands is the other leader's");
    assert.ok(again !== undefined);
    verdicts.take(NAME, again.kind === "value" ? again.value : undefined);
    verdicts.stored(VERDICT_KEY, again);
    assert.equal(verdicts.want(VERDICT_KEY), undefined);
  });
});

describe("the writer of a bucket", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let link: NatsLink;

  beforeEach(async function () {
    nats = await startTestNats({ context: this });
    link = await connectNats({ url: nats.url, name: "test", timeoutMs: DEADLINE_MS, log });
    await ensureBucket(await jetstreamManager(link.nc), {
      name: "written",
      replicas: 1,
      history: 1,
      maxBytes: MAX_BYTES,
    });
  });
  afterEach(async () => {
    await link?.close();
    await nats?.stop();
  });

  it("goes on with what waits when everything before it was refused", async () => {
    const tooLarge = new Uint8Array((link.nc.info?.max_payload ?? 0) + 1);
    const outcomes: WriteOutcome[] = [];
    const writer = new BucketWriter({
      link,
      bucket: "written",
      log,
      want: (key) => ({ kind: "value", value: key === "last" ? new Uint8Array(1) : tooLarge }),
      stored: () => undefined,
      count: (outcome) => outcomes.push(outcome),
    });
    const refused = 300;
    for (let index = 0; index < refused; index++) writer.write(`large-${index}`);
    writer.write("last");
    await eventually(() => outcomes.includes("stored"), { deadlineMs: DEADLINE_MS, describe: "the last is stored" });
    assert.equal(outcomes.filter((outcome) => outcome === "refused").length, refused);
    assert.equal(writer.pending, 0);
  });
});
