// The older system's default policy, for a tenant id that is no object name.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { decide } from "../../../core/decide/decide.ts";
import { emptySnapshot } from "../../../core/decide/decision.ts";
import { compileSeedTable } from "../policy/fixtures.ts";
import { makeInput } from "./input.ts";

describe("the older default policy", () => {
  it("serves tenant_abc, and nobody else", () => {
    const { table, problems } = compileSeedTable("tenant_abc");
    assert.deepEqual(problems, []);
    const result = decide(makeInput({ tenantId: "tenant_abc" }), table, emptySnapshot);
    assert.ok(result.ok && ["openai", "anthropic"].includes(result.value.provider.providerId));
    assert.equal(decide(makeInput({ tenantId: "default" }), table, emptySnapshot).ok, false);
  });
});
