// flowctl.v1 as the published SDKs call it, on the components that the other protocols register.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ControlPlaneServiceService as FlowctlService } from "../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import { ComponentInfo, ComponentType, HealthStatus } from "../../proto/gen/messages/flowctl/v1/common.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";

const { HEALTH_STATUS_UNKNOWN, HEALTH_STATUS_HEALTHY, HEALTH_STATUS_DEGRADED, HEALTH_STATUS_UNHEALTHY } = HealthStatus;
const PROCESSOR = ComponentType.COMPONENT_TYPE_PROCESSOR;

describe("flowctl.v1.ControlPlaneService", function () {
  this.timeout(60_000);
  let server: TestControlPlane;
  let client: TestClient;

  const register = (id: string, change: Partial<ComponentInfo> = {}, componentId = "") => {
    const component = ComponentInfo.fromPartial({ id, type: PROCESSOR, endpoint: "localhost:50051", ...change });
    return client.unary(FlowctlService.registerComponent, { component, componentId });
  };
  const status = (serviceId: string) => client.unary(FlowctlService.getComponentStatus, { serviceId });
  const beat = (serviceId: string, said: HealthStatus, metrics: Record<string, string> = {}) =>
    client.unary(FlowctlService.heartbeat, { serviceId, status: said, metrics });

  before(async () => {
    server = await startTestControlPlane({ ttlMs: 2_000 });
    client = new TestClient(server.address);
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("registers, reports and shows a component with all of its properties", async () => {
    const info = {
      name: "Resize",
      description: "Makes images small",
      version: "1.2",
      inputEventTypes: ["image.v1"],
      outputEventTypes: ["thumbnail.v1"],
      metadata: { zone: "west" },
    };
    const registered = await register("resize", info);
    assert.deepEqual([registered.serviceId, registered.assignedTopics, registered.connectionInfo], ["resize", [], {}]);
    await beat("resize", HEALTH_STATUS_DEGRADED, { queue: "3", note: "busy", empty: "", rate: "1e3" });
    const shown = await status("resize");
    assert.deepEqual(ComponentInfo.toJSON(shown.component ?? ComponentInfo.create()), {
      ...info,
      id: "resize",
      type: "COMPONENT_TYPE_PROCESSOR",
      endpoint: "localhost:50051",
    });
    assert.equal(shown.status, HEALTH_STATUS_DEGRADED);
    assert.deepEqual(shown.metrics, { queue: "3", rate: "1000" });
  });

  it("takes the id of the environment before that of the component, and makes one up for who has none", async () => {
    assert.equal((await register("own", {}, "given")).serviceId, "given");
    assert.match((await register("")).serviceId, /^processor-[0-9a-f]{24}$/);
  });

  it("reads a heartbeat without a status as a sign of life, and keeps what was said before", async () => {
    await register("quiet");
    await beat("quiet", HEALTH_STATUS_UNKNOWN);
    assert.equal((await status("quiet")).status, HEALTH_STATUS_HEALTHY);
    await beat("quiet", HEALTH_STATUS_DEGRADED);
    await beat("quiet", HEALTH_STATUS_UNKNOWN);
    assert.equal((await status("quiet")).status, HEALTH_STATUS_DEGRADED);
  });

  it("is unhealthy while silent and not after the next heartbeat", async () => {
    await register("silent");
    await beat("silent", HEALTH_STATUS_HEALTHY);
    // The components of the tests before fall silent with it, and few are lost within one time to live: it may be the last.
    await eventually(async () => (await status("silent")).status === HEALTH_STATUS_UNHEALTHY, {
      deadlineMs: 45_000,
      describe: "the silent component is unhealthy",
    });
    await beat("silent", HEALTH_STATUS_UNKNOWN);
    assert.equal((await status("silent")).status, HEALTH_STATUS_HEALTHY);
  });

  it("discovers by role, event types and properties, components of the other protocols too", async () => {
    const { registerSource } = ControlPlaneService;
    const metadata = { output_event_types: "trade.v1", zone: "east", version: "7" };
    await client.unary(registerSource, { sourceId: "feed", endpoint: "localhost:1", metadata });
    const find = async (type: ComponentType, eventTypes: string[], metadataFilters: Record<string, string>) => {
      const { components } = await client.unary(FlowctlService.discoverComponents, {
        type,
        eventTypes,
        metadataFilters,
      });
      return components.map(({ id, version }) => `${id} ${version}`);
    };
    assert.deepEqual(await find(ComponentType.COMPONENT_TYPE_UNSPECIFIED, ["none.v1", "trade.v1"], {}), ["feed 7"]);
    assert.deepEqual(await find(ComponentType.COMPONENT_TYPE_SOURCE, [], { zone: "east" }), ["feed 7"]);
    assert.deepEqual(await find(PROCESSOR, ["trade.v1"], {}), []);
  });

  it("lists, without those in trouble unless they are asked for", async () => {
    await register("list-sick");
    await beat("list-sick", HEALTH_STATUS_UNHEALTHY);
    await register("list-new");
    const list = async (includeUnhealthy: boolean) => {
      const { components } = await client.unary(FlowctlService.listComponents, {
        typeFilter: PROCESSOR,
        includeUnhealthy,
      });
      return components.map(({ component }) => component?.id ?? "").filter((id) => id.startsWith("list-"));
    };
    assert.deepEqual(await list(true), ["list-new", "list-sick"]);
    assert.deepEqual(await list(false), ["list-new"]);
  });

  it("unregisters, also who is not registered", async () => {
    await register("brief");
    await client.unary(FlowctlService.unregisterComponent, { serviceId: "brief" });
    await client.unary(FlowctlService.unregisterComponent, { serviceId: "brief" });
    const failure = await client.failure(FlowctlService.getComponentStatus, { serviceId: "brief" });
    assert.deepEqual([failure.code, failure.reason], ["NOT_FOUND", "COMPONENT_UNKNOWN"]);
  });

  it("refuses with the field that is wrong", async () => {
    const refused = async (component: ComponentInfo | undefined, componentId = "") =>
      (await client.failure(FlowctlService.registerComponent, { component, componentId })).violations;
    const valid = ComponentInfo.fromPartial({ id: "p", type: PROCESSOR, endpoint: "localhost:1" });
    assert.deepEqual(await refused(undefined), ["component REQUIRED"]);
    assert.deepEqual(await refused({ ...valid, type: ComponentType.COMPONENT_TYPE_UNSPECIFIED }), [
      "component.type REQUIRED",
    ]);
    assert.deepEqual(await refused({ ...valid, id: "a b" }), ["component.id ID"]);
    assert.deepEqual(await refused(valid, "a b"), ["component_id ID"]);
    assert.deepEqual(await refused({ ...valid, endpoint: "nowhere" }), ["component.endpoint ENDPOINT"]);
    assert.deepEqual(await refused({ ...valid, inputEventTypes: ["a,b"] }), ["component.input_event_types EVENT_TYPE"]);
    const beat = await client.failure(FlowctlService.heartbeat, { serviceId: "a b", status: 0, metrics: {} });
    assert.deepEqual(beat.violations, ["service_id ID"]);
  });
});
