// The control plane of a release: a pod that registers is given work, one that dies is not, and who may do what is RBAC.
import assert from "node:assert/strict";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { after, afterEach, before, describe, it } from "mocha";
import { ADMIN_FIELD_MANAGER } from "../../core/admin/admin-policy.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { RouterAdminService } from "../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import { ExternalScalerService } from "../../proto/gen/grpc/externalscaler/externalscaler.ts";
import { ComponentKind, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../support/await.ts";
import { TestClient } from "../support/control-plane.ts";
import { CLUSTER_START_TIMEOUT_MS } from "./cluster.ts";
import { DEADLINE_MS, Installation } from "./installation.ts";
import { processWith } from "./process-in-pod.ts";
import type { Forward } from "./relay.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");
const FIXTURES = join(import.meta.dirname, "fixtures");
const DECIDE = "beamline.router.v1.decide";
const SUBMIT = "beamline.router.v1.submit.demo";
const TTL_MS = 30_000;
/** A component is lost in the sweep after its time, which is one a second, and routers are told at once. */
const LOST_WITHIN_MS = TTL_MS + 2_000;
const AT_ONCE_MS = 1_000;
const REQUEST_TIMEOUT_MS = 5_000;
const EVERY_MS = 20;
/** Submitted with nobody to take them. */
const WAITING = 5;
/** Of the ten orders of the example source. */
const ORDER_LINES = 20;

interface Tried {
  readonly provider: string | undefined;
  readonly error: string | undefined;
  readonly atMs: number;
}

