// What must hold of parsing and compiling, whatever is written.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { compileTable } from "../../core/policy/compile.ts";
import { compileExpression } from "../../core/policy/expression.ts";
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import { parseObject } from "../../core/policy/parse.ts";
import { API_VERSION } from "../../core/policy/schema.ts";
import type { BeamlineObject } from "../../core/policy/spec.ts";
import type { ExpressionInput } from "../../core/policy/table.ts";
import { parseDefaults, parseWritten, type WrittenObject } from "../core/policy/fixtures.ts";

const fieldNames = Object.keys(objectDefinitions.RoutingPolicy.schema.properties?.spec ?? {}).concat(
  [
    "providers",
    "rules",
    "sticky",
    "constraints",
    "assignment",
    "pipeline",
    "retryPolicy",
    "validation",
    "circuitBreaker",
  ],
  ["name", "when", "key", "weight", "ref", "pre", "outcomes", "backoff", "__proto__", "constructor"],
);
const values = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSparseArray: true,
      maxDepth: 1,
    }),
    fc.constantFrom<unknown>("openai", "2s", "1", 1, true, null, "context.a", "Timeout"),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(fc.constantFrom(...fieldNames), tie("value"), { maxKeys: 5 }),
  ),
})).value;

const names = fc.constantFrom("a", "b", "c");
const namespaces = fc.constantFrom("n1", "n2");
const ages = fc.integer({ min: 0, max: 2 });

const policies: fc.Arbitrary<WrittenObject> = fc.record({
  kind: fc.constant("RoutingPolicy" as const),
  name: names,
  namespace: namespaces,
  creationMs: ages,
  spec: fc.record({
    policyId: names,
    tenantId: fc.constantFrom("n1", "n2", "t"),
    providers: fc
      .uniqueArray(fc.record({ name: names, ref: fc.record({ namespace: namespaces, name: names }) }), {
        minLength: 1,
        selector: ({ name }) => name,
        comparator: "IsStrictlyEqual",
      })
      .map((list) => list.map(({ name, ref }) => ({ name, ref: { namespace: ref.namespace, name } }))),
    rules: fc.constantFrom([], [{ name: "r", when: "true" }], [{ name: "r", when: "1 +" }]),
  }),
});
const providers: fc.Arbitrary<WrittenObject> = fc.record({
  kind: fc.constant("Provider" as const),
  name: names,
  namespace: namespaces,
  creationMs: ages,
  spec: fc.record({ providerId: fc.constantFrom("x", "y"), allowedNamespaces: fc.constantFrom([], ["n1"], ["*"]) }),
});
const tenants: fc.Arbitrary<WrittenObject> = fc.record({
  kind: fc.constant("Tenant" as const),
  name: fc.constantFrom("n1", "t"),
  creationMs: ages,
  spec: fc.record({
    namespaces: fc.constantFrom([], ["n1"], ["n1", "n2"]),
    quotas: fc.record({ policies: fc.integer({ min: 0, max: 3 }) }),
  }),
});
const objectLists: fc.Arbitrary<readonly BeamlineObject[]> = fc
  .uniqueArray(fc.oneof(policies, providers, tenants), {
    maxLength: 14,
    selector: ({ kind, namespace, name }) => `${kind}/${namespace}/${name}`,
  })
  .map((written) => written.map(parseWritten));

/** A table without its functions, for comparing. */
function render(objects: readonly BeamlineObject[]): unknown {
  const { table, problems, implicitProviders } = compileTable(objects);
  return JSON.parse(
    JSON.stringify({ table, problems, implicitProviders }, (_, value: unknown) =>
      value instanceof Map || value instanceof Set ? [...value] : value,
    ),
  );
}

describe("parseObject, for anything", () => {
  it("never throws, and refuses with at least one problem or gives an object", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("RoutingPolicy", "Provider", "Tenant", "Router"),
        values,
        values,
        (kind, metadata, spec) => {
          for (const raw of [
            spec,
            { apiVersion: API_VERSION, kind, metadata, spec },
            { apiVersion: API_VERSION, kind, metadata: { name: "a" }, spec },
          ]) {
            const result = parseObject(raw, parseDefaults);
            if (!result.ok)
              assert.ok(
                result.error.length > 0 &&
                  result.error.every(({ message, value = "" }) => message !== "" && value.length <= 200),
              );
          }
        },
      ),
      { numRuns: 1500 },
    );
  });
});

describe("compileTable, for any objects", () => {
  it("does not depend on their order", () => {
    fc.assert(
      fc.property(
        objectLists.chain((objects) =>
          fc.tuple(fc.constant(objects), fc.shuffledSubarray([...objects], { minLength: objects.length })),
        ),
        ([objects, shuffled]) => {
          assert.deepEqual(render(shuffled), render(objects));
        },
      ),
      { numRuns: 400 },
    );
  });

  it("accounts for every policy: in the table, or rejected", () => {
    fc.assert(
      fc.property(objectLists, (objects) => {
        const { table, problems } = compileTable(objects);
        const rejected = new Set(
          problems.filter((problem) => problem.kind === "RoutingPolicy" && problem.rejected).map(({ uid }) => uid),
        );
        const all = objects.filter(({ kind }) => kind === "RoutingPolicy");
        assert.equal(table.policyCount, all.length - rejected.size);
      }),
      { numRuns: 400 },
    );
  });
});

describe("compileExpression, for any text", () => {
  const pieces = fc.constantFrom(
    "message",
    ".id",
    ".metadata",
    "context",
    "['a']",
    "(",
    ")",
    "==",
    "&&",
    "||",
    "!",
    "'x'",
    "1",
    "true",
    "in",
    "has(",
    ".all(k,",
    "?",
    ":",
    "[",
    "]",
    "+",
    "\n",
    "//",
    "\\",
    '"',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 40 }).map((parts) => parts.join(" ")),
  );
  const input: ExpressionInput = {
    message: { id: "m", type: "t", metadata: {}, payload_size: 1 },
    context: { a: "x" },
    tenant: { id: "t" },
  };

  it("never throws, neither compiling nor evaluating", () => {
    fc.assert(
      fc.property(texts, (text) => {
        const compiled = compileExpression(text);
        if (!compiled.ok) assert.ok(compiled.error.line >= 1 && compiled.error.column >= 1);
        else assert.equal(typeof compiled.value.evaluate(input).ok, "boolean");
      }),
      { numRuns: 2000 },
    );
  });
});
