// Parsing: a golden case for every problem, and what parsing must hold for any object.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseObject } from "../../../core/policy/parse.ts";
import { DEFAULT_LIMITS, listPartiallySupported } from "../../../core/policy/partially-supported.ts";
import { parseDefaults } from "./fixtures.ts";
import { readGoldenCases } from "./golden.ts";

const cases = readGoldenCases("policy/parse");

describe("parseObject", () => {
  for (const { name, documents, expect } of cases) {
    it(name, () => {
      const result = parseObject(documents[0], parseDefaults);
      if (name.startsWith("valid-")) assert.ok(result.ok, JSON.stringify(result));
      else assert.ok(!result.ok);
      expect(
        result.ok
          ? { object: result.value, partiallySupported: listPartiallySupported(result.value) }
          : { problems: result.error },
      );
    });
  }

  it("has a golden case for every rule that a problem can name", () => {
    const rules = new Set<string>();
    for (const { documents } of cases) {
      const result = parseObject(documents[0], parseDefaults);
      if (!result.ok) for (const { rule } of result.error) rules.add(rule);
    }
    const required = [
      ...["required", "type", "enum", "unknown_field", "minimum", "maximum", "min_length", "max_length", "min_items"],
      ...["max_items", "min_properties", "duplicate", "invalid", "forbidden", "unknown_provider", "too_many_problems"],
      ...["dns_label", "dns_label_40", "dns_subdomain", "duration", "decimal", "sticky_key", "subject", "provider_id"],
      ...["name", "namespace_or_all", "nats_url"],
    ];
    assert.deepEqual(
      required.filter((rule) => !rules.has(rule)),
      [],
    );
  });

  it("takes identity from the caller before metadata", () => {
    const document = cases.find(({ name }) => name === "valid-kubernetes-object")?.documents[0];
    const result = parseObject(document, { ...parseDefaults, uid: "mine", generation: 3, creationMs: 9 });
    assert.ok(result.ok);
    assert.deepEqual(result.value.meta, { namespace: "demo", name: "chat", uid: "mine", generation: 3, creationMs: 9 });
  });

  it("reads a value that was filled in by a cluster as it reads one with its own defaults", () => {
    const written = {
      apiVersion: "beamline.dev/v1alpha1",
      kind: "RoutingPolicy",
      metadata: { name: "chat" },
      spec: { providers: [{ name: "openai" }] },
    };
    const filled = {
      ...written,
      spec: {
        providers: [{ name: "openai", weight: 1, priority: 0 }],
        assignment: { push: "OnRequest", deadline: "30s" },
        validation: { level: "Baseline", maxPayloadBytes: 1_048_576 },
      },
    };
    const [left, right] = [written, filled].map((raw) => parseObject(raw, parseDefaults));
    assert.ok(left?.ok && right?.ok);
    assert.deepEqual(left.value.spec, right.value.spec);
    assert.deepEqual(listPartiallySupported(right.value), []);
  });

  it("says of a required registration that it has no effect where there is no registry, and only there", () => {
    const raw = (registration: string) => ({
      apiVersion: "beamline.dev/v1alpha1",
      kind: "Provider",
      metadata: { name: "resize", namespace: "demo" },
      spec: { registration },
    });
    const unsupported = (registration: string, hasRegistry: boolean): readonly string[] => {
      const parsed = parseObject(raw(registration), parseDefaults);
      assert.ok(parsed.ok);
      return listPartiallySupported(parsed.value, { ...DEFAULT_LIMITS, hasRegistry });
    };
    assert.deepEqual(unsupported("Required", false), ["spec.registration"]);
    assert.deepEqual(unsupported("Required", true), []);
    assert.deepEqual(unsupported("Optional", false), []);
  });
});
