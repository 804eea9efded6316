// Durable messages on a real nats-server: one assignment each, dead letters for what is refused, nothing settled too early.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { keyedEffectId, streamEffectId } from "../../core/handover/effect-id.ts";
import { HEADER } from "../../core/handover/header.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus, SETTLED_MS } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { encodeRequest, SUBMIT, TENANT } from "./messages.ts";
import { chatPolicy, POLICIES, policiesWith } from "./policies.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const ANY = "caf.exec.assign.v1.to.>";
const NAKS = 'router_intake_messages_total{kind="decide",source="submit",disposition="nak"}';

interface DeadLetter {
  readonly original_subject: string;
  readonly original_payload: unknown;
  readonly original_payload_encoding?: string;
  readonly validation_error: { readonly code: string; readonly message: string; readonly intake_error_code: string };
  readonly context: Readonly<Record<string, string>>;
}

describe("durable messages", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  const lastLetter = async (): Promise<DeadLetter | undefined> => (await bus.deadLetters()).at(-1)?.json<DeadLetter>();

  it("become one assignment each, named by their place in the stream, and leave the stream", async () => {
    const { created } = await bus.manager.streams.info(bus.names.streams.submit);
    for (const encoding of ["protobuf", "json", "compat-json"] as const) {
      const sequence = await bus.submit(encodeRequest(encoding, { messageId: "m-durable" }));
      await bus.settled();
      const effectId = streamEffectId(nodeCodec, created, sequence);
      const [assignment, ...more] = await bus.storedFor(effectId);
      assert.ok(assignment !== undefined && more.length === 0, encoding);
      assert.equal(assignment.subject, `caf.exec.assign.v1.to.${effectId}.demo.openai`);
      assert.equal(assignment.header.get(HEADER.attempt), "1");
      const contentType = encoding === "protobuf" ? "application/x-protobuf" : "application/json";
      assert.equal(assignment.header.get(HEADER.contentType), contentType);
    }
  });

  it("with one key become one assignment", async () => {
    const key = "durable-key";
    for (let times = 0; times < 3; times++) await bus.submit(encodeRequest("protobuf", { key }));
    await bus.settled();
    assert.equal((await bus.storedFor(keyedEffectId(nodeCodec, ROUTER, TENANT, key))).length, 1);
    assert.ok(((await router.metric('router_policy_decisions_total{reason="weighted",existing="true"}')) ?? 0) >= 2);
  });

  it("that a policy forbids to push are settled without an assignment, keyed ones with their decision", async () => {
    const before = (await bus.storedOn(ANY)).length;
    await bus.submit(encodeRequest("protobuf", { policy: "never" }));
    await bus.submit(encodeRequest("protobuf", { policy: "never", key: "never" }));
    await bus.settled();
    const stored = (await bus.storedOn(ANY)).slice(before).map(({ subject }) => subject);
    assert.deepEqual(stored, [`caf.exec.assign.v1.to.${keyedEffectId(nodeCodec, ROUTER, TENANT, "never")}._.decided`]);
  });

  it("that are refused are terminated with their reason, after one dead letter that holds them", async () => {
    const advisories: { reason: string; stream_seq: number }[] = [];
    const subscription = bus.link.nc.subscribe("$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.BEAMLINE_SUBMIT.>", {
      callback: (_error, msg) => void advisories.push(msg.json()),
    });
    await bus.link.nc.flush();
    const before = (await bus.deadLetters()).length;
    const sequence = await bus.submit(encodeRequest("json", { tenant: "other", messageId: "m-refused" }));
    await bus.settled();
    await eventually(() => advisories.length > 0, { deadlineMs: SETTLED_MS, describe: "the server tells of it" });
    subscription.unsubscribe();
    assert.deepEqual(
      advisories.map(({ reason, stream_seq }) => [reason, stream_seq]),
      [["tenant_mismatch", sequence]],
    );
    assert.equal((await bus.deadLetters()).length, before + 1);
    const letter = await lastLetter();
    assert.equal(letter?.original_subject, SUBMIT);
    assert.deepEqual(
      letter?.original_payload,
      JSON.parse(new TextDecoder().decode(encodeRequest("json", { tenant: "other", messageId: "m-refused" }))),
    );
    assert.deepEqual(
      [letter?.validation_error.code, letter?.validation_error.intake_error_code],
      ["tenant_mismatch", "TENANT_FORBIDDEN"],
    );
    assert.deepEqual([letter?.context.msg_id, letter?.context.tenant_id], ["m-refused", "other"]);
    assert.equal(letter?.context.router, "beamline-system/default");
  });

  it("that no one can read have their bytes in the dead letter", async () => {
    const bytes = Uint8Array.of(0x0a, 0x7f, 0x01);
    await bus.submit(bytes);
    await bus.settled();
    const letter = await lastLetter();
    assert.equal(letter?.validation_error.code, "protobuf_decode_failed");
    assert.deepEqual(
      [letter?.original_payload, letter?.original_payload_encoding],
      [Buffer.from(bytes).toString("base64"), "base64"],
    );
  });

  it("that reuse a key for another body go to the dead letters", async () => {
    const key = "durable-violation";
    await bus.submit(encodeRequest("protobuf", { key }));
    await bus.submit(encodeRequest("protobuf", { key, payload: '{"text":"other"}' }));
    await bus.settled();
    assert.equal((await lastLetter())?.validation_error.code, "idempotency_key_reused");
    assert.equal((await bus.storedFor(keyedEffectId(nodeCodec, ROUTER, TENANT, key))).length, 1);
  });

  it("whose policy is missing come back, and are dispatched once when it is there", async () => {
    const before = (await router.metric(NAKS)) ?? 0;
    const assignments = (await bus.storedOn(ANY)).length;
    await bus.submit(encodeRequest("protobuf", { policy: "later" }));
    await eventually(async () => ((await router.metric(NAKS)) ?? 0) > before, {
      deadlineMs: SETTLED_MS,
      describe: "the message has failed once",
    });
    const later = chatPolicy(1, 0).replaceAll("name: chat", "name: later");
    await bus.applyPolicies(`${POLICIES}---${later}`);
    await bus.settled();
    assert.equal((await bus.storedOn(ANY)).length, assignments + 1);
  });

  it("are taken again when their consumer was deleted and made again", async () => {
    const before = (await bus.storedOn(ANY)).length;
    await bus.manager.consumers.delete(bus.names.streams.submit, bus.names.consumers.decide);
    await eventually(() => router.lines.some(({ message }) => message === "durable intake not available"), {
      deadlineMs: SETTLED_MS,
      describe: "the router has noticed",
    });
    await bus.submit(encodeRequest("protobuf"));
    await bus.operator.ensureStreams();
    await bus.settled();
    assert.equal((await bus.storedOn(ANY)).length, before + 1);
    const ready = await fetch(`${router.healthUrl}/readyz`);
    assert.equal(ready.status, 200);
  });

  it("of a stream that was made again are other messages, whatever their sequence", async () => {
    const { submit } = bus.names.streams;
    await bus.manager.streams.delete(submit);
    await bus.operator.ensureStreams();
    const before = (await bus.storedOn(ANY)).length;
    assert.equal(await bus.submit(encodeRequest("protobuf")), 1, "the sequence of the very first message again");
    await bus.settled();
    assert.equal((await bus.storedOn(ANY)).length, before + 1);
  });

  it("that are refused wait while there is no stream for dead letters: none is terminated", async () => {
    await bus.manager.streams.delete(bus.names.streams.dlq);
    const before = (await router.metric(NAKS)) ?? 0;
    for (let index = 0; index < 3; index++) await bus.submit(encodeRequest("protobuf", { tenant: `other-${index}` }));
    await eventually(async () => ((await router.metric(NAKS)) ?? 0) >= before + 3, {
      deadlineMs: SETTLED_MS,
      describe: "all three were tried",
    });
    assert.equal(await bus.submitted(), 3);
    await bus.operator.ensureStreams();
    await bus.settled();
    const letters = (await bus.deadLetters()).map((message) => message.json<DeadLetter>().context.tenant_id);
    assert.deepEqual(letters.sort(), ["other-0", "other-1", "other-2"]);
  });
});

describe("durable messages beyond the window", () => {
  let bus: Bus;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    const settings = { retentionMs: 1_000 };
    bus = await Bus.start({ context: this, policies: policiesWith(chatPolicy(1, 0)), settings });
    await bus.startRouter({ BEAMLINE_HANDOVER_RETENTION: "1s" });
  });
  after(() => bus?.stop());

  it("are not dispatched but go to the dead letters, when what they caused may be forgotten", async () => {
    await bus.submit(encodeRequest("protobuf", { policy: "nowhere" }));
    await bus.settled();
    const [letter, ...more] = (await bus.deadLetters()).map((message) => message.json<DeadLetter>());
    assert.ok(letter !== undefined && more.length === 0);
    assert.equal(letter.validation_error.code, "redelivered_after_window");
    assert.deepEqual(await bus.storedOn(ANY), []);
  });
});
