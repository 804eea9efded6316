// Steps of policies against a real nats-server and real processors: what they change, what they stop, what is waited for.
import assert from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { HEADER } from "../../../core/handover/header.ts";
import { ExecAssignment } from "../../../proto/gen/messages/beamline/worker/v1/worker.ts";
import type { DataMessage } from "../../../proto/gen/messages/processor/processor.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { answerWith, failWith, type ProcessStream, startTestProcessor } from "../../support/processor.ts";
import { startSilentProcessor } from "../../support/processor-process.ts";
import { encodeRequest, readDecision, readError } from "../messages.ts";
import { policyWith, StepsWorld } from "./world.ts";

const SOON_MS = 15_000;
const PUSHED = "assignment: {push: Always}";
const SUBJECT = "beamline.ext.tier.v1";

const POLICIES = [
  policyWith("enriched", "{pre: [{name: tier, processor: tiers}]}"),
  policyWith("by-subject", `{pre: [{name: tier, subject: ${SUBJECT}}]}`),
  policyWith("not-listed", "{pre: [{name: tier, subject: beamline.ext.other.v2}]}"),
  policyWith(
    "guarded",
    "{pre: [{name: tier, processor: tiers}], validators: [{name: guard, processor: guard}]}",
    PUSHED,
  ),
  policyWith("warned", "{validators: [{name: guard, processor: never, onFail: Warn}]}"),
  policyWith("ignored", "{validators: [{name: guard, processor: never, onFail: Ignore}]}"),
  policyWith("optional", "{pre: [{name: tier, processor: nobody, mode: Optional}]}"),
  policyWith("absent", "{pre: [{name: tier, processor: nobody}]}"),
  policyWith("slow", "{pre: [{name: tier, processor: silent, timeout: 100ms, retry: 1}]}"),
  policyWith("marked", "{post: [{name: mark, processor: marker}]}"),
  policyWith("meddling", "{post: [{name: mark, processor: meddler}]}", PUSHED),
  policyWith("narrow", "{pre: [{name: tier, processor: narrow, timeout: 10s}]}"),
  policyWith("mortal", "{pre: [{name: tier, processor: mortal, timeout: 10s}]}"),
  policyWith("fickle", "{validators: [{name: guard, processor: fickle}]}", PUSHED),
];

