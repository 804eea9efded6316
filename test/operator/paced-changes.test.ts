// The pace of changes: at once after a pause, then once a period, and none forgotten.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { PacedChanges } from "../../operator/paced-changes.ts";

const PERIOD_MS = 10_000;

describe("the pace of changes", () => {
  it("lets a key through at once, and what follows of it after the period", () => {
    const pace = new PacedChanges<string>(PERIOD_MS);
    pace.add(["a", "b"]);
    assert.deepEqual(pace.take(0), { ready: ["a", "b"], nextMs: undefined });
    pace.add(["a"]);
    assert.deepEqual(pace.take(1_000), { ready: [], nextMs: 9_000 });
    pace.add(["a", "c"]);
    assert.deepEqual(pace.take(4_000), { ready: ["c"], nextMs: 6_000 });
    assert.deepEqual(pace.take(PERIOD_MS), { ready: ["a"], nextMs: undefined });
    pace.add(["a", "b"]);
    assert.deepEqual(pace.take(12_000), { ready: ["b"], nextMs: 8_000 });
    assert.deepEqual(pace.take(20_000), { ready: ["a"], nextMs: undefined });
  });
});
