// The corpus against the schemas: what `beamline check` and the operator on files say of each object.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { compileTable } from "../../core/policy/compile.ts";
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import { parseObject } from "../../core/policy/parse.ts";
import { API_VERSION, type Schema } from "../../core/policy/schema.ts";
import type { BeamlineObject, ObjectKind } from "../../core/policy/spec.ts";
import { readCorpus } from "./corpus.ts";
import { judgeObject, parseDefaults } from "./judge.ts";
import { listUntouched, listViolations } from "./violations.ts";

const MIN_CASES = 150;
/** Rules of `core/policy/problems.ts` and formats that one object by itself can break. */
const RULES = [
  ...["required", "type", "enum", "unknown_field", "minimum", "maximum", "min_length", "max_length", "min_items"],
  ...["max_items", "min_properties", "duplicate", "invalid", "forbidden", "unknown_provider", "max_properties"],
  ...["label_key", "label_value", "quantity"],
  ...[
    "dns_label",
    "dns_label_40",
    "dns_subdomain",
    "namespace_or_all",
    "tenant_id",
    "policy_id",
    "provider_id",
    "name",
  ],
  ...["message_type", "duration", "decimal", "subject", "subject_pattern", "sticky_key", "nats_url"],
];

function parse(raw: unknown): BeamlineObject {
  const parsed = parseObject(raw, parseDefaults);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

/** Why a policy does not compile, when a Tenant lets its namespace write it. */
function compileProblems(raw: unknown): readonly { readonly reason: string; readonly path: string | undefined }[] {
  const policy = parse(raw);
  assert.ok(policy.kind === "RoutingPolicy");
  const spec = {
    tenantId: policy.spec.tenantId,
    namespaces: [policy.meta.namespace],
    quotas: { rulesPerPolicy: 100, providersPerPolicy: 64 },
  };
  const tenant = parse({ apiVersion: API_VERSION, kind: "Tenant", metadata: { name: "owner" }, spec });
  const { problems } = compileTable([tenant, policy]);
  return problems.filter(({ rejected }) => rejected).map(({ reason, path }) => ({ reason, path }));
}

/** The messages of all rules in CEL below a schema. */
function listRules(schema: Schema): readonly string[] {
  const own = (schema["x-kubernetes-validations"] ?? []).map(({ message }) => message);
  if (!("type" in schema)) return own;
  if (schema.type === "array") return [...own, ...listRules(schema.items)];
  if (schema.type !== "object") return own;
  if ("additionalProperties" in schema) return [...own, ...listRules(schema.additionalProperties)];
  return [...own, ...Object.values(schema.properties ?? {}).flatMap(listRules)];
}

describe("the corpus of objects, judged by core", () => {
  const corpus = readCorpus();

  it(`has at least ${MIN_CASES} cases, both verdicts for each kind, and a refusal by each rule`, () => {
    assert.ok(corpus.length >= MIN_CASES, `${corpus.length} cases`);
    for (const kind of Object.keys(objectDefinitions) as ObjectKind[]) {
      const verdicts = new Set(
        corpus.filter((each) => each.kind === kind).map(({ refused }) => (refused === undefined ? "takes" : "refuses")),
      );
      assert.deepEqual([...verdicts].sort(), ["refuses", "takes"], kind);
    }
    const rules = new Set(corpus.map(({ refused }) => refused?.rule));
    assert.deepEqual(
      RULES.filter((rule) => !rules.has(rule)),
      [],
    );
  });

  for (const each of corpus) {
    it(`${each.refused === undefined ? "takes" : "refuses"} ${each.file} ${each.name}`, () => {
      const problems = judgeObject(each);
      assert.deepEqual(
        problems.map(({ path, rule }) => ({ rule, path })),
        each.refused === undefined ? [] : [each.refused],
        JSON.stringify(problems),
      );
      if (each.kind !== "RoutingPolicy" || problems.length > 0) return;
      const { uncompiled } = each;
      const expected = uncompiled === undefined ? [] : [{ reason: "InvalidExpression", path: uncompiled }];
      assert.deepEqual(compileProblems(each.object), expected);
    });
  }
});

describe("every constraint of every field, judged by core", () => {
  it("has a violation of every field but the alternative in each pipeline step", () => {
    const untouched = (Object.keys(objectDefinitions) as ObjectKind[]).flatMap(listUntouched);
    const alternatives = ["pre[].subject", "validators[].subject", "post[].processor"];
    assert.deepEqual(
      untouched,
      alternatives.map((path) => `spec.pipeline.${path}`),
    );
  });

  it("refuses each, naming the rule and the path", () => {
    for (const each of listViolations()) {
      const problems = judgeObject(each).map(({ path, rule }) => ({ rule, path }));
      assert.deepEqual(problems, [each.refused], JSON.stringify(each.object));
    }
  });

  it("has a case for every rule in CEL", () => {
    const messages = new Set(readCorpus().flatMap((each) => judgeObject(each).map(({ message }) => message)));
    const missing = Object.values(objectDefinitions).flatMap(({ schema }) =>
      // Rules on the whole object are about its name, which parsing explains as a format.
      Object.values(schema.properties ?? {}).flatMap((part) => listRules(part).filter((text) => !messages.has(text))),
    );
    assert.deepEqual(missing, []);
  });
});
