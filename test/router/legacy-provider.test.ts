// Providers that listen on one fixed subject: the claim is stored first, the work follows it under one message id.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { keyedEffectId, streamEffectId } from "../../core/handover/effect-id.ts";
import { HEADER } from "../../core/handover/header.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus, SETTLED_MS } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { encodeRequest, readDecision, readError, TENANT } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const FIXED = "caf.exec.assign.v1";
const ALLOWED = { BEAMLINE_ALLOWED_SUBJECTS: FIXED };
const effectOf = (key: string): string => keyedEffectId(nodeCodec, ROUTER, TENANT, key);

describe("a provider on a fixed subject", () => {
  let bus: Bus;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES, settings: { legacySubjects: [FIXED] } });
    await bus.startRouter(ALLOWED);
    await bus.startRouter(ALLOWED);
  });
  after(() => bus?.stop());

  const workOf = async (effectId: string) =>
    (await bus.storedOn(FIXED)).filter(({ header }) => header.get(HEADER.effectId) === effectId);

  it("gets a durable message once, between its claim and the mark that it did", async () => {
    const { created } = await bus.manager.streams.info(bus.names.streams.submit);
    const sequence = await bus.submit(encodeRequest("json", { policy: "fixed", messageId: "m-fixed" }));
    await bus.settled();
    const effectId = streamEffectId(nodeCodec, created, sequence);
    const [mark, ...marks] = await bus.storedFor(effectId);
    const [work, ...works] = await workOf(effectId);
    assert.ok(mark !== undefined && work !== undefined && marks.length === 0 && works.length === 0);
    assert.equal(mark.subject, `caf.exec.assign.v1.to.${effectId}._.decided`);
    assert.deepEqual([mark.header.get(HEADER.legacySubject), mark.header.get(HEADER.legacyPublished)], [FIXED, "true"]);
    assert.equal(mark.header.get("Nats-TTL"), "", "it protects work: it stays as long as assignments do");
    assert.ok(Number(mark.header.get(HEADER.supersedes)) < work.seq, "the claim came first");
    assert.ok(work.seq < mark.seq, "the mark says what has happened");
    assert.equal(work.header.get("Nats-Msg-Id"), `${effectId}:1`);
    assert.match(work.header.get(HEADER.attemptToken), /^[0-9a-f]{32}$/);
    const body = work.json<{ assignment_id: string; request_id: string; executor: { provider_id: string } }>();
    assert.deepEqual(
      [body.assignment_id, body.request_id, body.executor.provider_id],
      [`${effectId}-1`, "m-fixed", "older"],
    );
  });

  it("gets one assignment for a key, whoever asks how often and when", async () => {
    const key = "fixed-key";
    const asks = Array.from({ length: 10 }, () => bus.ask("protobuf", { policy: "fixed", key, push: true }));
    for (const answer of await Promise.all(asks)) assert.equal(readDecision("protobuf", answer).providerId, "older");
    await bus.submit(encodeRequest("protobuf", { policy: "fixed", key }));
    await bus.settled();
    assert.equal((await bus.storedFor(effectOf(key))).length, 1);
    assert.equal((await workOf(effectOf(key))).length, 1);
  });

  it("gets the work of a decision that is pushed later", async () => {
    const key = "fixed-later";
    assert.equal(readDecision("json", await bus.ask("json", { policy: "fixed", key })).providerId, "older");
    assert.deepEqual(await workOf(effectOf(key)), []);
    for (let time = 0; time < 2; time++) await bus.ask("json", { policy: "fixed", key, push: true });
    assert.equal((await workOf(effectOf(key))).length, 1);
    const [mark, ...others] = await bus.storedFor(effectOf(key));
    assert.deepEqual([mark?.header.get(HEADER.legacyPublished), others.length], ["true", 0]);
  });

  it("gets it once when several push it at the same time, and each of them is answered", async () => {
    const key = "fixed-race";
    await bus.ask("json", { policy: "fixed", key });
    const pushes = Array.from({ length: 8 }, () => bus.ask("json", { policy: "fixed", key, push: true }));
    for (const answer of await Promise.all(pushes)) assert.equal(readDecision("json", answer).providerId, "older");
    assert.equal((await workOf(effectOf(key))).length, 1);
  });

  it("is not published to again once that is marked, whatever the stream remembers of message ids", async () => {
    const key = "fixed-marked";
    await bus.ask("json", { policy: "fixed", key, push: true });
    const [work] = await workOf(effectOf(key));
    assert.ok(work !== undefined);
    // Without its message the id alone would not keep a second publish out for long.
    await bus.manager.streams.deleteMessage(bus.names.streams.assignments, work.seq);
    await bus.ask("json", { policy: "fixed", key, push: true });
    assert.deepEqual(await workOf(effectOf(key)), []);
  });

  it("a subject that the Router does not list gets nothing, and neither is there a claim", async () => {
    const seen: string[] = [];
    const subscription = bus.link.nc.subscribe("other.work", {
      callback: (_error, msg) => void seen.push(msg.string()),
    });
    await bus.link.nc.flush();
    const refused = readError(await bus.ask("protobuf", { policy: "unlisted", key: "unlisted", push: true }));
    assert.match(refused.error.message, /legacy subject other\.work is not_allowed/);
    await bus.link.nc.flush();
    subscription.unsubscribe();
    assert.deepEqual(seen, []);
    assert.deepEqual(await bus.storedFor(effectOf("unlisted")), []);
  });
});

describe("a provider on a fixed subject that no stream holds", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter(ALLOWED);
  });
  after(() => bus?.stop());

  it("gets its work after the claim, with the token of the claim, as soon as a stream holds it", async () => {
    await bus.submit(encodeRequest("protobuf", { policy: "fixed", key: "stranded" }));
    const naks = 'router_intake_messages_total{kind="decide",source="submit",disposition="nak"}';
    await eventually(async () => ((await router.metric(naks)) ?? 0) > 0, {
      deadlineMs: SETTLED_MS,
      describe: "the claim is stored, its work is not",
    });
    const effectId = effectOf("stranded");
    const [claim] = await bus.storedFor(effectId);
    assert.ok(claim !== undefined);
    const { assignments } = bus.names.streams;
    await bus.manager.streams.update(assignments, { subjects: [bus.names.assignmentPattern, FIXED] });
    await bus.settled();
    const [work, ...more] = await bus.storedOn(FIXED);
    assert.ok(work !== undefined && more.length === 0);
    assert.equal(work.header.get(HEADER.attemptToken), claim.header.get(HEADER.attemptToken));
    assert.equal(work.header.get(HEADER.deadline), claim.header.get(HEADER.deadline));
    assert.equal((await bus.storedFor(effectId)).length, 1);
  });
});
