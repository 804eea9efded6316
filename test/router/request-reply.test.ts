// Requests over core NATS against a real nats-server: what is answered, and what is stored before the answer.
import assert from "node:assert/strict";
import type { StoredMsg } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { HEADER } from "../../core/handover/header.ts";
import { ExecAssignment } from "../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { DECIDE, type Encoding, encodeRequest, readDecision, readError } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const ENCODINGS: readonly Encoding[] = ["protobuf", "json", "compat-json"];
const ANY = "caf.exec.assign.v1.to.>";

describe("request/reply", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  /** What one request stores, besides what was there. */
  async function storedBy(act: () => Promise<unknown>): Promise<StoredMsg[]> {
    const last = (await bus.storedOn(ANY)).at(-1)?.seq ?? 0;
    await act();
    return (await bus.storedOn(ANY)).filter(({ seq }) => seq > last);
  }

  for (const encoding of ENCODINGS) {
    it(`answers ${encoding} in ${encoding} and stores nothing when no push is asked for`, async () => {
      const stored = await storedBy(async () => {
        const decision = readDecision(encoding, await bus.ask(encoding));
        assert.deepEqual([decision.providerId, decision.reason], ["open_ai", "weighted"]);
        assert.equal(decision.metadata.policy_id, "chat");
        assert.equal(decision.metadata.config_revision, String(bus.operator.revision()));
      });
      assert.deepEqual(stored, []);
    });

    it(`stores the assignment of a push asked for in ${encoding} before it answers`, async () => {
      const stored = await storedBy(async () => {
        const answer = await bus.ask(encoding, { push: true, messageId: "m-7" });
        assert.equal(readDecision(encoding, answer).providerId, "open_ai");
      });
      const [assignment] = stored;
      assert.ok(stored.length === 1 && assignment !== undefined, JSON.stringify(stored.map(({ subject }) => subject)));
      const header = (name: string) => assignment.header.get(name);
      const effectId = header(HEADER.effectId);
      assert.match(effectId, /^[0-9a-f]{32}$/);
      assert.equal(assignment.subject, `caf.exec.assign.v1.to.${effectId}.demo.openai`);
      assert.equal(header("Nats-Msg-Id"), `${effectId}:1`);
      assert.deepEqual([header(HEADER.attempt), header(HEADER.tenantId), header(HEADER.version)], ["1", "demo", "1"]);
      assert.match(header(HEADER.attemptToken), /^[0-9a-f]{32}$/);
      assert.ok(Number(header(HEADER.deadline)) > Date.now());
      assert.equal(JSON.parse(header(HEADER.decision)).provider_id, "open_ai");
      assertBody(encoding, assignment, effectId);
    });
  }

  function assertBody(encoding: Encoding, assignment: StoredMsg, effectId: string): void {
    const token = assignment.header.get(HEADER.attemptToken);
    if (encoding === "protobuf") {
      assert.equal(assignment.header.get(HEADER.contentType), "application/x-protobuf");
      const body = ExecAssignment.decode(assignment.data);
      assert.equal(body.assignmentId, `${effectId}-1`);
      assert.equal(body.attemptToken, token);
      assert.equal(new TextDecoder().decode(body.job?.payload), '{"text":"hello there"}');
      return;
    }
    assert.equal(assignment.header.get(HEADER.contentType), "application/json");
    const body = assignment.json<Record<string, unknown>>();
    assert.equal(body.assignment_id, `${effectId}-1`);
    assert.equal(body.attempt_token, token);
    assert.equal(body.request_id, "m-7");
    const payload = encoding === "json" ? "eyJ0ZXh0IjoiaGVsbG8gdGhlcmUifQ==" : { text: "hello there" };
    assert.deepEqual(body.job, { type: "chat", payload });
  }

  it("push Always dispatches without being asked, push Never does not when asked", async () => {
    const always = await storedBy(() => bus.ask("protobuf", { policy: "always" }));
    assert.equal(always.length, 1);
    const never = await storedBy(async () => {
      const answer = await bus.ask("protobuf", { policy: "never", push: true });
      assert.equal(readDecision("protobuf", answer).providerId, "open_ai");
    });
    assert.deepEqual(never, []);
  });

  it("two requests without a key are two effects, whatever they hold", async () => {
    const stored = await storedBy(async () => {
      await bus.ask("protobuf", { push: true });
      await bus.ask("protobuf", { push: true });
    });
    assert.equal(new Set(stored.map(({ header }) => header.get(HEADER.effectId))).size, 2);
  });

  it("serves the subject that carries a tenant, and refuses another tenant's message there", async () => {
    const own = await bus.ask("json", {}, { subject: `${DECIDE}.tenant.demo` });
    assert.equal(readDecision("json", own).providerId, "open_ai");
    const other = readError(await bus.ask("json", {}, { subject: `${DECIDE}.tenant.other` }));
    assert.deepEqual([other.error.intake_error_code, other.status], ["TENANT_FORBIDDEN", "401"]);
    assert.equal(other.error.details?.reason, "tenant_mismatch");
  });

  it("explains a decision in a header when asked to, and otherwise does not", async () => {
    const plain = await bus.ask("protobuf");
    assert.equal(plain.headers?.has("Beamline-Explain"), false);
    const explained = await bus.ask("protobuf", {}, { headers: { "Beamline-Explain": "true" } });
    const steps = JSON.parse(explained.headers?.get("Beamline-Explain") ?? "[]") as { stage: string }[];
    assert.equal(steps[0]?.stage, "policy");
    assert.ok(steps.some(({ stage }) => stage === "filter"));
  });

  it("says which policy does not exist", async () => {
    const failed = readError(await bus.ask("protobuf", { policy: "nowhere" }));
    assert.deepEqual([failed.error.code, failed.status], ["policy_not_found", "404"]);
    assert.equal(failed.error.intake_error_code, undefined);
    assert.match(failed.error.message, /nowhere/);
  });

  it("says that no provider is left", async () => {
    const failed = readError(await bus.ask("json", { policy: "drained" }));
    assert.deepEqual([failed.error.code, failed.status], ["decision_failed", "500"]);
    assert.equal(failed.error.details?.reason, "no_provider_available");
  });

  it("makes one dead letter of a refused request, however often it is sent", async () => {
    const before = (await bus.deadLetters()).length;
    const body = encodeRequest("protobuf", { tenant: "nobody", messageId: "m-refused" });
    for (let times = 0; times < 3; times++) {
      const refused = readError(await bus.askRaw(body));
      assert.deepEqual([refused.error.code, refused.error.intake_error_code], ["unauthorized", "TENANT_FORBIDDEN"]);
    }
    const letters = (await bus.deadLetters()).slice(before);
    assert.equal(letters.length, 1);
    const record = letters[0]?.json<{ original_subject: string; validation_error: { code: string } }>();
    assert.deepEqual([record?.original_subject, record?.validation_error.code], [DECIDE, "tenant_not_allowed"]);
  });

  it("does not answer a request without a reply subject, and handles it all the same", async () => {
    const stored = await storedBy(async () => {
      bus.link.nc.publish(DECIDE, encodeRequest("protobuf", { policy: "always" }));
      await bus.ask("protobuf");
    });
    assert.equal(stored.length, 1);
    assert.equal(await router.metric('router_replies_total{outcome="none"}'), 1);
  });
});
