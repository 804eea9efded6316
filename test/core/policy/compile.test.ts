// Compiling tables: a golden case for every problem and every resolution.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type CompiledTable, compileTable } from "../../../core/policy/compile.ts";
import type { CompileReason } from "../../../core/policy/compile-problem.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import type { BeamlineObject } from "../../../core/policy/spec.ts";
import { compileSeedTable, compileWritten, parseDefaults, parseWritten, seedObjects } from "./fixtures.ts";
import { type GoldenCase, readGoldenCases } from "./golden.ts";

const cases = readGoldenCases("policy/compile");

/** Goldens give the age of an object as a number in its creationTimestamp. */
function parseAged(document: unknown): BeamlineObject {
  const metadata = (document as { metadata: { creationTimestamp?: string } }).metadata;
  const result = parseObject(document, { ...parseDefaults, creationMs: Number(metadata.creationTimestamp ?? 0) });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

function compileCase({ documents }: GoldenCase): CompiledTable {
  return compileTable(documents.map(parseAged));
}

/** The table as plain JSON. */
function render({ table, problems, implicitProviders }: CompiledTable): unknown {
  const policies = [...table.policies.values()].flatMap((ofTenant) => [...ofTenant.values()]);
  return {
    policies: policies.map(({ meta, tenantId, policyId, providers, rules, stickyPath }) => ({
      object: `${meta.namespace}/${meta.name}`,
      tenantId,
      policyId,
      providers: providers.map(({ pickSeed: _, capabilities, ...provider }) => ({
        ...provider,
        capabilities: capabilities && [...capabilities],
      })),
      rules: rules.map(({ name }) => name),
      stickyPath,
    })),
    policyCount: table.policyCount,
    tenants: [...table.tenants].map(([id, { allowedMessageTypes, ...rules }]) => ({
      id,
      ...rules,
      allowedMessageTypes: allowedMessageTypes && [...allowedMessageTypes],
    })),
    problems,
    implicitProviders: Object.fromEntries(implicitProviders),
  };
}

describe("compileTable", () => {
  for (const golden of cases) it(golden.name, () => golden.expect(render(compileCase(golden))));

  it("has a golden case for every reason", () => {
    const reasons = new Set(cases.flatMap((golden) => compileCase(golden).problems.map(({ reason }) => reason)));
    const all: Record<CompileReason, true> = {
      Conflict: true,
      TenantNotPermitted: true,
      QuotaExceeded: true,
      InvalidExpression: true,
      RefNotFound: true,
      RefNotPermitted: true,
    };
    assert.deepEqual([...reasons].sort(), Object.keys(all).sort());
  });

  it("leaves out exactly the policies whose problems say so", () => {
    for (const golden of cases) {
      const { table, problems } = compileCase(golden);
      const rejected = new Set(
        problems
          .filter(({ kind, rejected }) => kind === "RoutingPolicy" && rejected)
          .map(({ namespace, name }) => `${namespace}/${name}`),
      );
      const policies = golden.documents.filter((document) => (document as { kind: string }).kind === "RoutingPolicy");
      assert.equal(table.policyCount, policies.length - rejected.size, golden.name);
    }
  });

  it("needs a Tenant for every policy when told so", () => {
    const [tenant, ...policies] = seedObjects;
    assert.ok(tenant);
    assert.equal(compileWritten([tenant, ...policies], { requireTenant: true }).table.policyCount, 1);
    const without = compileWritten(policies, { requireTenant: true });
    assert.equal(without.table.policyCount, 0);
    assert.deepEqual(
      without.problems.map(({ reason }) => reason),
      ["TenantNotPermitted"],
    );
  });
});

describe("Tenant ids", () => {
  const tenant = (name: string, tenantId: string) =>
    parseWritten({ kind: "Tenant", name, spec: { tenantId, namespaces: ["default"] } });

  it("may be no object names", () => {
    const { table, problems } = compileSeedTable("tenant_abc");
    assert.deepEqual(problems, []);
    assert.ok(table.tenants.has("tenant_abc"));
    assert.equal(table.policies.get("tenant_abc")?.size, 1);
  });

  it("belong to the older of two Tenants, in any order", () => {
    const first = tenant("a", "one_id");
    const second = tenant("b", "one_id");
    for (const objects of [
      [first, second],
      [second, first],
    ]) {
      const { problems } = compileTable(objects);
      assert.deepEqual(
        problems.map(({ name, reason, path }) => ({ name, reason, path })),
        [{ name: "b", reason: "Conflict", path: "spec.tenantId" }],
      );
    }
  });
});
