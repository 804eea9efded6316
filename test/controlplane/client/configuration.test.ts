// Configuration pushed to a component: applied, refused with its reason, last good kept, not told twice.
import assert from "node:assert/strict";
import { after, afterEach, before, describe, it } from "mocha";
import type { ConfigurationCallback } from "../../../controlplane/client/configuration-watch.ts";
import { type ControlPlane, connectControlPlane } from "../../../controlplane/client/connect.ts";
import type { RegisteredComponent } from "../../../controlplane/client/registered-component.ts";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ComponentKind, type ConfigurationState } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { ComponentEvents } from "./component-events.ts";

const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
const DEADLINE_MS = 20_000;

describe("client library: configuration", () => {
  let server: TestControlPlane;
  let admin: TestClient;
  let controlPlane: ControlPlane;

  const configure = async (id: string, configuration: Record<string, unknown>): Promise<bigint> =>
    (await admin.unary(RegistryService.configure, { kind, id, configuration, expectedRevision: 0n })).revision;
  const state = async (id: string): Promise<ConfigurationState | undefined> =>
    (await admin.unary(RegistryService.get, { kind, id })).component?.configuration;
  const register = async (
    id: string,
    onConfiguration: ConfigurationCallback,
  ): Promise<{ component: RegisteredComponent; events: ComponentEvents }> => {
    const events = new ComponentEvents();
    controlPlane = connectControlPlane({ addresses: [server.address] });
    const component = controlPlane.registerProcessor({
      id,
      endpoint: "127.0.0.1:9000",
      onConfiguration,
      onEvent: events.listener,
    });
    await events.next("registered", { deadlineMs: DEADLINE_MS });
    return { component, events };
  };
  const reported = (id: string, expected: Partial<ConfigurationState>) =>
    eventually(
      async () => {
        const now = await state(id);
        return Object.entries(expected).every(([key, value]) => now?.[key as keyof ConfigurationState] === value);
      },
      { deadlineMs: DEADLINE_MS, describe: `the report of ${id} arrives` },
    );

  before(async () => {
    server = await startTestControlPlane();
    admin = new TestClient(server.address);
  });
  afterEach(() => controlPlane.close());
  after(async () => {
    admin.close();
    await server.stop();
  });

  it("is applied, and the control plane is told at once", async () => {
    const applied: unknown[] = [];
    const { component } = await register("tuned", (configuration) => {
      applied.push(configuration);
    });
    const revision = await configure("tuned", { batch: 10, nested: { on: true } });
    await reported("tuned", { appliedRevision: revision, error: "" });
    assert.deepEqual(applied, [{ batch: 10, nested: { on: true } }]);
    assert.deepEqual(component.configuration, { revision, configuration: { batch: 10, nested: { on: true } } });
  });

  it("is refused with the reason that the callback throws, and the last good one stays", async () => {
    const { component, events } = await register("picky", async ({ batch }) => {
      if (typeof batch !== "number") throw new Error("batch must be a number");
    });
    const good = await configure("picky", { batch: 1 });
    await reported("picky", { appliedRevision: good });
    const bad = await configure("picky", { batch: "many" });
    await reported("picky", { desiredRevision: bad, appliedRevision: good, error: "batch must be a number" });
    assert.deepEqual(component.configuration, { revision: good, configuration: { batch: 1 } });
    const better = await configure("picky", { batch: 2 });
    await reported("picky", { appliedRevision: better, error: "" });
    assert.deepEqual(
      events.kinds().filter((one) => one.startsWith("configuration")),
      ["configurationApplied", "configurationRefused", "configurationApplied"],
    );
  });

  it("is given one at a time, and of several that wait only the newest", async () => {
    const seen: unknown[] = [];
    let finishFirst: (() => void) | undefined;
    await register("slow", async ({ n }) => {
      seen.push(n);
      if (n !== 1) return;
      await new Promise<void>((resolve) => {
        finishFirst = resolve;
      });
    });
    await configure("slow", { n: 1 });
    await eventually(() => finishFirst !== undefined, { deadlineMs: DEADLINE_MS, describe: "the first is given" });
    await configure("slow", { n: 2 });
    const last = await configure("slow", { n: 3 });
    const watching = new TestClient(server.address);
    // Another watch of the same component has the newest: the changes have been sent to the slow one, too.
    const stream = watching.serverStream(RegistryService.watchConfiguration, { kind, id: "slow" });
    await new Promise((resolve) => stream.once("data", resolve));
    stream.on("error", () => undefined);
    stream.cancel();
    watching.close();
    finishFirst?.();
    await reported("slow", { appliedRevision: last });
    assert.equal(seen[0], 1);
    assert.equal(seen.at(-1), 3);
    assert.equal(new Set(seen).size, seen.length, "none is given twice");
  });
});
