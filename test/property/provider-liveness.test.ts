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
} from "../../core/registry/provider-liveness.ts";

const key = fc.constantFrom(...["a", "b", "c", "d", "e"].map((id) => `processor/${id}`), "source/a", "consumer/b");
const verdict: fc.Arbitrary<ProcessorVerdict | undefined> = fc.option(
  fc.record(
    {
      kind: fc.constant("processor" as const),
      liveness: fc.constantFrom("live", "late", "lost"),
      reported: fc.constantFrom("UNKNOWN", "STARTING", "HEALTHY", "UNHEALTHY", "STOPPING"),
      provider: fc.constantFrom("demo/one", "demo/two"),
    },
    { requiredKeys: ["kind", "liveness", "reported"] },
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
});

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
