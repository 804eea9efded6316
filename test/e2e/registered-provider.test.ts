// From registration to routing and back, with every process real: a component that registers is given work within a second, one that
// is killed is given none after its time to live, and the policy's status names both.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { DEADLINE_MS, OperatorHarness } from "../operator/harness.ts";
import { DECIDE, encodeRequest, readDecision } from "../router/messages.ts";
import { eventually } from "../support/await.ts";
import { TestClient } from "../support/control-plane.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";

const OBJECTS = `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  providers: [{name: resize}]
---
apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: resize, namespace: demo}
spec: {registration: Required}
`;
const COMPONENT = join(import.meta.dirname, "fixtures", "component-process.ts");
const PROVIDER = "demo/resize";
/** What is promised: from the answer to the registration until work goes there. */
const ROUTED_MS = 1_000;
const TTL_MS = 3_000;
/** Looks of the registry at silence, and the way of a verdict to the routers. */
const SWEEP_MS = 1_500;
const ANSWER_MS = 5_000;

describe("a provider that must be registered", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let nats: TestNats;
  let harness: OperatorHarness;
  let controlPlane: ControlPlaneProcess;
  let client: TestClient;
  const children: ChildProcess[] = [];

  before(async function () {
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url);
    await harness.write("objects.yaml", OBJECTS);
    await harness.start();
    await harness.whenRoutersReady(2);
    controlPlane = await startControlPlaneProcess({
      BEAMLINE_NATS_URL: nats.url,
      BEAMLINE_CONTROLPLANE_REPLICAS: "1",
      // Also how long the guard remembers losses: here components die one after the other, and none of them is kept.
      BEAMLINE_REGISTRY_TTL: `${TTL_MS}ms`,
    });
    client = new TestClient(controlPlane.address);
  });
  after(async () => {
    for (const child of children) child.kill("SIGKILL");
    client?.close();
    await controlPlane?.end("SIGTERM");
    await harness?.remove();
    await nats?.stop();
  });

  /** The provider that a message goes to, by whichever router answers; undefined when none takes it. */
  async function decide(): Promise<string | undefined> {
    assert.ok(harness.link !== undefined);
    const body = encodeRequest("json", { policy: "chat", tenant: "demo" });
    const answer = await harness.link.nc.request(DECIDE, body, { timeout: ANSWER_MS });
    return "error" in answer.json<object>() ? undefined : readDecision("json", answer).providerId;
  }

  /** Until several answers in a row, of one router or the other, are so. */
  async function becomes(expected: string | undefined, deadlineMs: number): Promise<void> {
    const answers = 8;
    await eventually(
      async () => {
        for (let asked = 0; asked < answers; asked++) if ((await decide()) !== expected) return false;
        return true;
      },
      { deadlineMs, describe: `${answers} answers in a row are ${expected}` },
    );
  }

  /** The first router that is asked knows within the promised time, and the other one too. */
  async function isRouted(): Promise<void> {
    const describe = "work goes to the component that has just registered";
    await eventually(async () => (await decide()) === "resize", { deadlineMs: ROUTED_MS, describe });
    await becomes("resize", DEADLINE_MS);
  }

  const namesThem = (names: readonly string[], registered: string): Promise<unknown> =>
    eventually(
      () => {
        const policy = harness.policy("chat");
        const condition = policy?.conditions.find(({ type }) => type === "Registered");
        const named = policy?.providers?.[0]?.processors.names;
        return condition?.reason === registered && JSON.stringify(named) === JSON.stringify(names);
      },
      { deadlineMs: DEADLINE_MS, describe: () => JSON.stringify(harness.policy("chat")) },
    );

  it("is given work within a second of a registration, and none when its time to live ends in silence", async () => {
    assert.equal(await decide(), undefined);
    const metadata = { provider: PROVIDER, heartbeat_ttl: `${TTL_MS}ms` };
    await client.unary(ControlPlaneService.registerProcessor, {
      processorId: "resize-1",
      endpoint: "127.0.0.1:9",
      metadata,
    });
    await isRouted();
    await becomes(undefined, TTL_MS + SWEEP_MS);
  });

  it("is given work while its process lives and beats, and none once that was killed; the policy's status says so", async () => {
    const arguments_ = [COMPONENT, controlPlane.address, "resize-2", PROVIDER, String(TTL_MS)];
    const child = spawn(process.execPath, arguments_, { stdio: ["pipe", "ignore", "ignore"] });
    children.push(child);
    await becomes("resize", DEADLINE_MS);
    await namesThem(["resize-2", "resize-1"], "Registered");
    const beatingUntilMs = performance.now() + 2 * TTL_MS;
    while (performance.now() < beatingUntilMs) assert.equal(await decide(), "resize");
    child.kill("SIGKILL");
    await once(child, "exit");
    await becomes(undefined, TTL_MS + SWEEP_MS);
    await namesThem(["resize-2", "resize-1"], "NoProcessors");
  });

  it("goes on with what routers knew when the control plane is gone", async () => {
    const metadata = { provider: PROVIDER, heartbeat_ttl: `${TTL_MS}ms` };
    const processorId = "resize-3";
    await client.unary(ControlPlaneService.registerProcessor, { processorId, endpoint: "127.0.0.1:9", metadata });
    await isRouted();
    await controlPlane.end("SIGKILL");
    const goneForMs = performance.now() + 2 * TTL_MS;
    while (performance.now() < goneForMs) assert.equal(await decide(), "resize");
  });
});
