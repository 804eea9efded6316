// What a control plane asks processors at their endpoints: real servers of ProcessorService and of grpc.health.v1.
import assert from "node:assert/strict";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { after, afterEach, before, describe, it } from "mocha";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import { ComponentKind, EndpointHealth } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { HealthCheckResponse_ServingStatus as ServingStatus } from "../../proto/gen/messages/grpc/health/v1/health.ts";
import type { CapabilitiesResponse } from "../../proto/gen/messages/processor/processor.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";

const DEADLINE_MS = 30_000;
const PROCESSOR = ComponentKind.COMPONENT_KIND_PROCESSOR;

/** A processor whose answers a test changes while it runs. */
class AnsweringProcessor {
  readonly server = new Server({ "grpc.enable_channelz": 0 });
  answer: Partial<CapabilitiesResponse>;
  serving: ServingStatus = ServingStatus.SERVING;
  asked = 0;
  healthAsked = 0;
  endpoint = "";

  constructor(answer: Partial<CapabilitiesResponse>, offersHealth = true) {
    this.answer = answer;
    this.server.addService(
      { getCapabilities: ProcessorServiceService.getCapabilities },
      {
        getCapabilities: (_call: unknown, callback: (error: null, value: CapabilitiesResponse) => void) => {
          this.asked++;
          callback(null, { ...NOTHING, ...this.answer });
        },
      },
    );
    if (!offersHealth) return;
    this.server.addService(
      { check: HealthService.check },
      {
        check: (_call: unknown, callback: (error: null, value: { status: ServingStatus }) => void) => {
          this.healthAsked++;
          callback(null, { status: this.serving });
        },
      },
    );
  }

  listen(address = "127.0.0.1:0"): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => {
        this.endpoint = `127.0.0.1:${port}`;
        if (error === null) resolve(port);
        else reject(error);
      });
    });
  }
}

const NOTHING: CapabilitiesResponse = {
  processorId: "",
  name: "",
  description: "",
  version: "",
  inputEventTypes: [],
  outputEventTypes: [],
  maxConcurrent: 0,
};

