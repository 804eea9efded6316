// Decisions: a golden case, with its explanation, for every stage and every reason to drop a provider.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decide } from "../../../core/decide/decide.ts";
import type {
  DecideErrorCode,
  DecideInput,
  DecideResult,
  DecisionReason,
  DropReason,
  HealthSnapshot,
  ProviderHealth,
} from "../../../core/decide/decision.ts";
import { compileTable } from "../../../core/policy/compile.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import type { ProcessorState } from "../../../core/registry/processor-state.ts";
import { parseDefaults } from "../policy/fixtures.ts";
import { type GoldenCase, readGoldenCases } from "../policy/golden.ts";
import { makeInput } from "./input.ts";

interface DecideCase {
  readonly kind: "DecideCase";
  readonly input: Partial<Omit<DecideInput, "exclude">> & { readonly exclude?: readonly string[] };
  readonly snapshot: Readonly<
    Record<string, Partial<Omit<ProviderHealth, "processors">> & { processors?: Processors }>
  >;
}

/** By id, each as `<liveness>/<reported>`. */
type Processors = Readonly<Record<string, string>>;

const healthy: ProviderHealth = {
  liveness: "live",
  reported: "HEALTHY",
  breaker: "closed",
  domainOpen: false,
  overloaded: false,
};

function runCase({ documents }: GoldenCase): {
  readonly input: DecideInput;
  readonly run: (input: DecideInput) => DecideResult;
} {
  const objects = documents.slice(0, -1).map((document) => {
    const result = parseObject(document, parseDefaults);
    assert.ok(result.ok, JSON.stringify(result));
    return result.value;
  });
  const { input, snapshot: health } = documents.at(-1) as DecideCase;
  const { exclude, ...rest } = input;
  const snapshot: HealthSnapshot = {
    version: "7",
    timeMs: 0,
    followsRegistry: true,
    providers: new Map(Object.entries(health).map(([key, over]) => [key, makeHealth(over)])),
  };
  const { table } = compileTable(objects);
  return {
    input: makeInput({
      tenantId: "demo",
      policyId: "chat",
      explain: true,
      ...rest,
      ...(exclude === undefined ? {} : { exclude: new Set(exclude) }),
    }),
    run: (given) => decide(given, table, snapshot),
  };
}

function makeHealth({ processors, ...over }: DecideCase["snapshot"][string]): ProviderHealth {
  if (processors === undefined) return { ...healthy, ...over };
  const states = Object.entries(processors).map(([id, text]) => {
    const [liveness, reported] = text.split("/") as [ProcessorState["liveness"], ProcessorState["reported"]];
    return [id, { liveness, reported }] as const;
  });
  return { ...healthy, ...over, processors: new Map(states) };
}

function render(result: DecideResult): unknown {
  if (!result.ok) return result;
  const { provider, ...value } = result.value;
  return {
    ...result,
    value: { ...value, provider: provider.name, key: provider.key, providerId: provider.providerId },
  };
}

const cases = readGoldenCases("decide/cases");
const results = cases.map((golden) => {
  const { input, run } = runCase(golden);
  return { golden, input, run, result: run(input) };
});

describe("decide", () => {
  for (const { golden, result } of results) it(golden.name, () => golden.expect(render(result)));

  it("answers the same without an explanation", () => {
    for (const { golden, input, run, result } of results) {
      assert.deepEqual(run({ ...input, explain: false }), { ...result, steps: [] }, golden.name);
    }
  });

  it("has a golden case for every reason, error and dropped provider", () => {
    const reasons: Record<DecisionReason, true> = {
      weighted: true,
      sticky: true,
      rule: true,
      fallback: true,
      retry: true,
    };
    const codes: Record<DecideErrorCode, true> = {
      policy_not_found: true,
      rule_evaluation_failed: true,
      no_provider_available: true,
    };
    const drops: Record<DropReason, true> = {
      drained: true,
      lost: true,
      unregistered: true,
      unhealthy: true,
      breaker_open: true,
      failure_domain_open: true,
      latency_constraint: true,
      cost_constraint: true,
      capability: true,
      overloaded: true,
      excluded: true,
    };
    const all = results.map(({ result }) => result);
    const seenDrops = all.flatMap(({ steps }) =>
      steps.flatMap((step) => (step.stage === "filter" ? step.dropped.map(({ reason }) => reason) : [])),
    );
    assert.deepEqual(
      [...new Set(all.flatMap((result) => (result.ok ? [result.value.reason] : [])))].sort(),
      Object.keys(reasons).sort(),
    );
    assert.deepEqual(
      [...new Set(all.flatMap((result) => (result.ok ? [] : [result.error.code])))].sort(),
      Object.keys(codes).sort(),
    );
    assert.deepEqual([...new Set(seenDrops)].sort(), Object.keys(drops).sort());
  });
});
