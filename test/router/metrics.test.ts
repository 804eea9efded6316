// The metrics page of a router: complete and at zero from the start, counting, and of the same size whatever comes in.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { encodeRequest } from "./messages.ts";
import { POLICIES } from "./policies.ts";

/** The seed's counters, and those of the older router. */
const NAMES = [
  "router_intake_messages_total",
  "router_intake_validation_errors_total",
  "router_intake_dlq_messages_total",
  "router_intake_dlq_publish_failed_total",
  "router_policy_decisions_total",
  "router_policy_decision_failures_total",
  "router_assignment_published_total",
  "router_dispatch_postponed_total",
  "router_replies_total",
  "router_requests_refused_total",
  "router_handle_bugs_total",
  "router_handle_duration_seconds",
  "router_config_revision",
  "router_config_rejected",
  "router_registry_verdicts",
  "router_registry_age_seconds",
];
const LABELS = new Set(["kind", "source", "disposition", "code", "reason", "existing", "outcome", "stage", "le"]);

describe("the metrics page", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  async function seriesNow(): Promise<Map<string, number>> {
    const lines = (await router.metricsPage()).split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
    );
  }
  let first: ReadonlyMap<string, number>;

  it("holds every series at zero before the first message", async () => {
    first = await seriesNow();
    const nonZero = [...first].filter(([, value]) => value !== 0).map(([series]) => series);
    assert.deepEqual(nonZero, ["router_config_revision"]);
    for (const name of NAMES) {
      assert.ok(
        [...first.keys()].some((series) => series.startsWith(name)),
        name,
      );
    }
    const reasons = [...first.keys()].filter((series) => series.startsWith("router_intake_validation_errors_total{"));
    assert.ok(reasons.some((series) => series.includes('code="TENANT_FORBIDDEN",reason="tenant_not_allowed"')));
    assert.ok(reasons.length >= 40, "a series for each reason");
  });

  it("counts what was handled, by way in and by what became of it", async () => {
    await bus.ask("protobuf");
    await bus.ask("json", { key: "counted", push: true });
    await bus.ask("json", { key: "counted", push: true });
    await bus.ask("protobuf", { policy: "nowhere" });
    await bus.ask("protobuf", { tenant: "nobody" });
    await bus.submit(encodeRequest("protobuf"));
    await bus.submit(encodeRequest("protobuf", { tenant: "nobody" }));
    await bus.settled();
    const now = await seriesNow();
    const counted = [...now].filter(
      ([series, value]) => value !== first.get(series) && !series.startsWith("router_handle_duration_seconds"),
    );
    assert.deepEqual(
      new Map(counted),
      new Map([
        ['router_intake_messages_total{kind="decide",source="request",disposition="none"}', 5],
        ['router_intake_messages_total{kind="decide",source="submit",disposition="ack"}', 1],
        ['router_intake_messages_total{kind="decide",source="submit",disposition="term"}', 1],
        ['router_replies_total{outcome="sent"}', 5],
        ['router_replies_total{outcome="none"}', 2],
        ['router_policy_decisions_total{reason="weighted",existing="false"}', 3],
        ['router_policy_decisions_total{reason="weighted",existing="true"}', 1],
        ["router_assignment_published_total", 2],
        ['router_policy_decision_failures_total{code="policy_not_found"}', 1],
        ['router_intake_validation_errors_total{kind="decide",code="TENANT_FORBIDDEN",reason="tenant_not_allowed"}', 1],
        ['router_intake_validation_errors_total{kind="decide",code="TENANT_FORBIDDEN",reason="tenant_mismatch"}', 1],
        ['router_intake_dlq_messages_total{kind="decide",code="TENANT_FORBIDDEN",reason="tenant_not_allowed"}', 1],
        ['router_intake_dlq_messages_total{kind="decide",code="TENANT_FORBIDDEN",reason="tenant_mismatch"}', 1],
      ]),
    );
    assert.equal(now.get('router_handle_duration_seconds_count{source="request"}'), 5);
    assert.equal(now.get('router_handle_duration_seconds_count{source="submit"}'), 2);
  });

  it("has no series more after traffic than before, and none with an id", async () => {
    for (let index = 0; index < 50; index++) {
      await bus.ask("json", {
        key: `k-${index}`,
        tenant: `tenant-${index}`,
        messageId: `m-${index}`,
        policy: `p-${index}`,
      });
      await bus.ask("json", { policy: `p-${index}` });
    }
    const now = await seriesNow();
    assert.deepEqual([...now.keys()].sort(), [...first.keys()].sort());
    for (const series of now.keys()) {
      for (const [, label] of series.matchAll(/([a-z_]+)="/g)) assert.ok(LABELS.has(label ?? ""), series);
    }
  });
});