describe("the control plane asks processors", () => {
  let server: TestControlPlane;
  let client: TestClient;
  const running: AnsweringProcessor[] = [];

  before(async () => {
    server = await startTestControlPlane({ askComponents: true, healthEveryMs: 100 });
    client = new TestClient(server.address);
  });
  afterEach(() => {
    for (const processor of running.splice(0)) processor.server.forceShutdown();
  });
  after(async () => {
    client.close();
    await server.stop();
  });

  const start = async (answer: Partial<CapabilitiesResponse>, offersHealth?: boolean): Promise<AnsweringProcessor> => {
    const processor = new AnsweringProcessor(answer, offersHealth);
    await processor.listen();
    running.push(processor);
    return processor;
  };
  const register = (processorId: string, endpoint: string, metadata: Record<string, string> = {}) =>
    client.unary(ControlPlaneService.registerProcessor, { processorId, endpoint, metadata });
  const get = async (id: string) => {
    const { component } = await client.unary(RegistryService.get, { kind: PROCESSOR, id });
    assert.ok(component);
    return component;
  };
  const isCandidate = async (id: string): Promise<boolean> => {
    const request = { kind: PROCESSOR, inputEventTypes: [], outputEventTypes: [], metadata: {} };
    const { components } = await client.unary(RegistryService.discover, request);
    return components.some((component) => component.id === id);
  };
  const whenInputs = (id: string, wanted: readonly string[]) =>
    eventually(async () => JSON.stringify((await get(id)).inputEventTypes) === JSON.stringify(wanted), {
      deadlineMs: DEADLINE_MS,
      describe: () => `${id} takes ${wanted.join(", ")}`,
    });
  const metric = async (labels: string): Promise<number> => {
    const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
    const line = page.split("\n").find((one) => one.startsWith(`controlplane_component_questions_total{${labels}}`));
    return Number(line?.split(" ").at(-1));
  };

  it("what they can do, when they register, and believes that more than metadata", async () => {
    const processor = await start({
      processorId: "resize",
      inputEventTypes: ["b.v1", "a.v1"],
      outputEventTypes: ["c.v1"],
    });
    const instance = { instance_id: "i-1" };
    await register("resize", processor.endpoint, { ...instance, input_event_types: "old.v1" });
    await whenInputs("resize", ["a.v1", "b.v1"]);
    assert.deepEqual((await get("resize")).outputEventTypes, ["c.v1"]);
    await register("resize", processor.endpoint, { ...instance, input_event_types: "older.v1" });
    assert.deepEqual((await get("resize")).inputEventTypes, ["a.v1", "b.v1"]);
  });

  it("again at another endpoint, and on a take-over", async () => {
    const first = await start({ inputEventTypes: ["first.v1"] });
    const second = await start({ inputEventTypes: ["second.v1"] });
    await register("mover", first.endpoint, { instance_id: "i-1" });
    await whenInputs("mover", ["first.v1"]);
    await register("mover", `grpc://${second.endpoint}`, { instance_id: "i-1" });
    await whenInputs("mover", ["second.v1"]);
    second.answer = { inputEventTypes: ["third.v1"] };
    await register("mover", `dns:///${second.endpoint}`, { instance_id: "i-2" });
    await whenInputs("mover", ["third.v1"]);
  });

  it("again when one did not listen yet", async () => {
    const late = await start({ inputEventTypes: ["late.v1"] });
    const { endpoint } = late;
    late.server.forceShutdown();
    const failedBefore = await metric('question="capabilities",outcome="failed"');
    await register("late", endpoint);
    await eventually(async () => (await metric('question="capabilities",outcome="failed"')) > failedBefore, {
      deadlineMs: DEADLINE_MS,
      describe: "the first question fails",
    });
    const processor = new AnsweringProcessor({ inputEventTypes: ["late.v1"] });
    running.push(processor);
    await processor.listen(endpoint);
    await whenInputs("late", ["late.v1"]);
  });

  it("and ignores an answer of somebody else, or one that breaks the rules", async () => {
    const stranger = await start({ processorId: "somebody-else", inputEventTypes: ["a.v1"] });
    const wrong = await start({ inputEventTypes: ["not a type"] });
    const before = await metric('question="capabilities",outcome="ignored"');
    await register("stranger", stranger.endpoint, { input_event_types: "own.v1" });
    await register("wrong", wrong.endpoint, { input_event_types: "own.v1" });
    await eventually(async () => (await metric('question="capabilities",outcome="ignored"')) === before + 2, {
      deadlineMs: DEADLINE_MS,
      describe: "both answers are ignored",
    });
    for (const id of ["stranger", "wrong"]) assert.deepEqual((await get(id)).inputEventTypes, ["own.v1"]);
  });

  it("whether they serve: one that does not is no candidate until it does", async () => {
    const processor = await start({});
    await register("busy", processor.endpoint);
    const whenHealth = (health: EndpointHealth) =>
      eventually(async () => (await get("busy")).endpointHealth === health, {
        deadlineMs: DEADLINE_MS,
        describe: () => `the health of the endpoint is ${health}`,
      });
    await whenHealth(EndpointHealth.ENDPOINT_HEALTH_SERVING);
    assert.equal(await isCandidate("busy"), true);
    processor.serving = ServingStatus.NOT_SERVING;
    await whenHealth(EndpointHealth.ENDPOINT_HEALTH_NOT_SERVING);
    assert.equal(await isCandidate("busy"), false);
    assert.equal((await get("busy")).status, "STARTING");
    processor.serving = ServingStatus.SERVING;
    await whenHealth(EndpointHealth.ENDPOINT_HEALTH_SERVING);
    assert.equal(await isCandidate("busy"), true);
    // Unreachable from here is no proof against it, and in the end says nothing at all.
    processor.serving = ServingStatus.NOT_SERVING;
    await whenHealth(EndpointHealth.ENDPOINT_HEALTH_NOT_SERVING);
    processor.server.forceShutdown();
    await whenHealth(EndpointHealth.ENDPOINT_HEALTH_UNSPECIFIED);
    assert.equal(await isCandidate("busy"), true);
  });

  it("nothing about health where none is offered", async () => {
    const processor = await start({ inputEventTypes: ["plain.v1"] }, false);
    const before = await metric('question="health",outcome="unoffered"');
    await register("plain", processor.endpoint);
    await eventually(async () => (await metric('question="health",outcome="unoffered"')) === before + 1, {
      deadlineMs: DEADLINE_MS,
      describe: "health is not offered",
    });
    assert.equal((await get("plain")).endpointHealth, EndpointHealth.ENDPOINT_HEALTH_UNSPECIFIED);
    assert.equal(await isCandidate("plain"), true);
  });

  it("nothing more when they have gone", async () => {
    const processor = await start({});
    await register("gone", processor.endpoint);
    await eventually(() => processor.healthAsked > 1, { deadlineMs: DEADLINE_MS, describe: "it is asked" });
    await client.unary(RegistryService.unregister, { kind: PROCESSOR, id: "gone", instance: "" });
    const other = await start({});
    await register("other", other.endpoint);
    const asked = processor.healthAsked;
    await eventually(() => other.healthAsked > 3, { deadlineMs: DEADLINE_MS, describe: "another is asked on" });
    assert.ok(processor.healthAsked <= asked + 1, "one question may have been under way");
  });

  it("nothing at endpoints that may not be dialled", async () => {
    const before = await metric('question="capabilities",outcome="refused"');
    const refused = [
      "169.254.169.254:80",
      "[::ffff:169.254.169.254]:80",
      "[fe80::1]:80",
      "http://127.0.0.1:80",
      "0.0.0.0:80",
    ];
    for (const [index, endpoint] of refused.entries()) await register(`refused-${index}`, endpoint);
    await eventually(
      async () => (await metric('question="capabilities",outcome="refused"')) === before + refused.length,
      { deadlineMs: DEADLINE_MS, describe: "all are refused" },
    );
    for (const index of refused.keys()) assert.equal(await isCandidate(`refused-${index}`), true);
  });
});
