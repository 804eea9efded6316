// Verdicts taken one by one, in whatever batches, leave what the last of them leave when taken at once.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  applyVerdicts,
  livenessVersion,
  NOTHING_REGISTERED,
  type ProcessorVerdict,
  type ProviderLiveness,
  processorsOf,
} from "../../core/registry/provider-liveness.ts";
import { ownersOfProvider } from "../../core/registry/provider-owners.ts";

const key = fc.constantFrom(...["a", "b", "c", "d", "e"].map((id) => `processor/${id}`), "source/a", "consumer/b");
const verdict: fc.Arbitrary<ProcessorVerdict | undefined> = fc.option(
  fc.record(
    {
      kind: fc.constant("processor" as const),
      liveness: fc.constantFrom("live", "late", "lost"),
      reported: fc.constantFrom("UNKNOWN", "STARTING", "HEALTHY", "UNHEALTHY", "STOPPING"),
      isCandidate: fc.boolean(),
      provider: fc.constantFrom("demo/one", "demo/two"),
      namespace: fc.constantFrom("demo", "other"),
    },
    { requiredKeys: ["kind", "liveness", "reported", "isCandidate"] },
  ),
  { nil: undefined },
);
const batches = fc.array(fc.array(fc.tuple(key, verdict), { maxLength: 8 }), { maxLength: 12 });

describe("liveness of providers, however verdicts come", () => {
  it("is what the standing verdicts say, worked out from nothing", () => {
    fc.assert(
      fc.property(batches, (all) => {
        let known = NOTHING_REGISTERED;
        const standing = new Map<string, ProcessorVerdict | undefined>();
        for (const batch of all) {
          const before = show(known);
          const next = applyVerdicts(known, batch);
          assert.deepEqual(show(known), before, "what was read does not change");
          known = next;
          for (const [name, said] of batch) standing.set(name, said);
        }
        assert.deepEqual(show(known), show(applyVerdicts(NOTHING_REGISTERED, standing)));
      }),
      { numRuns: 500 },
    );
  });

  it("counts for a Provider who names it, and who has its id and is in its namespace or in none", () => {
    fc.assert(
      fc.property(
        batches,
        fc.constantFrom("a", "b", "demo"),
        fc.constantFrom("demo", "other"),
        (all, id, namespace) => {
          const provider = { key: `${namespace}/one`, providerId: id };
          const known = all.reduce(applyVerdicts, NOTHING_REGISTERED);
          const expected = [...new Map(all.flat())]
            .filter(([name, said]) => {
              if (said === undefined || !name.startsWith("processor/")) return false;
              if (said.provider !== undefined) return said.provider === provider.key;
              return name === `processor/${id}` && (said.namespace ?? namespace) === namespace;
            })
            .map(([name]) => name.slice("processor/".length));
          const found = processorsOf(known, provider);
          assert.deepEqual([...(found?.processors.keys() ?? [])].sort(), expected.sort());
          const { live = 0, late = 0, lost = 0 } = found ?? {};
          assert.equal(live + late + lost, expected.length);
          const keys = ownersOfProvider(provider);
          assert.deepEqual(healthKeys(known, keys), expected.sort());
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

/** Processors under these keys, as decisions look them up. */
function healthKeys({ owners }: ProviderLiveness, keys: readonly string[]): readonly string[] {
  return keys.flatMap((key) => [...(owners.get(key)?.processors.keys() ?? [])]).sort();
}

function show(known: ProviderLiveness): unknown {
  const { owners, ownerOf } = known;
  const sort = <V>(map: ReadonlyMap<string, V>): readonly (readonly [string, V])[] =>
    [...map].sort(([left], [right]) => (left < right ? -1 : 1));
  const shown = sort(owners).map(([owner, { processors, ...rest }]) => ({
    owner,
    ...rest,
    processors: sort(processors),
  }));
  return { shown, ownerOf: sort(ownerOf), version: livenessVersion(known) };
}