describe("the control plane on a cluster", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let beamline: Installation;
  let producer: NatsConnection;
  let forwarded: Forward;
  const clients: TestClient[] = [];

  before(async function () {
    beamline = await Installation.prepare(this, "control-plane");
    await beamline.install();
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "quickstart"));
    await beamline.kubectl("apply", "--filename", join(FIXTURES, "processor.yaml"));
    const creds = await beamline.write("nats.creds", Buffer.from(await beamline.credentials("worker")).toString());
    await beamline.kubectl(
      "--namespace=demo",
      "create",
      "secret",
      "generic",
      "worker",
      `--from-file=nats.creds=${creds}`,
    );
    await beamline.kubectl("--namespace=demo", "wait", "--for=condition=Programmed", "rp", "--all", "--timeout=110s");
    producer = await beamline.connectNats("producer");
    const pods = ["get", "pods", "--selector=app.kubernetes.io/component=control-plane"];
    const address = await beamline.inNamespace(...pods, "--output=jsonpath={.items[0].status.podIP}");
    forwarded = await beamline.cluster.forward(address, 50_051);
  });
  after(async () => {
    for (const client of clients) client.close();
    await producer?.close();
    await forwarded?.[Symbol.asyncDispose]();
    await beamline?.[Symbol.asyncDispose]();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== "failed") return;
    for (const about of [
      ["describe", "pod", "gpu"],
      ["logs", "gpu", "--tail=40"],
    ])
      console.log(await beamline.kubectl("--namespace=demo", ...about).catch(String));
  });

  /** Calls with a token of this ServiceAccount. */
  async function callAs(account: string): Promise<TestClient> {
    const token = (await beamline.kubectl("--namespace=demo", "create", "token", account)).trim();
    const client = new TestClient(`127.0.0.1:${forwarded.port}`, undefined, undefined, token);
    clients.push(client);
    return client;
  }

  function routeRequest(policy: string): string {
    const payload = Buffer.from("work").toString("base64");
    return JSON.stringify({ message: { tenant_id: "demo", message_type: "chat", payload }, policy_id: policy });
  }

  async function decide(policy: string): Promise<Tried> {
    const reply = await producer.request(DECIDE, routeRequest(policy), { timeout: REQUEST_TIMEOUT_MS });
    const error = reply.headers?.get("Nats-Service-Error");
    const { providerId } = reply.json<{ providerId?: string }>();
    return { provider: providerId, error: error === "" ? undefined : error, atMs: Date.now() };
  }

  /** Asks until an answer is as wanted. */
  function whenDecided(policy: string, isWanted: (tried: Tried) => boolean): Promise<Tried> {
    let last: Tried | undefined;
    return eventually(
      async () => {
        last = await decide(policy);
        return isWanted(last) ? last : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `policy ${policy}: ${JSON.stringify(last)}`, everyMs: EVERY_MS },
    );
  }

  const statusOf = (condition: string): Promise<string> =>
    beamline.kubectl(
      "--namespace=demo",
      "get",
      "rp",
      "gpu",
      `--output=jsonpath={.status.conditions[?(@.type=="${condition}")]['status','reason','message']}`,
    );

  const namedProcessors = (): Promise<string> =>
    beamline.kubectl("--namespace=demo", "get", "rp", "gpu", "--output=jsonpath={.status.providers[*].processors}");

  it("gives a Provider that must be registered no work before a processor of it has registered", async () => {
    const { provider, error } = await decide("gpu");
    assert.equal(provider, undefined);
    assert.match(error ?? "", /no provider/i);
    assert.match(await statusOf("Registered"), /^False /);
  });

  it("gives it work within a second of the registration of a pod, and the policy's status names the pod", async () => {
    const viewer = await callAs("viewer");
    const decided = whenDecided("gpu", ({ provider }) => provider === "gpu");
    await beamline.kubectl("apply", "--filename", join(FIXTURES, "processor-pod.yaml"));
    const { atMs } = await decided;
    const kinds = [ComponentKind.COMPONENT_KIND_PROCESSOR];
    const { components } = await viewer.unary(RegistryService.list, ListRequest.fromPartial({ filter: { kinds } }));
    const [processor] = components.filter(({ metadata }) => metadata.provider === "demo/gpu");
    assert.ok(processor?.registeredAt !== undefined, `${components.length} components`);
    const { seconds, nanos } = processor.registeredAt;
    const afterMs = atMs - Math.round(Number(seconds) * 1_000 + nanos / 1_000_000);
    console.log(`      a target ${afterMs} ms after it registered`);
    assert.ok(afterMs <= AT_ONCE_MS, `${afterMs} ms`);
    await beamline.whenShown(
      "True",
      '{.status.conditions[?(@.type=="Registered")].status}',
      "rp/gpu",
      "--namespace=demo",
    );
    const shown = await namedProcessors();
    assert.ok(shown.includes(processor.id), shown);
  });

  it("gives it none within its time to live after kill -9 of the pod's process, and the policy's status says so", async () => {
    const uid = await beamline.kubectl("--namespace=demo", "get", "pod", "gpu", "--output=jsonpath={.metadata.uid}");
    const pid = await processWith("POD_UID", uid);
    const killedAtMs = Date.now();
    process.kill(pid, "SIGKILL");
    const { atMs, error } = await whenDecided("gpu", ({ provider }) => provider === undefined);
    const afterMs = atMs - killedAtMs;
    console.log(`      no target ${afterMs} ms after it was killed`);
    assert.ok(afterMs <= LOST_WITHIN_MS, `${afterMs} ms`);
    assert.match(error ?? "", /no provider/i);
    const status = '{.status.conditions[?(@.type=="Registered")].status}';
    await beamline.whenShown("False", status, "rp/gpu", "--namespace=demo");
    assert.match(await namedProcessors(), /"lost":1.*worker-gpu-/);
  });

  it("makes a policy of UpsertPolicy an object with a field manager of its own, in force within a second", async () => {
    const editor = await callAs("editor");
    const policy = { policyId: "vip", providers: [{ id: "local_llm", weight: 1 }], sticky: false, rules: [] };
    const calledAtMs = Date.now();
    const decided = whenDecided("vip", ({ provider }) => provider === "local_llm");
    const { success, message } = await editor.unary(RouterAdminService.upsertPolicy, { tenantId: "demo", policy });
    assert.equal(success, true, message);
    const afterMs = (await decided).atMs - calledAtMs;
    console.log(`      in force ${afterMs} ms after the call`);
    assert.ok(afterMs <= AT_ONCE_MS, `${afterMs} ms`);
    const managers = "{.items[?(@.spec.policyId=='vip')].metadata.managedFields[*].manager}";
    const shown = await beamline.kubectl("--namespace=demo", "get", "rp", "--output", `jsonpath=${managers}`);
    assert.ok(shown.split(" ").includes(ADMIN_FIELD_MANAGER), shown);
  });

  it("refuses a viewer's token what changes anything", async () => {
    const viewer = await callAs("viewer");
    const policy = { policyId: "vip", providers: [{ id: "openai", weight: 1 }], sticky: false, rules: [] };
    const upserted = await viewer.failure(RouterAdminService.upsertPolicy, { tenantId: "demo", policy });
    assert.equal(upserted.code, "PERMISSION_DENIED");
    const name = { kind: ComponentKind.COMPONENT_KIND_PROCESSOR, id: "worker", instance: "" };
    assert.equal((await viewer.failure(RegistryService.unregister, name)).code, "PERMISSION_DENIED");
    const nobody = new TestClient(`127.0.0.1:${forwarded.port}`);
    clients.push(nobody);
    assert.equal((await nobody.failure(RegistryService.unregister, name)).code, "UNAUTHENTICATED");
  });

  it("tells KEDA the lag that JetStream tells", async () => {
    for (let count = 0; count < WAITING; count += 1) await jetstream(producer).publish(SUBMIT, routeRequest("vip"));
    const operator = await beamline.connectNats("operator");
    try {
      const { consumers } = await jetstreamManager(operator, { checkAPI: false });
      const waiting = await eventually(
        async () => {
          const info = await consumers.info("BEAMLINE_ASSIGNMENTS", "provider_demo_local-llm");
          return info.num_pending === WAITING ? info.num_pending + info.num_ack_pending : undefined;
        },
        { deadlineMs: DEADLINE_MS, describe: "everything is assigned", everyMs: 100 },
      );
      const scaler = await callAs("scaler");
      const scaledObjectRef = { name: "worker", namespace: "demo", scalerMetadata: { provider: "demo/local-llm" } };
      const { metricSpecs } = await scaler.unary(ExternalScalerService.getMetricSpec, scaledObjectRef);
      const metricName = metricSpecs[0]?.metricName ?? "";
      const { metricValues } = await scaler.unary(ExternalScalerService.getMetrics, { scaledObjectRef, metricName });
      assert.deepEqual(
        metricValues.map(({ metricValue }) => Number(metricValue)),
        [waiting],
      );
      assert.equal((await scaler.unary(ExternalScalerService.isActive, scaledObjectRef)).result, true);
    } finally {
      await operator.close();
    }
  });

  it("runs a pipeline: what its processor makes of the source's events reaches its consumer, once each", async () => {
    const files = [join(EXAMPLES, "cluster", "access.yaml"), join(EXAMPLES, "pipeline")];
    await beamline.kubectl("apply", ...files.map((file) => `--filename=${file}`));
    await beamline.inNamespace("wait", "--for=condition=Complete", "job/example-source", "--timeout=110s");
    let lines: readonly string[] = [];
    await eventually(
      async () => {
        lines = (await beamline.inNamespace("logs", "deployment/example-consumer")).match(/^\{.*\}$/gm) ?? [];
        return lines.length >= ORDER_LINES;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `${lines.length} lines of orders`, everyMs: 500 },
    );
    assert.equal(lines.length, ORDER_LINES);
    assert.equal(new Set(lines.map((line) => JSON.parse(line).id)).size, ORDER_LINES);
    const status = '{.status.conditions[?(@.type=="Programmed")].status}';
    await beamline.whenShown("True", status, "pipelines/orders", "--namespace=demo");
    const linked = '{.status.conditions[?(@.type=="Linked")]}';
    console.log(
      `      ${await beamline.kubectl("--namespace=demo", "get", "pl", "orders", `--output=jsonpath=${linked}`)}`,
    );
  });
});
