// The status of a Provider and of its policies names processors, by verdicts as control planes write them; routers are real.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import type { Condition } from "../../core/reconcile/conditions.ts";
import type { ObjectStatus } from "../../operator/status-document.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { removeVerdict, writeVerdict } from "../support/verdicts.ts";
import { DEADLINE_MS, OperatorHarness } from "./harness.ts";

const OBJECTS = `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec: {providers: [{name: resize}]}
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: mixed, namespace: demo}
spec: {providers: [{name: resize}, {name: free}]}
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: other, namespace: demo}
spec: {providers: [{name: free}]}
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: steps, namespace: demo}
spec:
  providers: [{name: free}]
  pipeline:
    pre: [{name: tier, processor: tiers, onFail: Ignore}]
    post: [{name: mark, processor: marker, mode: Optional}]
---
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: resize, namespace: demo}
spec: {registration: Required}
`;

describe("operator and the registry", () => {
  let nats: TestNats;
  let harness: OperatorHarness;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url, { BEAMLINE_ROUTERS: "1" });
    await harness.write("objects.yaml", OBJECTS);
    await harness.start();
    await harness.whenRoutersReady(1);
  });
  after(async () => {
    await harness?.remove();
    await nats?.stop();
  });

  const link = (): NatsLink => {
    assert.ok(harness.link !== undefined);
    return harness.link;
  };
  const provider = () => harness.document().providers.find(({ name }) => name === "resize");
  const conditionOf = (object: ObjectStatus | undefined, type: string): Condition | undefined =>
    object?.conditions.find((one) => one.type === type);

  async function becomes(expected: Readonly<Record<string, string>>): Promise<void> {
    const said = (): Readonly<Record<string, string>> => {
      const show = (object: ObjectStatus | undefined, type: string): string => {
        const condition = conditionOf(object, type);
        return condition === undefined ? "-" : `${condition.status} ${condition.reason}`;
      };
      return {
        provider: show(provider(), "Registered"),
        providerReady: show(provider(), "Ready"),
        chat: show(harness.policy("chat"), "Registered"),
        chatReady: show(harness.policy("chat"), "Ready"),
        mixed: show(harness.policy("mixed"), "Registered"),
        other: show(harness.policy("other"), "Registered"),
        steps: show(harness.policy("steps"), "Registered"),
        stepsReady: show(harness.policy("steps"), "Ready"),
      };
    };
    const isMet = (): boolean => Object.entries(expected).every(([name, text]) => said()[name] === text);
    await eventually(isMet, {
      deadlineMs: DEADLINE_MS,
      describe: () => `${JSON.stringify(expected)}: ${JSON.stringify(said())}`,
    });
  }

  it("says that nobody is registered for what must be, and which policies stand still", async () => {
    await becomes({
      provider: "False NoProcessor",
      providerReady: "False NoProcessor",
      chat: "False NoProcessors",
      chatReady: "False NoProcessors",
      mixed: "True PartlyRegistered",
      other: "-",
    });
    assert.deepEqual(provider()?.processors, { live: 0, late: 0, lost: 0, names: [] });
    assert.equal(harness.policy("other")?.providers, undefined);
  });

  it("names the processor that registers, on the Provider and its policies", async () => {
    await writeVerdict(link(), "resize-1", { provider: "demo/resize" });
    await becomes({
      provider: "True Registered",
      chat: "True Registered",
      chatReady: "True Ready",
      mixed: "True Registered",
    });
    const processors = { live: 1, late: 0, lost: 0, names: ["resize-1"] };
    assert.deepEqual(provider()?.processors, processors);
    assert.deepEqual(harness.policy("chat")?.providers, [{ name: "resize", processors }]);
    assert.deepEqual(harness.policy("mixed")?.providers, [{ name: "resize", processors }]);
  });

  it("says within its period who is lost, and for how long nobody has been there", async () => {
    const before = conditionOf(harness.policy("chat"), "Registered")?.lastTransitionTime ?? "";
    await writeVerdict(link(), "resize-1", { provider: "demo/resize", liveness: "lost" });
    await becomes({
      provider: "False ProcessorsLost",
      chatReady: "False NoProcessors",
      mixed: "True PartlyRegistered",
    });
    assert.deepEqual(provider()?.processors, { live: 0, late: 0, lost: 1, names: ["resize-1"] });
    assert.ok((conditionOf(harness.policy("chat"), "Registered")?.lastTransitionTime ?? "") > before);
  });

  it("says of a policy which step's processor is away, and that it is there", async () => {
    const messageOf = (): string | undefined => conditionOf(harness.policy("steps"), "Registered")?.message;
    const withoutMark = "messages go on without optional steps: mark (processor marker is not registered)";
    const stopped = (why: string): string => `messages are stopped at required steps: tier (processor tiers ${why}); `;
    await becomes({ steps: "False StepProcessorAway", stepsReady: "False StepProcessorAway" });
    assert.equal(messageOf(), `${stopped("is not registered")}${withoutMark}`);
    await writeVerdict(link(), "tiers");
    await becomes({ steps: "True PartlyRegistered", stepsReady: "True Ready" });
    assert.equal(messageOf(), withoutMark);
    await writeVerdict(link(), "marker");
    await becomes({ steps: "True Registered", stepsReady: "True Ready" });
    await writeVerdict(link(), "tiers", { reported: "UNHEALTHY", isCandidate: false });
    await removeVerdict(link(), "marker");
    await becomes({ steps: "False StepProcessorAway", stepsReady: "False StepProcessorAway" });
    const expected = `${stopped("is UNHEALTHY")}${withoutMark}`;
    await eventually(() => messageOf() === expected, {
      deadlineMs: DEADLINE_MS,
      describe: () => `${expected}: ${messageOf()}`,
    });
  });
});
