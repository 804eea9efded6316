// Entries become a table: what cannot be compiled is served as it last was, and takes nothing else with it.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { applyChanges, tableFromEntries } from "../../../core/config/apply.ts";
import type { ConfigEntry, StagedEntry } from "../../../core/config/entry.ts";
import { encodeEntry } from "../../../core/config/entry-value.ts";
import { entryKey, policyKey } from "../../../core/config/keys.ts";
import { findPolicy } from "../../../core/policy/table.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const router = { namespace: "beamline-system", name: "default" };
const GOOD = { providers: [{ name: "openai" }] };
const BETTER = { providers: [{ name: "openai" }, { name: "anthropic" }] };
const BAD = { providers: [{ name: "openai" }], rules: [{ name: "r", when: "message.size > 1", prefer: ["openai"] }] };

function entry(name: string, current: unknown, more: Partial<ConfigEntry> = {}): ConfigEntry {
  return {
    kind: "RoutingPolicy",
    namespace: "demo",
    name,
    uid: `uid-${name}`,
    generation: 2,
    creationMs: 5,
    current,
    ...more,
  };
}

function staged(entries: readonly ConfigEntry[]): StagedEntry[] {
  return entries.map((one) => ({ key: entryKey(router, one), value: encodeEntry(nodeCodec, one), sequence: 1 }));
}

function apply(entries: readonly ConfigEntry[]) {
  return tableFromEntries(staged(entries), { codec: nodeCodec, router });
}

describe("table from entries", () => {
  it("serves what compiles, under the identity in the bucket", () => {
    const { table, rejected } = apply([entry("chat", GOOD)]);
    assert.deepEqual(rejected, []);
    const { meta } = findPolicy(table, "demo", "chat") ?? {};
    assert.deepEqual(meta, { namespace: "demo", name: "chat", uid: "uid-chat", generation: 2, creationMs: 5 });
  });

  it("serves the last good spec of what does not compile, and rejects the generation", () => {
    const { table, rejected } = apply([
      entry("chat", BAD, { lastGood: { generation: 1, spec: BETTER } }),
      entry("other", GOOD),
    ]);
    assert.equal(findPolicy(table, "demo", "chat")?.meta.generation, 1);
    assert.equal(findPolicy(table, "demo", "chat")?.providers.length, 2);
    assert.equal(findPolicy(table, "demo", "other")?.meta.generation, 2);
    assert.deepEqual(
      rejected.map(({ key, uid, generation }) => ({ key, uid, generation })),
      [{ key: policyKey(router, "demo", "chat"), uid: "uid-chat", generation: 2 }],
    );
    assert.match(rejected[0]?.reason ?? "", /^InvalidExpression: /);
  });

  it("serves nothing of an object when neither spec compiles", () => {
    const { table, rejected } = apply([entry("chat", { providers: [] }, { lastGood: { generation: 1, spec: BAD } })]);
    assert.equal(findPolicy(table, "demo", "chat"), undefined);
    assert.equal(rejected.length, 1);
    assert.match(rejected[0]?.reason ?? "", /^spec\.providers: /);
  });

  it("rejects entries that cannot be read, and those of another object than their key", () => {
    const key = policyKey(router, "demo", "chat");
    const values = [nodeCodec.encodeUtf8("{"), encodeEntry(nodeCodec, entry("other", GOOD))];
    for (const value of values) {
      const { table, rejected } = tableFromEntries([{ key, value, sequence: 1 }], { codec: nodeCodec, router });
      assert.equal(table.policyCount, 0);
      assert.deepEqual(rejected, [{ key, uid: "", generation: 0, reason: "the entry cannot be read" }]);
    }
  });

  it("lets the older of two policies with one id stand, the other falls back", () => {
    const older = entry("older", { ...GOOD, policyId: "chat" }, { creationMs: 1 });
    const younger = entry(
      "younger",
      { ...GOOD, policyId: "chat" },
      { lastGood: { generation: 1, spec: { ...GOOD, policyId: "mine" } } },
    );
    const { table, rejected } = apply([younger, older]);
    assert.equal(findPolicy(table, "demo", "chat")?.meta.name, "older");
    assert.equal(findPolicy(table, "demo", "mine")?.meta.name, "younger");
    assert.match(rejected[0]?.reason ?? "", /^Conflict: /);
  });

  it("compiles only what has changed since the call before, and gives the same table", () => {
    const first = apply([entry("chat", GOOD), entry("other", GOOD), entry("gone", BAD)]);
    assert.equal(first.rejected.length, 1);
    const [chat] = staged([entry("chat", BETTER, { generation: 3 })]);
    assert.ok(chat !== undefined);
    const changes = new Map([
      [chat.key, chat],
      [policyKey(router, "demo", "gone"), undefined],
    ]);
    const second = applyChanges(first, { changes, isWhole: false }, { codec: nodeCodec, router });
    assert.equal(findPolicy(second.table, "demo", "other"), findPolicy(first.table, "demo", "other"));
    assert.equal(findPolicy(second.table, "demo", "chat")?.providers.length, 2);
    assert.deepEqual(second.rejected, []);
    const third = applyChanges(
      second,
      { changes: new Map([[chat.key, chat]]), isWhole: true },
      { codec: nodeCodec, router },
    );
    assert.equal(findPolicy(third.table, "demo", "chat"), findPolicy(second.table, "demo", "chat"), "the same bytes");
    assert.equal(third.table.policyCount, 1, "what a whole set does not hold is gone");
  });

  it("takes tenants and providers", () => {
    const tenant: ConfigEntry = { ...entry("acme", { namespaces: ["demo"] }), kind: "Tenant", namespace: "" };
    const provider: ConfigEntry = { ...entry("openai", { providerId: "open_ai" }), kind: "Provider" };
    const { table, rejected } = apply([tenant, provider, entry("chat", { ...GOOD, tenantId: "acme" })]);
    assert.deepEqual(rejected, []);
    assert.equal(findPolicy(table, "acme", "chat")?.providers[0]?.providerId, "open_ai");
  });
});
