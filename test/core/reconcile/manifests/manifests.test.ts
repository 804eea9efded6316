// What a Router owns in a cluster, as golden files, and what may and may not replace its pods.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { parseObject } from "../../../../core/policy/parse.ts";
import { API_VERSION } from "../../../../core/policy/schema.ts";
import type { RouterSpec } from "../../../../core/policy/spec.ts";
import type { RouterInstallation, RouterWorkload } from "../../../../core/reconcile/manifests/manifest.ts";
import { routerObjectNames } from "../../../../core/reconcile/manifests/names.ts";
import { podTemplate } from "../../../../core/reconcile/manifests/pod-template.ts";
import { routerManifests } from "../../../../core/reconcile/manifests/router-manifests.ts";
import { SPEC_HASH_ANNOTATION } from "../../../../core/reconcile/manifests/spec-hash.ts";
import { nodeCodec } from "../../../../runtime/bytes.ts";
import { readGoldenCases } from "../../policy/golden.ts";

const INSTALLATION: RouterInstallation = {
  image: "registry.example/beamline:0.1.0",
  imagePullPolicy: "IfNotPresent",
  imagePullSecrets: [],
  partOf: "beamline",
  instance: "release",
  natsPorts: [],
};

type Written = Pick<RouterWorkload, "router" | "environment"> & {
  readonly spec: object;
  readonly replicas?: number;
  readonly secrets?: RouterWorkload["secrets"];
  readonly paused?: boolean;
  readonly installation?: Partial<RouterInstallation>;
};

function readSpec(spec: object): RouterSpec {
  const raw = { apiVersion: API_VERSION, kind: "Router", metadata: { name: "default" }, spec };
  const parsed = parseObject(raw, { namespace: "n", routerRef: { namespace: "n", name: "default" } });
  assert.ok(parsed.ok && parsed.value.kind === "Router", JSON.stringify(parsed));
  return parsed.value.spec;
}

function workloadOf(written: Written): RouterWorkload {
  const { router, environment, replicas, secrets = {}, paused = false } = written;
  const installation = { ...INSTALLATION, ...written.installation };
  return { router, environment, spec: readSpec(written.spec), replicas, secrets, paused, installation };
}

const plain: Written = {
  router: { namespace: "n", name: "default" },
  spec: {},
  environment: { BEAMLINE_NATS_URL: "nats://nats.example:4222", BEAMLINE_LOG_LEVEL: "info" },
};

function hashOf(written: Partial<Written>): string | undefined {
  const { annotations } = podTemplate(workloadOf({ ...plain, ...written }), "account", nodeCodec).metadata;
  return annotations[SPEC_HASH_ANNOTATION];
}

describe("the manifests of a Router", () => {
  for (const { name, documents, expect } of readGoldenCases("manifests")) {
    it(`are as they were: ${name}`, () => expect(routerManifests(workloadOf(documents[0] as Written), nodeCodec)));
  }

  it("have names that fit and never meet", () => {
    const longest = "r".repeat(40);
    const routers = ["a", "1a", "r-1a", longest, `1${longest.slice(1)}`, `${longest.slice(1)}s`];
    const names = routers.flatMap((router) => Object.values(routerObjectNames(router, nodeCodec)));
    assert.equal(new Set(names).size, names.length);
    for (const name of names) assert.match(name, /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/);
    const [beyond] = Object.values(routerObjectNames("r".repeat(80), nodeCodec));
    assert.match(beyond ?? "", /^r{54}-[0-9a-f]{8}$/);
  });

  it("have another hash when what a router is given at its start differs, and only then", () => {
    const hash = hashOf({});
    const restart: Readonly<Record<string, Partial<Written>>> = {
      image: { spec: { image: "other:1" } },
      drain: { spec: { drain: { timeout: "11s" } } },
      resources: { spec: { pod: { resources: { limits: { cpu: 1 } } } } },
      labels: { spec: { pod: { labels: { a: "b" } } } },
      environment: { environment: { ...plain.environment, BEAMLINE_LOG_LEVEL: "warn" } },
      secret: { secrets: { credentials: "a" } },
    };
    const hashes = Object.entries(restart).map(([name, written]) => [name, hashOf(written)] as const);
    for (const [name, other] of hashes) assert.notEqual(other, hash, name);
    assert.notEqual(hashOf({ secrets: { credentials: "b" } }), hashOf({ secrets: { credentials: "a" } }));
    const live: readonly Partial<Written>[] = [
      { replicas: 7 },
      { paused: true },
      { spec: { replicas: 7, autoscaling: { min: 1, max: 9 }, allowedNamespaces: ["a"] } },
      { environment: { BEAMLINE_LOG_LEVEL: "info", BEAMLINE_NATS_URL: "nats://nats.example:4222" } },
      { installation: { natsPorts: [6222] } },
    ];
    for (const written of live) assert.equal(hashOf(written), hash, JSON.stringify(written));
  });
});