describe("steps of policies", function () {
  this.timeout(60_000);
  let world: StepsWorld;
  const seen: DataMessage[] = [];
  const held: ProcessStream[] = [];
  let fickleSays = "accept";

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    world = await StepsWorld.start(this, POLICIES);
    await world.processor("tiers", (message, stream) => {
      seen.push(message);
      answerWith({ ...message.metadata, "context.tier": "gold" })(message, stream);
    });
    await world.processor("guard", (message, stream) => {
      const bad = Buffer.from(message.payload).toString().includes("bad");
      answerWith(bad ? { "beamline.verdict": "reject", "beamline.reason": "it is bad" } : {})(message, stream);
    });
    await world.processor("never", failWith(status.PERMISSION_DENIED, "never"));
    await world.processor("silent", () => undefined);
    await world.processor("marker", answerWith({ "metadata.mark": "seen" }));
    await world.processor("meddler", answerWith({ "metadata.beamline.provider": "other" }));
    await world.processor("narrow", (_message, stream) => void held.push(stream), { maxConcurrent: 2 });
    await world.processor("fickle", (message, stream) =>
      answerWith({ "beamline.verdict": fickleSays })(message, stream),
    );
  });
  after(() => world?.stop());

  it("decide on the context as a processor changed it, which is told what message it is", async () => {
    const { bus } = world;
    const answer = await bus.ask("json", { policy: "enriched", messageId: "m-9", metadata: { lang: "en" } });
    assert.equal(readDecision("json", answer).metadata.rule, "is-gold");
    const { payload, metadata } = seen.at(-1) ?? { payload: new Uint8Array(0), metadata: {} };
    assert.equal(Buffer.from(payload).toString(), '{"text":"hello there"}');
    const { "beamline.effect_id": effectId, ...rest } = metadata;
    assert.match(effectId ?? "", /^[0-9a-f]{32}$/);
    assert.deepEqual(rest, {
      "beamline.stage": "pre",
      "beamline.step": "tier",
      "beamline.tenant": "demo",
      "beamline.policy": "enriched",
      "beamline.message_type": "chat",
      "beamline.message_id": "m-9",
      "beamline.delivery": "1",
      "beamline.attempt": "1",
      "metadata.lang": "en",
    });
  });

  it("decide on the context as an extension on a subject changed it", async () => {
    const requests: string[] = [];
    const subscription = world.bus.link.nc.subscribe(SUBJECT, {
      callback: (_error, msg) => {
        requests.push(msg.string());
        msg.respond(JSON.stringify({ metadata: { "context.tier": "gold" } }));
      },
    });
    try {
      await world.bus.link.nc.flush();
      const answer = await world.bus.ask("json", { policy: "by-subject" });
      assert.equal(readDecision("json", answer).metadata.rule, "is-gold");
      const { payload, metadata } = JSON.parse(requests[0] ?? "{}");
      assert.equal(Buffer.from(payload, "base64").toString(), '{"text":"hello there"}');
      assert.equal(metadata["beamline.step"], "tier");
    } finally {
      subscription.unsubscribe();
    }
    const nobody = readError(await world.bus.ask("json", { policy: "by-subject" }));
    assert.deepEqual([nobody.status, nobody.error.code], ["503", "extension_unavailable"]);
  });

  it("publish to no subject that the Router does not allow", async () => {
    const { status: code, error } = readError(await world.bus.ask("json", { policy: "not-listed" }));
    assert.deepEqual([code, error.code], ["500", "extension_error"]);
    assert.match(error.message, /allowedSubjects/);
  });

  it("refuse what a validator refuses, with a dead letter and without work", async () => {
    const { bus } = world;
    const stored = await world.storedBy(async () => {
      const bad = readError(await bus.ask("json", { policy: "guarded", payload: '{"text":"bad"}' }));
      assert.deepEqual(
        [bad.status, bad.error.code, bad.error.details?.reason],
        ["403", "validator_blocked", "validator_blocked"],
      );
      assert.equal(bad.error.message, "Refused by the policy's validator step guard: it is bad");
      await bus.submit(encodeRequest("json", { policy: "guarded", payload: '{"text":"bad"}' }));
      await bus.settled();
    });
    assert.deepEqual(stored, []);
    const letters = (await bus.deadLetters()).map((letter) => letter.json<{ validation_error: { code: string } }>());
    assert.deepEqual(
      letters.map(({ validation_error }) => validation_error.code),
      ["validator_blocked", "validator_blocked"],
    );
    const good = await world.storedBy(async () => readDecision("json", await bus.ask("json", { policy: "guarded" })));
    assert.equal(good.length, 1);
  });

  it("go on after a no that only warns, or is ignored", async () => {
    const warnings = () => world.router.lines.filter(({ message }) => message === "step passed over").length;
    const before = warnings();
    readDecision("json", await world.bus.ask("json", { policy: "ignored" }));
    assert.equal(warnings(), before);
    readDecision("json", await world.bus.ask("json", { policy: "warned" }));
    assert.equal(warnings(), before + 1);
  });

  it("go on without an optional step that is away, and not without one that is required", async () => {
    readDecision("json", await world.bus.ask("json", { policy: "optional" }));
    const answer = await world.bus.ask("json", { policy: "absent" });
    const { status: code, error } = readError(answer);
    assert.deepEqual([code, error.code], ["404", "extension_not_found"]);
    assert.equal(answer.headers?.get("Retry-After"), "1");
  });

  it("end at their timeout, after the further tries", async () => {
    const answer = await world.bus.ask("json", { policy: "slow" }, { headers: { "Beamline-Explain": "true" } });
    const { status: code, error } = readError(answer);
    assert.deepEqual([code, error.code], ["504", "extension_timeout"]);
    const [step] = JSON.parse(answer.headers?.get("Beamline-Explain") ?? "[]");
    assert.deepEqual([step.of, step.outcome, step.tries, step.consequence], ["pre", "timeout", 2, "stopped"]);
    assert.ok(step.elapsedMs >= 200, `${step.elapsedMs} ms`);
  });

  it("add metadata to the assignment, and leave its identity alone", async () => {
    const { bus } = world;
    const ask = () => bus.ask("protobuf", { policy: "marked", push: true, key: "mark-1", metadata: { own: "1" } });
    const [assignment] = await world.storedBy(ask);
    assert.ok(assignment !== undefined);
    assert.deepEqual(ExecAssignment.decode(assignment.data).metadata, { own: "1", mark: "seen" });
    const print = assignment.header.get(HEADER.fingerprint);
    readDecision("protobuf", await ask());
    assert.equal(
      (await bus.storedFor(assignment.header.get(HEADER.effectId))).at(0)?.header.get(HEADER.fingerprint),
      print,
    );
    const [older] = await world.storedBy(() => bus.ask("compat-json", { policy: "marked", push: true }));
    assert.deepEqual(older?.json<{ metadata: object }>().metadata, { mark: "seen" });
  });

  it("add metadata when a decision that stands is pushed later", async () => {
    const fields = { policy: "marked", key: "mark-2" };
    await world.bus.ask("protobuf", fields);
    const [assignment] = await world.storedBy(() => world.bus.ask("protobuf", { ...fields, push: true }));
    assert.deepEqual(ExecAssignment.decode(assignment?.data ?? new Uint8Array(0)).metadata, { mark: "seen" });
  });

  it("set nothing that is Beamline's own", async () => {
    const stored = await world.storedBy(async () => {
      assert.equal(readError(await world.bus.ask("json", { policy: "meddling" })).error.code, "extension_error");
    });
    assert.deepEqual(stored, []);
  });

  it("keep max_concurrent over many messages", async () => {
    const MESSAGES = 6;
    const answers = Array.from({ length: MESSAGES }, () => world.bus.ask("json", { policy: "narrow" }));
    for (let served = 0; served < MESSAGES; served++) {
      await eventually(() => held.length > 0, { deadlineMs: SOON_MS, describe: `message ${served} is there` });
      assert.ok(held.length <= 2, `${held.length} messages at once`);
      held.shift()?.end();
    }
    for (const answer of answers) readDecision("json", await answer);
  });

  it("bring a durable message back when its processor is killed with it, and dispatch it once", async () => {
    const { bus } = world;
    const first = await startSilentProcessor();
    await world.register("mortal", first.address);
    const stored = await world.storedBy(async () => {
      await bus.submit(encodeRequest("json", { policy: "mortal" }));
      await eventually(() => first.taken() === 1, { deadlineMs: SOON_MS, describe: "the processor has the message" });
      first.kill();
      await eventually(async () => (await world.router.metric('router_dispatch_postponed_total{code="step"}')) !== 0, {
        deadlineMs: SOON_MS,
        describe: "the message is postponed",
      });
      const second = await startTestProcessor(answerWith({}), { address: first.address });
      await bus.settled();
      second.stop();
    });
    assert.equal(stored.length, 1);
  });

  it("do not undo what stands: a repetition gets its answer, whatever steps say now", async () => {
    const ask = () => world.bus.ask("json", { policy: "fickle", key: "fickle-1" });
    const [assignment] = await world.storedBy(async () => readDecision("json", await ask()));
    assert.ok(assignment !== undefined);
    fickleSays = "reject";
    const again = await world.storedBy(async () => readDecision("json", await ask()));
    assert.deepEqual(again, []);
    assert.equal(readError(await world.bus.ask("json", { policy: "fickle" })).error.code, "validator_blocked");
  });

  it("are counted by stage and outcome", async () => {
    const count = (stage: string, outcome: string) =>
      world.router.metric(`router_steps_total{stage="${stage}",outcome="${outcome}"}`);
    for (const [stage, outcome] of [
      ["pre", "passed"],
      ["pre", "timeout"],
      ["pre", "notFound"],
      ["validator", "rejected"],
      ["post", "passed"],
      ["post", "broken"],
    ] as const)
      assert.ok(((await count(stage, outcome)) ?? 0) > 0, `${stage} ${outcome}`);
  });
});
