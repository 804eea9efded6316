// Which of two releases is newer, and what becomes of a CRD that is installed.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import {
  type CustomResourceDefinition,
  customResourceDefinition,
  VERSION_ANNOTATION,
} from "../../core/crd/custom-resource-definition.ts";
import { type InstalledCrd, isEstablished, planCrdUpgrade } from "../../core/crd/plan-crd-upgrade.ts";
import {
  compareSemanticVersions,
  parseSemanticVersion,
  type SemanticVersion,
} from "../../core/crd/semantic-version.ts";

function version(text: string): SemanticVersion {
  const parsed = parseSemanticVersion(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

/** From oldest to newest. */
const ORDERED = [
  "0.0.0",
  "0.1.0-0",
  "0.1.0-2",
  "0.1.0-10",
  "0.1.0-99999999999999999999998",
  "0.1.0-99999999999999999999999",
  "0.1.0--",
  "0.1.0-alpha",
  "0.1.0-alpha.1",
  "0.1.0-alpha.1.0",
  "0.1.0-alpha.beta",
  "0.1.0-beta",
  "0.1.0-beta.2",
  "0.1.0-beta.11",
  "0.1.0-rc.1",
  "0.1.0",
  "0.1.1-rc.1",
  "0.1.1",
  "0.2.0",
  "0.10.0",
  "1.0.0",
  "10.0.0",
];

describe("semantic versions", () => {
  it("are in the order of the standard, each pair both ways", () => {
    for (const [i, left] of ORDERED.entries()) {
      for (const [j, right] of ORDERED.entries()) {
        const order = compareSemanticVersions(version(left), version(right));
        assert.equal(Math.sign(order), Math.sign(i - j), `${left} and ${right}`);
      }
    }
  });

  it("do not differ by build metadata", () => {
    assert.equal(compareSemanticVersions(version("1.2.3+linux.1"), version("1.2.3+darwin")), 0);
    assert.equal(compareSemanticVersions(version("1.2.3-rc.1+a"), version("1.2.3-rc.1")), 0);
  });

  it("are told from other texts", () => {
    const wrong = ["", "1", "1.2", "v1.2.3", "01.2.3", "1.2.3-", "1.2.3-01", "1.2.3-a..b", "1.2.3 ", "1.2.3+", "a.b.c"];
    for (const text of [...wrong, `1.2.3-${"a".repeat(300)}`])
      assert.equal(parseSemanticVersion(text), undefined, text);
  });

  it("are ordered totally, whatever they are", () => {
    const number = fc.nat({ max: 30 }).map(String);
    const identifier = fc.oneof(number, fc.constantFrom("a", "b", "rc", "-1", "0a"));
    const preRelease = fc
      .array(identifier, { maxLength: 3 })
      .map((parts) => (parts.length > 0 ? `-${parts.join(".")}` : ""));
    const any = fc.tuple(number, number, number, preRelease).map(([a, b, c, pre]) => version(`${a}.${b}.${c}${pre}`));
    fc.assert(
      fc.property(any, any, any, (a, b, c) => {
        assert.equal(Math.sign(compareSemanticVersions(a, b)), -Math.sign(compareSemanticVersions(b, a)) + 0);
        if (compareSemanticVersions(a, b) <= 0 && compareSemanticVersions(b, c) <= 0) {
          assert.ok(compareSemanticVersions(a, c) <= 0);
        }
      }),
    );
  });
});

/** As the API server stores one: with fields of its own. */
function installed(
  release: string | undefined,
  change: (crd: CustomResourceDefinition) => object = (crd) => crd.spec,
): InstalledCrd {
  const crd = structuredClone(customResourceDefinition("RoutingPolicy", "1.0.0"));
  const annotations = {
    "somebody.example/note": "theirs",
    ...(release === undefined ? {} : { [VERSION_ANNOTATION]: release }),
  };
  return {
    metadata: { ...crd.metadata, annotations },
    spec: { conversion: { strategy: "None" }, ...change(crd) },
  };
}

const OUR_RELEASE = "1.0.0";

function planned(crd: InstalledCrd): string {
  const plan = planCrdUpgrade("RoutingPolicy", crd, OUR_RELEASE);
  return plan.action === "Leave" ? plan.outcome : "Apply";
}

describe("an installed CRD", () => {
  it("is replaced when it is older, or does not say of which release it is", () => {
    for (const release of ["0.9.9", "1.0.0-rc.1", undefined, "", "latest"]) {
      assert.equal(planned(installed(release)), "Apply", release ?? "no annotation");
    }
  });

  it("is left alone when it is newer, whatever is in it", () => {
    for (const release of ["1.0.1-rc.1", "1.0.1", "2.0.0"]) {
      assert.equal(planned(installed(release)), "NewerInstalled", release);
      assert.equal(planned({ metadata: { annotations: { [VERSION_ANNOTATION]: release } } }), "NewerInstalled");
    }
  });

  it("of this release is left alone unless somebody changed what we say", () => {
    assert.equal(planned(installed(OUR_RELEASE)), "UpToDate");
    assert.equal(
      planned(installed(OUR_RELEASE, ({ spec }) => ({ ...spec, preserveUnknownFields: false }))),
      "UpToDate",
    );
    const [versionOfOurs] = customResourceDefinition("RoutingPolicy", OUR_RELEASE).spec.versions;
    const changes: readonly [what: string, (crd: CustomResourceDefinition) => object][] = [
      ["a short name less", ({ spec }) => ({ ...spec, names: { ...spec.names, shortNames: [] } })],
      ["a short name more", ({ spec }) => ({ ...spec, names: { ...spec.names, shortNames: ["rp", "x"] } })],
      [
        "another version more",
        ({ spec }) => ({ ...spec, versions: [...spec.versions, { ...versionOfOurs, name: "v1" }] }),
      ],
      ["not served", ({ spec }) => ({ ...spec, versions: [{ ...versionOfOurs, served: false }] })],
      ["no schema", ({ spec }) => ({ ...spec, versions: [{ ...versionOfOurs, schema: {} }] })],
      ["a field more", ({ spec }) => ({ ...spec, versions: [withField(spec.versions[0], "extra")] })],
      ["nothing at all", () => ({ versions: null })],
    ];
    for (const [what, change] of changes) assert.equal(planned(installed(OUR_RELEASE, change)), "Apply", what);
    assert.equal(planned({ metadata: { annotations: { [VERSION_ANNOTATION]: OUR_RELEASE } } }), "Apply");
  });

  it("that is being deleted is as good as missing", () => {
    const { metadata, spec } = installed("0.9.0");
    assert.equal(planned({ metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" }, spec }), "Missing");
  });

  it("is served when its condition says so", () => {
    const withConditions = (conditions: unknown): InstalledCrd => ({ metadata: {}, status: { conditions } });
    const accepted = { type: "NamesAccepted", status: "True" };
    assert.equal(isEstablished(withConditions([accepted, { type: "Established", status: "True" }])), true);
    assert.equal(isEstablished(withConditions([accepted, { type: "Established", status: "False" }])), false);
    for (const conditions of [undefined, [], [accepted], "True"]) {
      assert.equal(isEstablished(withConditions(conditions)), false);
    }
    assert.equal(isEstablished({ metadata: {} }), false);
  });

  it("is never judged by accident: whatever JSON it holds, there is a plan", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (spec, versions) => {
        const metadata = { annotations: { [VERSION_ANNOTATION]: OUR_RELEASE } };
        assert.equal(planned({ metadata, spec }), "Apply");
        assert.equal(planned(installed(OUR_RELEASE, (crd) => ({ ...crd.spec, versions }))), "Apply");
      }),
    );
  });
});

function withField(found: CustomResourceDefinition["spec"]["versions"][number] | undefined, name: string): object {
  const schema = found?.schema.openAPIV3Schema;
  return { ...found, schema: { openAPIV3Schema: { ...schema, properties: { ...schema?.properties, [name]: {} } } } };
}
