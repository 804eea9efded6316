// What must hold of every decision: shares, minimal movement, agreement of replicas, no throwing.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { decide } from "../../core/decide/decide.ts";
import {
  type DecideInput,
  emptySnapshot,
  type HealthSnapshot,
  type ProviderHealth,
} from "../../core/decide/decision.ts";
import type { RoutingTable } from "../../core/policy/table.ts";
import { makeInput } from "../core/decide/input.ts";
import { compileWritten, type WrittenObject } from "../core/policy/fixtures.ts";

const KEYS = 100_000;
const ONE_POINT = 0.01;

interface Weighted {
  readonly name: string;
  readonly weight: number;
  readonly priority?: number;
}

function writePolicy(providers: readonly Weighted[], more: object = {}): WrittenObject {
  return { kind: "RoutingPolicy", name: "default", spec: { providers, ...more } };
}

function compilePolicy(providers: readonly Weighted[]): RoutingTable {
  return compileWritten([writePolicy(providers)]).table;
}

function choose(table: RoutingTable, pickKey: string, snapshot: HealthSnapshot = emptySnapshot): string {
  const result = decide(makeInput({ pickKey }), table, snapshot);
  return result.ok ? result.value.provider.name : result.error.code;
}

function chooseAll(table: RoutingTable, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => choose(table, `effect-${index}`));
}

function countMoved(left: readonly string[], right: readonly string[]): number {
  return left.filter((name, index) => name !== right[index]).length;
}

const weighted = fc.uniqueArray(
  fc.record({ name: fc.constantFrom("a", "b", "c", "d", "e", "f"), weight: fc.integer({ min: 1, max: 1000 }) }),
  {
    selector: ({ name }) => name,
    minLength: 2,
    maxLength: 6,
  },
);

const health: fc.Arbitrary<ProviderHealth> = fc.record({
  liveness: fc.constantFrom("live", "late", "lost", "unknown"),
  reported: fc.constantFrom("HEALTHY", "UNHEALTHY", "STOPPING", "STARTING", "UNKNOWN"),
  breaker: fc.constantFrom("closed", "open", "half_open"),
  domainOpen: fc.boolean(),
  overloaded: fc.boolean(),
});

const snapshots: fc.Arbitrary<HealthSnapshot> = fc
  .dictionary(fc.constantFrom("a", "b", "c", "d", "e", "f"), health)
  .map((byName) => ({
    version: "1",
    timeMs: 0,
    followsRegistry: false,
    providers: new Map(Object.entries(byName).map(([name, value]) => [`default/${name}`, value])),
  }));

