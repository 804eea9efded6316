// Random ids: their form, and that none comes twice over many pools.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { newRandomId } from "../../router/random-id.ts";

describe("newRandomId", () => {
  it("gives 32 hex characters, never twice", () => {
    const ids = Array.from({ length: 10_000 }, newRandomId);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
  });
});
