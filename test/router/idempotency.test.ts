// One key, one decision: over encodings, changes of the policy, a later push and replicas that race for it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { keyedEffectId } from "../../core/handover/effect-id.ts";
import { HEADER } from "../../core/handover/header.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { type Encoding, encodeRequest, readDecision, readError, TENANT } from "./messages.ts";
import { chatPolicy, policiesWith } from "./policies.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const ENCODINGS: readonly Encoding[] = ["protobuf", "json", "compat-json"];
const effectOf = (key: string): string => keyedEffectId(nodeCodec, ROUTER, TENANT, key);
const OPENAI_FIRST = policiesWith(chatPolicy(1, 0));
const ANTHROPIC_FIRST = policiesWith(chatPolicy(0, 1));

describe("idempotency keys", () => {
  let bus: Bus;
  let routers: readonly LocalRouter[];

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: OPENAI_FIRST });
    routers = [await bus.startRouter(), await bus.startRouter()];
  });
  after(() => bus?.stop());

  const subjectsOf = async (key: string): Promise<string[]> =>
    (await bus.storedFor(effectOf(key))).map(({ subject }) => subject);
  const decided = (key: string): string => `caf.exec.assign.v1.to.${effectOf(key)}._.decided`;
  const assigned = (key: string, provider: string): string => `caf.exec.assign.v1.to.${effectOf(key)}.demo.${provider}`;

  it("stores a decision that nothing was dispatched for, for a while", async () => {
    await bus.ask("protobuf", { key: "stored" });
    const [stored, ...more] = await bus.storedFor(effectOf("stored"));
    assert.ok(stored !== undefined && more.length === 0);
    assert.equal(stored.subject, decided("stored"));
    assert.equal(stored.header.get("Nats-TTL"), "900s");
    assert.equal(stored.header.get(HEADER.attempt), "0");
  });

  for (const first of ENCODINGS) {
    it(`asked first in ${first}, a key has the same decision in every encoding`, async () => {
      const key = `encodings-${first}`;
      const original = readDecision(first, await bus.ask(first, { key }));
      for (const encoding of ENCODINGS) {
        assert.deepEqual(readDecision(encoding, await bus.ask(encoding, { key })), original, encoding);
      }
      assert.deepEqual(await subjectsOf(key), [decided(key)]);
    });
  }

  it("keeps its decision over a change of the policy, for every other message the new policy counts", async () => {
    const key = "policy-change";
    const before = readDecision("protobuf", await bus.ask("protobuf", { key }));
    assert.equal(before.providerId, "open_ai");
    await bus.applyPolicies(ANTHROPIC_FIRST);
    try {
      assert.equal(readDecision("protobuf", await bus.ask("protobuf")).providerId, "anthropic");
      assert.deepEqual(readDecision("protobuf", await bus.ask("protobuf", { key })), before);
      const pushed = readDecision("protobuf", await bus.ask("protobuf", { key, push: true }));
      assert.equal(pushed.providerId, "open_ai");
      assert.equal(pushed.metadata.config_revision, before.metadata.config_revision);
      assert.deepEqual(
        await subjectsOf(key),
        [assigned(key, "openai")],
        "the decision is withdrawn, the push went to it",
      );
    } finally {
      await bus.applyPolicies(OPENAI_FIRST);
    }
  });

  it("answers a decision that stands although its policy is gone", async () => {
    const key = "policy-gone";
    const before = readDecision("json", await bus.ask("json", { key }));
    await bus.applyPolicies(policiesWith(chatPolicy(1, 0).replaceAll("name: chat", "name: renamed")));
    try {
      assert.equal(readError(await bus.ask("json", { key: "policy-gone-other" })).error.code, "policy_not_found");
      assert.deepEqual(readDecision("json", await bus.ask("json", { key })), before);
    } finally {
      await bus.applyPolicies(OPENAI_FIRST);
    }
  });

  it("a push chains on the decision, and further pushes find its assignment", async () => {
    const key = "later-push";
    await bus.ask("protobuf", { key });
    const [bare] = await bus.storedFor(effectOf(key));
    const first = readDecision("protobuf", await bus.ask("protobuf", { key, push: true }));
    const [assignment, ...more] = await bus.storedFor(effectOf(key));
    assert.ok(assignment !== undefined && bare !== undefined && more.length === 0);
    assert.equal(assignment.subject, assigned(key, "openai"));
    assert.equal(assignment.header.get(HEADER.supersedes), String(bare.seq));
    assert.equal(assignment.header.get(HEADER.attempt), "1");
    assert.equal(assignment.header.get("Nats-TTL"), "", "work never expires early");
    const again = readDecision("json", await bus.ask("json", { key, push: true }));
    assert.deepEqual(again, first);
    assert.deepEqual(await subjectsOf(key), [assigned(key, "openai")]);
  });

  it("refuses another body under the same key, whatever differs, and keeps what stands", async () => {
    const key = "violation";
    await bus.ask("protobuf", { key, push: true });
    const others = [{ payload: '{"text":"other"}' }, { policy: "split" }, { metadata: { tier: "gold" } }];
    for (const other of others) {
      const refused = readError(await bus.ask("protobuf", { key, push: true, ...other }));
      assert.equal(refused.error.intake_error_code, "IDEMPOTENCY_VIOLATION", JSON.stringify(other));
      assert.deepEqual([refused.error.code, refused.status], ["invalid_request", "400"]);
    }
    const retry = await bus.ask("protobuf", { key, push: true, messageId: "m-of-the-retry" });
    assert.equal(readDecision("protobuf", retry).providerId, "open_ai", "ids are no part of the body");
    assert.deepEqual(await subjectsOf(key), [assigned(key, "openai")]);
  });

  it("is another key for another tenant", async () => {
    const refused = readError(await bus.ask("protobuf", { key: "violation", tenant: "nobody" }));
    assert.equal(refused.error.intake_error_code, "TENANT_FORBIDDEN");
    assert.notEqual(keyedEffectId(nodeCodec, ROUTER, "nobody", "violation"), effectOf("violation"));
  });

  it("two replicas that race for a key store one assignment and give one answer", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `race-${index}`);
    await Promise.all(
      keys.map(async (key) => {
        const asks = Array.from({ length: 10 }, (_, index) =>
          bus.ask("protobuf", { key, policy: "split", push: index % 2 === 0 }),
        );
        const providers = (await Promise.all(asks)).map((msg) => readDecision("protobuf", msg).providerId);
        assert.equal(new Set(providers).size, 1, `${key}: ${providers.join(" ")}`);
        const provider = providers[0] === "open_ai" ? "openai" : "anthropic";
        assert.deepEqual(await subjectsOf(key), [assigned(key, provider)]);
      }),
    );
    for (const router of routers) {
      const sent = await router.metric('router_replies_total{outcome="sent"}');
      assert.ok(sent !== undefined && sent > 0, "both replicas took part");
    }
  });

  it("a request and a durable message that race for a key store one assignment", async () => {
    const keys = Array.from({ length: 20 }, (_, index) => `mixed-${index}`);
    await Promise.all(
      keys.flatMap((key) => [
        bus.ask("json", { key, policy: "split" }),
        bus.submit(encodeRequest("protobuf", { key, policy: "split" })),
        bus.ask("protobuf", { key, policy: "split" }),
      ]),
    );
    await bus.settled();
    for (const key of keys) {
      const subjects = await subjectsOf(key);
      assert.equal(subjects.length, 1, subjects.join(" "));
      assert.ok(subjects[0] === assigned(key, "openai") || subjects[0] === assigned(key, "anthropic"), subjects[0]);
    }
  });
});

describe("the feature idempotency, off", () => {
  let bus: Bus;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: OPENAI_FIRST });
    await bus.startRouter({ BEAMLINE_IDEMPOTENCY_ENABLED: "false" });
  });
  after(() => bus?.stop());

  it("a repeated key is another message", async () => {
    for (let times = 0; times < 2; times++) await bus.ask("protobuf", { key: "off", push: true });
    assert.equal((await bus.storedOn("caf.exec.assign.v1.to.>")).length, 2);
    const other = await bus.ask("protobuf", { key: "off", payload: '{"text":"other"}' });
    assert.equal(readDecision("protobuf", other).providerId, "open_ai");
  });
});
