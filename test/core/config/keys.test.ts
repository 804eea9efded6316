// Key names are a wire contract: an operator and a router of different versions must agree on them.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  ackKey,
  entryKey,
  fileObjectKey,
  headKey,
  parseConfigKey,
  policyKey,
  providerKey,
  routerKeyPattern,
  tenantKey,
} from "../../../core/config/keys.ts";

const router = { namespace: "beamline-system", name: "default" };

describe("keys of the configuration bucket", () => {
  it("are spelled as the contract says", () => {
    assert.equal(policyKey(router, "demo", "chat"), "beamline-system.default.policy.demo.chat");
    assert.equal(providerKey(router, "demo", "openai"), "beamline-system.default.provider.demo.openai");
    assert.equal(tenantKey(router, "acme"), "beamline-system.default.tenant.acme");
    assert.equal(headKey(router), "beamline-system.default.head");
    assert.equal(ackKey(router, "router-0"), "beamline-system.default.router-0");
    assert.equal(routerKeyPattern(router), "beamline-system.default.>");
    assert.equal(fileObjectKey({ kind: "Tenant", namespace: "", name: "acme" }), "_files.Tenant._.acme");
    assert.equal(fileObjectKey({ kind: "Provider", namespace: "demo", name: "openai" }), "_files.Provider.demo.openai");
  });

  it("read back to what they were made of, dots in names included", () => {
    for (const name of ["chat", "chat.v1", "a.b.c"]) {
      const policy = { kind: "RoutingPolicy", namespace: "demo", name } as const;
      assert.deepEqual(parseConfigKey(router, entryKey(router, policy)), policy);
      const provider = { kind: "Provider", namespace: "demo", name } as const;
      assert.deepEqual(parseConfigKey(router, entryKey(router, provider)), provider);
      const tenant = entryKey(router, { kind: "Tenant", namespace: "", name });
      assert.deepEqual(parseConfigKey(router, tenant), { kind: "Tenant", name });
    }
    assert.deepEqual(parseConfigKey(router, headKey(router)), { kind: "head" });
  });

  it("of another router, or of no kind that is known, are not read", () => {
    const strangers = [
      policyKey({ namespace: "beamline-system", name: "other" }, "demo", "chat"),
      "beamline-system.default.policy.demo",
      "beamline-system.default.policy",
      "beamline-system.default.session.demo.chat",
      "beamline-system.default",
      "beamline-system.default.tenant.",
      "beamline-system.default.policy.demo.a..b",
      "_bus.owner",
      "",
    ];
    for (const key of strangers) assert.equal(parseConfigKey(router, key), undefined, key);
  });

  it("of two routers never meet, whatever DNS labels they have", () => {
    const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    const key = fc.record({ namespace: label, name: label });
    fc.assert(
      fc.property(key, key, label, label, (left, right, namespace, name) => {
        fc.pre(left.namespace !== right.namespace || left.name !== right.name);
        assert.equal(parseConfigKey(left, policyKey(right, namespace, name)), undefined);
        assert.equal(parseConfigKey(left, headKey(right)), undefined);
      }),
      { numRuns: 500 },
    );
  });
});
