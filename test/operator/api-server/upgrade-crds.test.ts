// The upgrade of CRDs on a real API server, by a service account that may get and patch five names and nothing else.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { crdName, customResourceDefinition, VERSION_ANNOTATION } from "../../../core/crd/custom-resource-definition.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { FIELD_MANAGER } from "../../../operator/kubernetes/field-owner.ts";
import { OBJECT_KINDS } from "../../../operator/source/kubernetes/resource-types.ts";
import { type CrdOutcome, upgradeCrds } from "../../../operator/upgrade-crds.ts";
import { PRODUCT_VERSION } from "../../../runtime/product-version.ts";
import { expectStatus, requestApi } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { collectionPath, readCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { DEADLINE_MS, quiet } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { openClientWith } from "./world.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const APPLY = "application/apply-patch+yaml";
const OLDER = "0.0.9";
const NEWER = "99.0.0";

describe("the upgrade of CRDs", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;
  let writes = 0;

  before(async function () {
    server = await startTestApiServer(this);
    const open = await openClientWith(server, "crd-upgrader", [
      {
        rules: [
          {
            apiGroups: ["apiextensions.k8s.io"],
            resources: ["customresourcedefinitions"],
            resourceNames: OBJECT_KINDS.map(crdName),
            verbs: ["get", "patch"],
          },
        ],
      },
    ]);
    // Asked before everything that is not a GET.
    client = open.guardedBy(() => {
      writes++;
      return true;
    });
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  const upgrade = (version = PRODUCT_VERSION, by = client): Promise<readonly CrdOutcome[]> => {
    writes = 0;
    return upgradeCrds({ client: by, log: quiet, version, signal: new AbortController().signal });
  };
  const outcomes = (of: readonly CrdOutcome[]): string[] => of.map(({ outcome }) => outcome);
  const all = (outcome: CrdOutcome["outcome"]): string[] => OBJECT_KINDS.map(() => outcome);

  /** Makes all CRDs those of a release, whatever they were. */
  async function install(version: string): Promise<void> {
    for (const kind of OBJECT_KINDS) await applyCrd(customResourceDefinition(kind, version));
    await waitUntilEstablished();
  }

  async function applyCrd(body: { readonly metadata: { readonly name: string } }): Promise<void> {
    const path = `${CRDS}/${body.metadata.name}?fieldManager=kubectl&force=true`;
    await expectStatus(server, 200, "PATCH", path, { body, contentType: APPLY });
  }

  async function read(kind: ObjectKind): Promise<KubernetesObject> {
    return (await expectStatus(server, 200, "GET", `${CRDS}/${crdName(kind)}`)).body as KubernetesObject;
  }

  const readAll = (): Promise<KubernetesObject[]> => Promise.all(OBJECT_KINDS.map(read));

  /** What an API server keeps when somebody else looks after it: every write counts the version up. */
  const versions = async (): Promise<(string | undefined)[]> =>
    (await readAll()).map(({ metadata }) => metadata.resourceVersion);

  async function waitUntilEstablished(): Promise<void> {
    const accepted = (crd: KubernetesObject): boolean =>
      JSON.stringify(crd.status ?? {}).includes('"type":"Established"') &&
      !JSON.stringify(crd.status).includes("False");
    await eventually(async () => (await readAll()).every(accepted), {
      deadlineMs: DEADLINE_MS,
      describe: "all CRDs are established",
    });
  }

  it("creates nothing where nothing is installed", async () => {
    assert.deepEqual([outcomes(await upgrade()), writes], [all("Missing"), 0]);
  });

  it("takes over one that helm made, with all that an older schema had and ours has not", async () => {
    for (const kind of OBJECT_KINDS) {
      const { metadata, spec, ...rest } = customResourceDefinition(kind, OLDER);
      const [version] = spec.versions;
      const openAPIV3Schema = {
        type: "object",
        properties: { spec: { type: "object", properties: { old: { type: "string" } } } },
      };
      const names = { ...spec.names, shortNames: [`old${kind.toLowerCase()}`], categories: ["all"] };
      const old = { ...version, additionalPrinterColumns: undefined, schema: { openAPIV3Schema } };
      const body = { ...rest, metadata: { name: metadata.name }, spec: { ...spec, names, versions: [old] } };
      await expectStatus(server, 201, "POST", `${CRDS}?fieldManager=helm`, { body });
    }
    await waitUntilEstablished();
    const upgraded = await upgrade();
    assert.deepEqual(outcomes(upgraded), all("Upgraded"), JSON.stringify(upgraded));
    const policies = await read("RoutingPolicy");
    assert.doesNotMatch(JSON.stringify(policies.spec), /"old"/);
    assert.deepEqual([outcomes(await upgrade()), writes], [all("UpToDate"), 0]);
  });

  it("writes nothing where the release's own CRDs are installed", async () => {
    for (const body of readCrds()) await applyCrd(body);
    await waitUntilEstablished();
    const before = await versions();
    assert.deepEqual(outcomes(await upgrade()), all("UpToDate"));
    assert.deepEqual([writes, await versions()], [0, before]);
  });

  it("makes older ones new, and then has nothing to do", async () => {
    await install(OLDER);
    const upgraded = await upgrade();
    assert.deepEqual(outcomes(upgraded), all("Upgraded"));
    assert.match(upgraded[0]?.detail ?? "", new RegExp(`^from ${OLDER} to release ${PRODUCT_VERSION}$`));
    for (const { metadata } of await readAll()) {
      assert.equal(metadata.annotations?.[VERSION_ANNOTATION], PRODUCT_VERSION);
      assert.ok(metadata.managedFields?.some(({ manager }) => manager === FIELD_MANAGER));
    }
    const served = collectionPath("RoutingPolicy", "default");
    await eventually(async () => (await requestApi(server, "GET", served)).status === 200, {
      deadlineMs: DEADLINE_MS,
      describe: "policies are served",
    });
    assert.deepEqual([outcomes(await upgrade()), writes], [all("UpToDate"), 0]);
  });

  it("takes back what somebody changed in one of this release", async () => {
    await install(PRODUCT_VERSION);
    const body = { spec: { names: { shortNames: ["mine"] } } };
    const path = `${CRDS}/${crdName("Provider")}?fieldManager=kubectl-edit`;
    await expectStatus(server, 200, "PATCH", path, { body, contentType: "application/merge-patch+json" });
    const result = await upgrade();
    assert.deepEqual(
      result.filter(({ outcome }) => outcome !== "UpToDate").map(({ kind, outcome }) => `${kind} ${outcome}`),
      ["Provider Upgraded"],
    );
    assert.doesNotMatch(JSON.stringify((await read("Provider")).spec), /"mine"/);
  });

  it("leaves newer ones untouched, and one that is newer among older ones", async () => {
    await install(NEWER);
    const before = await versions();
    const result = await upgrade();
    assert.deepEqual([outcomes(result), writes, await versions()], [all("NewerInstalled"), 0, before]);
    assert.match(result[0]?.detail ?? "", /of release 99\.0\.0, left as it is/);
    const annotations = { [VERSION_ANNOTATION]: OLDER };
    await expectStatus(server, 200, "PATCH", `${CRDS}/${crdName("Tenant")}`, {
      body: { metadata: { annotations } },
      contentType: "application/merge-patch+json",
    });
    const mixed = await upgrade();
    assert.deepEqual(
      mixed.map(({ kind, outcome }) => (kind === "Tenant" ? outcome === "Upgraded" : outcome === "NewerInstalled")),
      OBJECT_KINDS.map(() => true),
    );
  });

  it("is done once by two operators at once, and a later release wins over this one in any order", async () => {
    await install(OLDER);
    const both = await Promise.all([upgrade(), upgrade()]);
    for (const result of both) {
      assert.ok(
        result.every(({ outcome }) => outcome === "Upgraded" || outcome === "UpToDate"),
        JSON.stringify(result),
      );
    }
    for (const { metadata } of await readAll()) {
      assert.equal(metadata.annotations?.[VERSION_ANNOTATION], PRODUCT_VERSION);
    }
    await Promise.all([upgrade("0.2.0"), upgrade("0.3.0-rc.1"), upgrade("0.2.1")]);
    for (const { metadata } of await readAll()) {
      assert.equal(metadata.annotations?.[VERSION_ANNOTATION], "0.3.0-rc.1");
    }
  });

  it("fails with the server's words where RBAC does not let it", async () => {
    await install(OLDER);
    const reader = await openClientWith(server, "crd-reader", [
      {
        rules: [{ apiGroups: ["apiextensions.k8s.io"], resources: ["customresourcedefinitions"], verbs: ["get"] }],
      },
    ]);
    const result = await upgrade(PRODUCT_VERSION, reader);
    assert.deepEqual(outcomes(result), all("Failed"));
    assert.match(result[0]?.detail ?? "", /cannot patch/);
    reader.close();
  });

  it("does not touch one that is just being deleted", async () => {
    await install(OLDER);
    const path = `${CRDS}/${crdName("Router")}`;
    const metadata = { finalizers: ["test.example/hold"] };
    const contentType = "application/merge-patch+json";
    await expectStatus(server, 200, "PATCH", path, { body: { metadata }, contentType });
    await expectStatus(server, 200, "DELETE", path);
    const result = await upgrade();
    assert.deepEqual(
      result.map(({ kind, outcome }) => (kind === "Router" ? outcome === "Missing" : outcome === "Upgraded")),
      OBJECT_KINDS.map(() => true),
    );
  });
});