describe("decide, for every policy and key", () => {
  it("gives each provider its share within one percentage point over 100,000 keys", () => {
    for (const providers of [
      [
        { name: "a", weight: 70 },
        { name: "b", weight: 30 },
      ],
      [
        { name: "a", weight: 1 },
        { name: "b", weight: 1 },
        { name: "c", weight: 1 },
      ],
      [
        { name: "a", weight: 1_000_000 },
        { name: "b", weight: 250_000 },
        { name: "c", weight: 50_000 },
        { name: "d", weight: 1 },
      ],
    ]) {
      const total = providers.reduce((sum, { weight }) => sum + weight, 0);
      const chosen = chooseAll(compilePolicy(providers), KEYS);
      for (const { name, weight } of providers) {
        const share = chosen.filter((other) => other === name).length / KEYS;
        assert.ok(Math.abs(share - weight / total) < ONE_POINT, `${name}: ${share} of ${weight / total}`);
      }
    }
  });

  it("moves 20 % of the keys from 70/30 to 50/50, and only in one direction", () => {
    const before = chooseAll(
      compilePolicy([
        { name: "a", weight: 70 },
        { name: "b", weight: 30 },
      ]),
      KEYS,
    );
    const after = chooseAll(
      compilePolicy([
        { name: "a", weight: 50 },
        { name: "b", weight: 50 },
      ]),
      KEYS,
    );
    assert.ok(Math.abs(countMoved(before, after) / KEYS - 0.2) < ONE_POINT);
    assert.ok(before.every((name, index) => name === "a" || after[index] === "b"));
  });

  it("moves only the keys of a provider that leaves", () => {
    fc.assert(
      fc.property(weighted, fc.array(fc.string(), { maxLength: 50 }), (providers, keys) => {
        const [gone, ...rest] = providers;
        const [before, after] = [compilePolicy(providers), compilePolicy(rest)];
        for (const key of keys) {
          const chosen = choose(before, key);
          if (chosen !== gone?.name) assert.equal(choose(after, key), chosen);
        }
      }),
      { numRuns: 100 },
    );
  });

  it("moves no key when all weights are scaled", () => {
    fc.assert(
      fc.property(
        weighted,
        fc.integer({ min: 2, max: 1000 }),
        fc.array(fc.string(), { maxLength: 50 }),
        (providers, factor, keys) => {
          const scaled = compilePolicy(providers.map(({ name, weight }) => ({ name, weight: weight * factor })));
          const table = compilePolicy(providers);
          for (const key of keys) assert.equal(choose(scaled, key), choose(table, key));
        },
      ),
      { numRuns: 100 },
    );
  });

  it("brings a key back when its provider recovers, and spares those of the others meanwhile", () => {
    fc.assert(
      fc.property(weighted, fc.string(), fc.constantFrom("a", "b", "c"), (providers, key, sick) => {
        const table = compilePolicy(providers);
        const open: ProviderHealth = {
          liveness: "live",
          reported: "HEALTHY",
          breaker: "open",
          domainOpen: false,
          overloaded: false,
        };
        const snapshot: HealthSnapshot = { ...emptySnapshot, providers: new Map([[`default/${sick}`, open]]) };
        const chosen = choose(table, key);
        const meanwhile = choose(table, key, snapshot);
        assert.equal(meanwhile === chosen, chosen !== sick);
        assert.equal(choose(table, key), chosen);
      }),
      { numRuns: 200 },
    );
  });

  it("answers the same on every replica: another process's table, providers written in another order", () => {
    const policy = fc.uniqueArray(
      fc.record({
        name: fc.constantFrom("a", "b", "c", "d", "e", "f"),
        weight: fc.integer({ min: 0, max: 9 }),
        priority: fc.integer({ min: 0, max: 2 }),
      }),
      { selector: ({ name }) => name, minLength: 1 },
    );
    fc.assert(
      fc.property(
        policy.chain((providers) =>
          fc.tuple(fc.constant(providers), fc.shuffledSubarray(providers, { minLength: providers.length })),
        ),
        snapshots,
        fc.string(),
        ([left, right], snapshot, key) => {
          assert.equal(choose(compilePolicy(left), key, snapshot), choose(compilePolicy(right), key, snapshot));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("never throws and never chooses a provider that was dropped", () => {
    const rules = [
      { name: "gold", when: "message.metadata.tier == 'gold'", prefer: ["a"], fallback: "b", onError: "Skip" },
      { name: "any", when: "context.exists(k, context[k] == '')", prefer: ["b", "a"], onError: "Reject" },
    ];
    const { table } = compileWritten([
      writePolicy(
        [
          { name: "a", weight: 3 },
          { name: "b", weight: 1, priority: 1 },
        ],
        { rules, sticky: { key: "context.s" } },
      ),
    ]);
    const texts = fc.dictionary(
      fc.oneof(fc.constantFrom("s", "tier", "__proto__", "constructor"), fc.string()),
      fc.oneof(fc.constantFrom("gold", ""), fc.string()),
    );
    const inputs: fc.Arbitrary<DecideInput> = fc
      .record({
        messageId: fc.string(),
        messageType: fc.string(),
        payloadBytes: fc.nat(),
        metadata: texts,
        context: texts,
        pickKey: fc.string(),
        attempt: fc.integer({ min: 1, max: 9 }),
      })
      .map((over) => makeInput({ ...over, explain: true }));
    fc.assert(
      fc.property(inputs, snapshots, (input, snapshot) => {
        const result = decide(input, table, snapshot);
        const filter = result.steps.find((step) => step.stage === "filter");
        if (result.ok) assert.ok(filter?.stage === "filter" && filter.kept.includes(result.value.provider.name));
        else if (result.error.code === "no_provider_available")
          assert.ok(filter?.stage === "filter" && filter.kept.length === 0);
      }),
      { numRuns: 1000 },
    );
  });
});
