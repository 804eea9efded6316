// What RouterAdmin makes of a policy, and how it refuses one.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { AdminPolicy } from "../../../core/admin/admin-policy.ts";
import { fromRoutingPolicy } from "../../../core/admin/from-object.ts";
import { objectNameOf } from "../../../core/admin/object-name.ts";
import { toRoutingPolicy } from "../../../core/admin/to-object.ts";
import { scaleWeights } from "../../../core/admin/weights.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const place = {
  tenantId: "acme",
  namespace: "team-a",
  name: "chat",
  providerObjects: new Map([["local_llm", "local"]]),
};
const defaults = { namespace: "team-a", routerRef: { namespace: "beamline-system", name: "default" } };
const chat: AdminPolicy = {
  policyId: "chat",
  providers: [
    { id: "openai", weight: 0.7 },
    { id: "local_llm", weight: 0.3 },
  ],
  sticky: true,
  rules: [{ match: "message.metadata.tier == 'gold'", prefer: ["openai"], fallback: "local_llm" }],
};

function problemsOf(change: Partial<AdminPolicy>, tenantId = "acme"): readonly string[] {
  const result = toRoutingPolicy({ ...chat, ...change }, { ...place, tenantId });
  assert.ok(!result.ok);
  return result.error.map(({ field, rule }) => `${field} ${rule}`);
}

describe("RouterAdmin's policies as objects", () => {
  it("say exactly what the policy says", () => {
    const manifest = toRoutingPolicy(chat, place);
    assert.deepEqual(manifest, {
      ok: true,
      value: {
        apiVersion: "beamline.dev/v1alpha1",
        kind: "RoutingPolicy",
        metadata: {
          namespace: "team-a",
          name: "chat",
          annotations: { "beamline.dev/admin-policy": '{"weights":{"openai":0.7,"local_llm":0.3}}' },
        },
        spec: {
          policyId: "chat",
          tenantId: "acme",
          providers: [
            { name: "openai", weight: 7 },
            { name: "local_llm", weight: 3, ref: { name: "local" } },
          ],
          rules: [
            { name: "rule-1", when: "message.metadata.tier == 'gold'", prefer: ["openai"], fallback: "local_llm" },
          ],
          sticky: { key: "context.session_id" },
        },
      },
    });
  });

  it("keep small decimals and integers exactly, and others to a millionth", () => {
    assert.deepEqual(scaleWeights([70, 30]), [70, 30]);
    assert.deepEqual(scaleWeights([0.07, 0.93]), [7, 93]);
    assert.deepEqual(scaleWeights([2 / 3, 1 / 3]), [1_000_000, 500_000]);
    assert.deepEqual(scaleWeights([2_000_000, 1]), [1_000_000, 1]);
    assert.deepEqual(scaleWeights([0, 0]), [0, 0]);
  });

  it("show the weights of the object once somebody changed them", () => {
    const manifest = toRoutingPolicy(chat, place);
    assert.ok(manifest.ok);
    const { metadata, spec } = manifest.value;
    const changed = {
      ...manifest.value,
      spec: {
        ...spec,
        providers: [
          { name: "openai", weight: 8 },
          { name: "local_llm", weight: 3, ref: { name: "x" } },
        ],
      },
    };
    const parsed = parseObject(changed, defaults);
    assert.ok(parsed.ok && parsed.value.kind === "RoutingPolicy");
    assert.deepEqual(
      fromRoutingPolicy(parsed.value, metadata).providers.map(({ weight }) => weight),
      [8, 3],
    );
  });

  it("take an annotation that is none of ours for nothing", () => {
    const manifest = toRoutingPolicy(chat, place);
    assert.ok(manifest.ok);
    const parsed = parseObject(manifest.value, defaults);
    assert.ok(parsed.ok && parsed.value.kind === "RoutingPolicy");
    for (const text of ["", "{", "[]", '{"weights":1}', '{"weights":{"openai":-1}}', '{"weights":{"a":7,"b":3}}']) {
      const metadata = { annotations: { "beamline.dev/admin-policy": text } };
      const { providers } = fromRoutingPolicy(parsed.value, metadata);
      assert.deepEqual(
        providers.map(({ weight }) => weight),
        [7, 3],
        text,
      );
    }
  });

  const refused: readonly [string, Partial<AdminPolicy>, string[]][] = [
    ["no id", { policyId: "" }, ["policy.policy_id policy_id"]],
    ["no provider", { providers: [], rules: [] }, ["policy.providers min_items"]],
    ["a weight that is no number", weights(Number.NaN), ["policy.providers[1].weight weight"]],
    ["a weight below 0", weights(-0.1), ["policy.providers[1].weight weight"]],
    ["a weight without end", weights(Number.POSITIVE_INFINITY), ["policy.providers[1].weight weight"]],
    ["a provider without an id", ids("openai", ""), ["policy.providers[1].id name"]],
    ["a provider that is there twice", ids("openai", "openai"), ["policy.providers[1].id duplicate"]],
    ["an id that names no object", ids("openai", "no_object"), ["policy.providers[1].id invalid"]],
    ["too many providers", ids(...Array.from({ length: 65 }, (_, n) => `p${n}`)), ["policy.providers max_items"]],
    ["a rule without a condition", rule({ match: "" }), ["policy.rules[0].match min_length"]],
    ["a condition that does not compile", rule({ match: "message.nothing ==" }), ["policy.rules[0].match expression"]],
    ["a rule that prefers a stranger", rule({ prefer: ["nobody"] }), ["policy.rules[0].prefer[0] unknown_provider"]],
    [
      "a rule that falls back on a stranger",
      rule({ fallback: "nobody" }),
      ["policy.rules[0].fallback unknown_provider"],
    ],
    [
      "two things at once",
      { policyId: "", ...weights(-1) },
      ["policy.providers[1].weight weight", "policy.policy_id policy_id"],
    ],
  ];
  for (const [what, change, problems] of refused) {
    it(`are refused with the field for ${what}`, () => assert.deepEqual(problemsOf(change), problems));
  }

  it("are refused with the field for a tenant that can be none", () => {
    assert.deepEqual(problemsOf({}, "a b"), ["tenant_id tenant_id"]);
  });

  it("have readable names", () => {
    assert.equal(objectNameOf(nodeCodec, "chat"), "chat");
    assert.match(objectNameOf(nodeCodec, "chat_v2"), /^chat-v2-[0-9a-f]{16}$/);
  });
});

function weights(weight: number): Partial<AdminPolicy> {
  return {
    providers: [
      { id: "openai", weight: 1 },
      { id: "local_llm", weight },
    ],
  };
}

function ids(...names: string[]): Partial<AdminPolicy> {
  return { providers: names.map((id) => ({ id, weight: 1 })), rules: [] };
}

function rule(change: Partial<AdminPolicy["rules"][number]>): Partial<AdminPolicy> {
  return { rules: [{ match: "true", prefer: [], fallback: "", ...change }] };
}
