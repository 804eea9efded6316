// What must hold between a policy of RouterAdmin and the RoutingPolicy that it becomes.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import type { AdminPolicy } from "../../core/admin/admin-policy.ts";
import { fromRoutingPolicy } from "../../core/admin/from-object.ts";
import { objectNameOf } from "../../core/admin/object-name.ts";
import { toRoutingPolicy } from "../../core/admin/to-object.ts";
import { scaleWeights } from "../../core/admin/weights.ts";
import { parseObject } from "../../core/policy/parse.ts";
import { dnsSubdomain, isFormat, policyId } from "../../core/policy/schema-formats.ts";
import { nodeCodec } from "../../runtime/bytes.ts";

const place = {
  tenantId: "acme",
  namespace: "acme",
  name: "policy",
  providerObjects: new Map([["local_llm", "local"]]),
};
const defaults = { namespace: "acme", routerRef: { namespace: "beamline-system", name: "default" } };

const ids = fc.uniqueArray(fc.constantFrom("openai", "anthropic", "local_llm", "a", "b-2"), { minLength: 1 });
/** Minus zero is zero. */
const weight = fc.oneof(
  fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.integer({ min: 0, max: 2_000_000 }),
  fc.integer({ min: 0, max: 100 }).map((percent) => percent / 100),
  fc.constantFrom(Number.MIN_VALUE, Number.MAX_VALUE, 1 / 3, 0),
);
const policies: fc.Arbitrary<AdminPolicy> = ids.chain((providers) =>
  fc.record({
    policyId: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,30}$/),
    providers: fc
      .array(weight, { minLength: providers.length, maxLength: providers.length })
      .map((weights) => providers.map((id, index) => ({ id, weight: weights[index] ?? 0 }))),
    sticky: fc.boolean(),
    rules: fc.array(
      fc.record({
        match: fc.constantFrom("true", "message.type == 'chat'", "has(message.metadata.tier)"),
        prefer: fc.subarray(providers),
        fallback: fc.constantFrom("", ...providers),
      }),
      { maxLength: 6 },
    ),
  }),
);

/** The policy as it is read back: through JSON, as a server keeps it. */
function readBack(policy: AdminPolicy): AdminPolicy {
  const manifest = toRoutingPolicy(policy, place);
  assert.ok(manifest.ok, JSON.stringify(manifest));
  const stored = JSON.parse(JSON.stringify(manifest.value));
  const parsed = parseObject(stored, defaults);
  assert.ok(parsed.ok && parsed.value.kind === "RoutingPolicy", JSON.stringify(parsed));
  return fromRoutingPolicy(parsed.value, stored.metadata);
}

describe("policies of RouterAdmin", () => {
  it("are read as they were put", () => {
    fc.assert(
      fc.property(policies, (policy) => assert.deepEqual(readBack(policy), JSON.parse(JSON.stringify(policy)))),
    );
  });

  it("keep each weight to a millionth of the largest, and nothing but 0 becomes 0", () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 64 }), (weights) => {
        const scaled = scaleWeights(weights);
        const [largest, largestScaled] = [Math.max(...weights), Math.max(...scaled)];
        for (const [index, value] of scaled.entries()) {
          assert.ok(Number.isInteger(value) && value >= 0 && value <= 1_000_000, `${value}`);
          const original = weights[index] ?? 0;
          assert.equal(value === 0, original === 0);
          if (largest > 0) assert.ok(Math.abs(value / largestScaled - original / largest) <= 1e-6);
        }
      }),
    );
  });

  it("have names that are those of objects, and different ones for different ids", () => {
    const id = fc.oneof(
      fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/),
      fc.constantFrom("chat_v2", "chat-v2", "Chat-v2", "chat.v2", "___", "a-0123456789abcdef"),
    );
    fc.assert(
      fc.property(id, id, (left, right) => {
        assert.ok(isFormat(policyId, left));
        const names = [left, right].map((one) => objectNameOf(nodeCodec, one));
        for (const name of names) assert.ok(isFormat(dnsSubdomain, name), name);
        assert.equal(names[0] === names[1], left === right);
      }),
    );
  });

  it("are judged, whatever they hold, without a throw", () => {
    const anything = fc.record({
      policyId: fc.string(),
      providers: fc.array(fc.record({ id: fc.string(), weight: fc.double() }), { maxLength: 70 }),
      sticky: fc.boolean(),
      rules: fc.array(fc.record({ match: fc.string(), prefer: fc.array(fc.string()), fallback: fc.string() }), {
        maxLength: 110,
      }),
    });
    fc.assert(
      fc.property(anything, fc.string(), (policy, tenantId) => {
        const result = toRoutingPolicy(policy, { ...place, tenantId });
        if (!result.ok) for (const { field } of result.error) assert.match(field, /^(?:policy|tenant_id)/);
      }),
    );
  });
});
