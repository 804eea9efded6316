// Routers follow the registry: a provider is chosen while a processor of it lives, by verdicts as control planes write them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { PublishedVerdict } from "../../core/registry/entries.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { removeVerdict, writeVerdict } from "../support/verdicts.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { readDecision, readError } from "./messages.ts";

const POLICIES = `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  tenantId: demo
  providers: [{name: resize}]
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: loose, namespace: demo}
spec:
  tenantId: demo
  providers: [{name: older}]
---
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: resize, namespace: demo}
spec: {registration: Required}
---
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: older, namespace: demo}
spec: {providerId: older_id}
`;

/** A component that registers becomes a target within one second (the same for what stops being one). */
const ROUTED_MS = 1_000;
const IO_MS = 5_000;
/** Requests that two routers share: that one gets all of them has a chance of one in a million. */
const ASKED_TIMES = 20;
/** What the wire says of `no_provider_available`. */
const NOT_THERE = "decision_failed";

describe("routers and the registry", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter();
  });
  after(() => bus?.stop());

  const write = (id: string, more: Partial<PublishedVerdict> = {}): Promise<void> => writeVerdict(bus.link, id, more);
  const remove = (id: string): Promise<void> => removeVerdict(bus.link, id);

  /** The provider that is chosen, or why none is. */
  async function outcome(policy: string): Promise<{ readonly said: string; readonly steps: string }> {
    const answer = await bus.ask("json", { policy }, { headers: { "Beamline-Explain": "true" } });
    const steps = answer.headers?.get("Beamline-Explain") ?? "";
    const body = JSON.parse(answer.string()) as { readonly error?: object };
    const said = body.error === undefined ? readDecision("json", answer).providerId : readError(answer).error.code;
    return { said, steps };
  }

  async function becomes(policy: string, expected: string, because = ""): Promise<void> {
    let last: Awaited<ReturnType<typeof outcome>> | undefined;
    await eventually(
      async () => {
        last = await outcome(policy);
        return last.said === expected && last.steps.includes(because);
      },
      { deadlineMs: ROUTED_MS, describe: () => `${policy}: ${expected} ${because}: ${JSON.stringify(last)}` },
    );
  }

  const registryCheck = async (): Promise<string> => {
    const response = await fetch(`${router.healthUrl}/readyz`);
    const { checks } = (await response.json()) as { checks: { name: string; detail: string }[] };
    return checks.find(({ name }) => name === "registry")?.detail ?? "";
  };

  it("takes a provider that must be registered for none before it is", async () => {
    await becomes("chat", NOT_THERE, '"reason":"unregistered"');
    assert.equal(await registryCheck(), "registry current: 0 verdicts");
  });

  it("chooses it when a processor that names it registers, and says by which snapshot", async () => {
    await write("resize-1", { provider: "demo/resize" });
    await becomes("chat", "resize");
    const before = readDecision("json", await bus.ask("json", { policy: "chat" })).metadata.snapshot_version;
    await write("resize-2", { provider: "demo/resize", liveness: "late" });
    await eventually(async () => (await router.metric("router_registry_verdicts")) === 2, {
      deadlineMs: ROUTED_MS,
      describe: "both verdicts are known",
    });
    const after = readDecision("json", await bus.ask("json", { policy: "chat" })).metadata.snapshot_version;
    assert.notEqual(after, before);
    assert.equal(await router.metric("router_registry_age_seconds"), 0);
    // Whoever answers: routers that know the same decide by the same snapshot, whenever they began.
    await bus.startRouter();
    const versions = new Set<string | undefined>();
    for (let asked = 0; asked < ASKED_TIMES; asked++)
      versions.add(readDecision("json", await bus.ask("json", { policy: "chat" })).metadata.snapshot_version);
    assert.deepEqual([...versions], [after]);
  });

  it("leaves it when the last of its processors is lost or unwell, and names them", async () => {
    await write("resize-1", { provider: "demo/resize", liveness: "lost", isCandidate: false });
    await becomes("chat", "resize");
    await write("resize-2", { provider: "demo/resize", reported: "STOPPING", isCandidate: false });
    await becomes("chat", NOT_THERE, '"reason":"unhealthy","processors":["resize-2","resize-1"]');
    await write("resize-2", { provider: "demo/resize", liveness: "lost", isCandidate: false });
    await becomes("chat", NOT_THERE, '"reason":"lost","processors":["resize-1","resize-2"]');
    await remove("resize-1");
    await remove("resize-2");
    await becomes("chat", NOT_THERE, '"reason":"unregistered"');
  });

  it("goes by the id of a processor that names no Provider, and by nothing before there is one", async () => {
    await becomes("loose", "older_id");
    await write("older_id", { liveness: "lost", isCandidate: false });
    await becomes("loose", NOT_THERE, '"reason":"lost","processors":["older_id"]');
    await remove("older_id");
    await becomes("loose", "older_id");
  });

  it("asks for no registration where it is told that there is no registry", async () => {
    await bus.stopRouters();
    router = await bus.startRouter({ BEAMLINE_REGISTRY_ENABLED: "false" });
    await becomes("chat", "resize");
    assert.equal(await registryCheck(), "no registry is followed");
  });

  it("knows from its first message on what is registered, and keeps it when the bucket is gone", async () => {
    await write("resize-1", { provider: "demo/resize" });
    await bus.stopRouters();
    router = await bus.startRouter();
    assert.equal((await outcome("chat")).said, "resize");
    await bus.manager.streams.delete(`KV_${REGISTRY_BUCKET}`);
    await eventually(async () => !(await registryCheck()).startsWith("registry current"), {
      deadlineMs: IO_MS,
      describe: "the router notices that the bucket is gone",
    });
    assert.equal((await outcome("chat")).said, "resize");
  });
});
