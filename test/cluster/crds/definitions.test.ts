// The CRDs as an API server and kubectl present them: names, columns, explanations, status and scale.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { after, before, describe, it } from "mocha";
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { ObservedCondition } from "../../../core/reconcile/conditions.ts";
import { mergeConditions } from "../../../core/reconcile/conditions.ts";
import { policyConditions } from "../../../core/reconcile/routing-policy.ts";
import { expectStatus, requestApi } from "../api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../api-server.ts";
import { findClient } from "../find-program.ts";
import { startTestApiServer } from "../for-tests.ts";
import { collectionPath, createObject, installCrds, readCrds } from "./crds.ts";

const run = promisify(execFile);
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const NAMESPACE = "default";
const NOW = "2026-01-01T00:00:00Z";
const folder = join(import.meta.dirname, "..", "..", "..", "crds");
const APPLY = "application/apply-patch+yaml";

/** The conditions of a policy that works, as the operator makes them. */
function workingConditions(): readonly ObservedCondition[] {
  return policyConditions({
    generation: 1,
    refusals: [],
    inForceGeneration: 1,
    programmed: { status: "True", reason: "Programmed", message: "on every ready router" },
    partiallySupported: [],
    unresolved: [],
    implicitProviders: ["openai"],
  });
}

describe("the CRDs on an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;

  before(async function () {
    server = await startTestApiServer(this);
    await installCrds(server);
  });

  after(async () => {
    // Absent when it was skipped.
    await server?.stop();
  });

  async function kubectl(...args: readonly string[]): Promise<string> {
    const path = await findClient("kubectl", { progress: console.error });
    const { stdout } = await run(path, ["--kubeconfig", server.kubeconfigPath, ...args]);
    return stdout;
  }

  async function create(kind: "RoutingPolicy" | "Router", name: string, spec: object): Promise<string> {
    const body = { apiVersion: API_VERSION, kind, metadata: { name }, spec };
    const { status, body: answer } = await createObject(server, kind, NAMESPACE, body);
    assert.equal(status, 201, JSON.stringify(answer));
    return `${collectionPath(kind, NAMESPACE)}/${name}`;
  }

  function applyStatus(path: string, kind: string, manager: string, status: object) {
    const body = { apiVersion: API_VERSION, kind, status };
    const query = `fieldManager=${manager}&fieldValidation=Strict`;
    return requestApi(server, "PATCH", `${path}/status?${query}`, { body, contentType: APPLY });
  }

  it("are established, with the names that were asked for and a structural schema", async () => {
    for (const { metadata } of readCrds()) {
      const { body } = await expectStatus(server, 200, "GET", `${CRDS}/${metadata.name}`);
      const { status } = body as {
        readonly status: { readonly conditions: readonly { type: string; status: string }[] };
      };
      const found = Object.fromEntries(status.conditions.map((each) => [each.type, each.status]));
      assert.deepEqual(found, { NamesAccepted: "True", Established: "True" }, metadata.name);
    }
  });

  it("can be applied by kubectl once more without a change", async () => {
    const applied = await kubectl("apply", "--server-side", "--force-conflicts", "-f", folder);
    assert.equal(applied.trim().split("\n").length, readCrds().length);
    const { body } = await expectStatus(server, 200, "GET", CRDS);
    const { items } = body as { readonly items: readonly { metadata: { name: string; generation: number } }[] };
    for (const { metadata } of items) assert.equal(metadata.generation, 1, metadata.name);
  });

  it("have short names, and one category for all kinds", async () => {
    const { body } = await expectStatus(server, 200, "GET", `/apis/${API_VERSION}`);
    const { resources } = body as {
      readonly resources: readonly {
        name: string;
        shortNames?: string[];
        categories?: string[];
        namespaced: boolean;
      }[];
    };
    const found = resources
      .filter(({ name }) => !name.includes("/"))
      .map(({ name, shortNames = [], categories = [], namespaced }) => [
        name,
        ...shortNames,
        ...categories,
        namespaced,
      ]);
    assert.deepEqual(found.sort(), [
      ["pipelines", "pl", "beamline", true],
      ["providers", "prov", "beamline", true],
      ["routers", "rtr", "beamline", true],
      ["routingpolicies", "rp", "beamline", true],
      ["tenants", "tnt", "beamline", false],
    ]);
  });

  it("show at a glance whether a policy works and why not", async () => {
    const path = await create("RoutingPolicy", "glance", { providers: [{ name: "openai" }] });
    const conditions = mergeConditions([], workingConditions(), NOW);
    const status = { observedGeneration: 1, tenantId: "default", policyId: "glance", router: "b/default", conditions };
    assert.equal((await applyStatus(path, "RoutingPolicy", "operator", status)).status, 200);
    const table = (await kubectl("get", "rp", "glance")).replaceAll(/ +/g, " ");
    assert.match(table, /^NAME TENANT POLICY READY REASON AGE\nglance default glance True Ready \d+s\n$/);
    const wide = (await kubectl("get", "rp", "glance", "-o", "wide")).replaceAll(/ +/g, " ");
    assert.match(wide, / AGE ROUTER ACCEPTED RESOLVED PROGRAMMED REGISTERED MESSAGE\n/);
    assert.match(wide, / b\/default True True True in force on every ready router\n$/);
    await kubectl("wait", "--for=condition=Ready", "--timeout=10s", "rp/glance");
  });

  it("keep a status whole: no field dropped, no generation spent, conditions merged by type", async () => {
    const path = await create("RoutingPolicy", "status", { providers: [{ name: "openai" }] });
    const conditions = mergeConditions([], workingConditions(), NOW);
    await applyStatus(path, "RoutingPolicy", "operator", { observedGeneration: 1, conditions });
    const other = { ...conditions[0], type: "team.example/Reviewed", reason: "Reviewed" };
    const { status, body } = await applyStatus(path, "RoutingPolicy", "team", { conditions: [other] });
    assert.equal(status, 200);
    const found = body as { readonly metadata: { generation: number }; readonly status: { conditions: unknown[] } };
    assert.equal(found.metadata.generation, 1);
    assert.deepEqual(found.status.conditions, [...conditions, other]);
  });

  it("refuse a status that says what it does not know, or is no condition", async () => {
    const path = await create("RoutingPolicy", "wrong-status", { providers: [{ name: "openai" }] });
    const [condition] = mergeConditions([], workingConditions(), NOW);
    const wrong: readonly (readonly [object, RegExp])[] = [
      [{ phase: "Running" }, /\.status\.phase: field not declared in schema/],
      [{ conditions: [{ ...condition, status: "Maybe" }] }, /Unsupported value: \\?"Maybe/],
      [{ conditions: [{ ...condition, reason: "two words" }] }, /conditions\[0\]\.reason in body should match/],
      [{ conditions: [{ ...condition, lastTransitionTime: "yesterday" }] }, /must be of type date-time/],
      [{ conditions: [{ type: "Ready" }] }, /conditions\[0\]\.reason: Required value/],
      [{ conditions: [condition, condition] }, /duplicate entries for key/],
    ];
    for (const [status, words] of wrong) {
      const answer = await applyStatus(path, "RoutingPolicy", "operator", status);
      assert.ok(answer.status >= 400);
      assert.match((answer.body as { readonly message: string }).message, words);
    }
  });

  it("do not let a status change a spec, nor a spec a status", async () => {
    const path = await create("RoutingPolicy", "apart", { providers: [{ name: "openai" }] });
    const contentType = "application/merge-patch+json";
    const both = { spec: { policyId: "other" }, status: { policyId: "shown" } };
    const first = await expectStatus(server, 200, "PATCH", `${path}/status`, { body: both, contentType });
    const afterStatus = first.body as { spec: { policyId?: string }; status: { policyId?: string } };
    assert.deepEqual([afterStatus.spec.policyId, afterStatus.status.policyId], [undefined, "shown"]);
    const body = { ...both, status: { policyId: "forged" } };
    const second = await expectStatus(server, 200, "PATCH", path, { body, contentType });
    const afterSpec = second.body as { spec: { policyId?: string }; status: { policyId?: string } };
    assert.deepEqual([afterSpec.spec.policyId, afterSpec.status.policyId], ["other", "shown"]);
  });

  it("take the largest policy that there can be, whose rules cost most", async () => {
    const names = Array.from({ length: 64 }, (_, index) => `${index}`.padStart(40, "n"));
    const body = {
      apiVersion: API_VERSION,
      kind: "RoutingPolicy",
      metadata: { name: "l".repeat(128) },
      spec: {
        providers: names.map((name) => ({ name: name.padStart(63, "N"), ref: { name, namespace: "n".repeat(63) } })),
        rules: Array.from({ length: 100 }, (_, index) => ({
          name: `r${index}`,
          when: `tenant.id != '${"x".repeat(2000)}'`,
          prefer: names.map((name) => name.padStart(63, "N")),
          fallback: names.at(-1)?.padStart(63, "N"),
        })),
        retryPolicy: Array(16).fill({ outcomes: ["Timeout"], to: names.map((name) => name.padStart(63, "N")) }),
      },
    };
    const { status, body: answer } = await createObject(server, "RoutingPolicy", NAMESPACE, body);
    assert.equal(status, 201, JSON.stringify(answer).slice(0, 2_000));
  });

  it("let kubectl scale a Router within its bounds, and autoscalers find its pods", async () => {
    const path = await create("Router", "pool", {});
    await applyStatus(path, "Router", "operator", { replicas: 2, readyReplicas: 1, selector: "router=pool" });
    await kubectl("scale", "rtr/pool", "--replicas=5");
    const { body } = await expectStatus(server, 200, "GET", `${path}/scale`);
    const scale = body as { readonly spec: object; readonly status: object };
    assert.deepEqual([scale.spec, scale.status], [{ replicas: 5 }, { replicas: 2, selector: "router=pool" }]);
    await assert.rejects(kubectl("scale", "rtr/pool", "--replicas=1001"), /should be less than or equal to 1000/);
    const table = (await kubectl("get", "rtr", "pool")).replaceAll(/ +/g, " ");
    assert.match(table, /^NAME DESIRED AVAILABLE READY REASON AGE\npool 5 1 \d+s\n$/);
  });

  it("explain every field of a spec", async () => {
    const text = await kubectl("explain", "rp.spec", "--recursive");
    assert.match(text, /providers\t<\[\]Object> -required-/);
    const field = await kubectl("explain", "rp.spec.providers.weight");
    assert.match(field.replaceAll(/\s+/g, " "), /Share among the providers of the same priority/);
  });
});
