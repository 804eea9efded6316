// The persistent array against an ordinary one, over lengths that need another level of the tree.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { MAX_PLACES, PersistentArray } from "../../core/persistent-array.ts";

const index = fc.oneof(
  fc.nat(40),
  fc.nat(1_100),
  fc.nat(40_000),
  fc.constantFrom(31, 32, 1_023, 1_024, 32_767, 32_768, MAX_PLACES - 1),
);
const change = fc.tuple(index, fc.option(fc.nat(), { nil: undefined }));

describe("persistent array", () => {
  it("holds what was set last, in every version of it", () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const plain = new Map<number, number | undefined>();
        const versions: (readonly [array: PersistentArray<number>, plain: ReadonlyMap<number, number | undefined>])[] =
          [];
        let array = PersistentArray.empty<number>();
        for (const [place, value] of changes) {
          array = array.set(place, value);
          plain.set(place, value);
          versions.push([array, new Map(plain)]);
        }
        for (const [version, expected] of versions) {
          for (const [place] of changes) assert.equal(version.get(place), expected.get(place));
          assert.equal(version.length, Math.max(...expected.keys()) + 1);
        }
      }),
    );
  });

  it("gives its values in the order of places, without those that are not set", () => {
    const array = PersistentArray.empty<string>().set(40, "c").set(0, "a").set(33, "b").set(2, "x").set(2, undefined);
    assert.deepEqual([...array.values()], ["a", "b", "c"]);
    assert.deepEqual([...PersistentArray.empty().values()], []);
  });

  it("refuses places that it cannot have", () => {
    for (const place of [-1, 0.5, MAX_PLACES]) assert.throws(() => PersistentArray.empty().set(place, 1), RangeError);
    for (const place of [-1, 1]) assert.equal(PersistentArray.empty().set(0, 1).get(place), undefined);
  });
});
