// A stream of assignments that takes no more, or is not there: nobody is told that something was done, and all is done later.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { encodeRequest, readDecision, readError } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const ANY = "caf.exec.assign.v1.to.>";
const MAX_ASSIGNMENTS = 3;
const NOTICED_MS = 10_000;

describe("a full stream of assignments", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES, settings: { maxAssignments: MAX_ASSIGNMENTS } });
    router = await bus.startRouter();
    await bus.ask("protobuf", { push: true, key: "first" });
    for (let index = 1; index < MAX_ASSIGNMENTS; index++) await bus.ask("protobuf", { push: true });
  });
  after(() => bus?.stop());

  for (const fields of [{ push: true }, { push: true, key: "full" }, { key: "full-decided" }]) {
    it(`a request (${JSON.stringify(fields)}) is told when to come back`, async () => {
      const answer = await bus.ask("protobuf", fields);
      const refused = readError(answer);
      assert.deepEqual([refused.error.code, refused.status], ["unavailable", "503"]);
      assert.match(refused.error.message, /maximum messages exceeded/);
      assert.equal(answer.headers?.get("Retry-After"), "1");
      assert.equal(refused.error.intake_error_code, undefined);
    });
  }

  it("a key that stands is answered with its decision", async () => {
    const repeated = await bus.ask("protobuf", { push: true, key: "first" });
    assert.equal(readDecision("protobuf", repeated).providerId, "open_ai");
  });

  it("a request that stores nothing is answered", async () => {
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "open_ai");
  });

  it("a durable message waits until there is room, without an error counted or a dead letter", async () => {
    await bus.submit(encodeRequest("protobuf"));
    const series = 'router_dispatch_postponed_total{code="full"}';
    const before = (await router.metric(series)) ?? 0;
    await eventually(async () => ((await router.metric(series)) ?? 0) > before, {
      deadlineMs: NOTICED_MS,
      describe: "the message is postponed",
    });
    assert.equal(await bus.submitted(), 1);
    await bus.manager.streams.purge(bus.names.streams.assignments);
    await bus.settled();
    assert.equal((await bus.storedOn(ANY)).length, 1);
    assert.deepEqual(await bus.deadLetters(), []);
  });
});

describe("no stream of assignments", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
    await bus.manager.streams.delete(bus.names.streams.assignments);
  });
  after(() => bus?.stop());

  for (const push of [false, true]) {
    it(`a request with a key${push ? " and push" : ""} is INTERNAL_VALIDATION_ERROR: whether its effect exists is not known`, async () => {
      const answer = await bus.ask("json", { key: "gone", push });
      const refused = readError(answer);
      assert.equal(refused.error.intake_error_code, "INTERNAL_VALIDATION_ERROR");
      assert.deepEqual([refused.error.code, refused.status], ["unavailable", "503"]);
      assert.equal(refused.error.details?.reason, "idempotency_check_failed");
      assert.equal(answer.headers?.get("Retry-After"), "1");
    });
  }

  it("a push without a key is told that nothing is dispatched", async () => {
    const refused = readError(await bus.ask("protobuf", { push: true }));
    assert.deepEqual([refused.error.code, refused.status], ["unavailable", "503"]);
    assert.match(refused.error.message, /nothing is dispatched/);
  });

  it("makes no dead letters of any of them, and answers what stores nothing", async () => {
    assert.deepEqual(await bus.deadLetters(), []);
    assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "open_ai");
  });

  it("a durable message is dispatched once when the stream is back", async () => {
    const series = 'router_intake_messages_total{kind="decide",source="submit",disposition="nak"}';
    await bus.submit(encodeRequest("protobuf"));
    await eventually(async () => ((await router.metric(series)) ?? 0) > 0, {
      deadlineMs: NOTICED_MS,
      describe: "the message was handled and comes back",
    });
    assert.equal(await bus.submitted(), 1);
    await bus.operator.ensureStreams();
    await bus.settled();
    assert.equal((await bus.storedOn(ANY)).length, 1);
    assert.equal(readDecision("json", await bus.ask("json", { key: "gone" })).providerId, "open_ai");
  });
});
