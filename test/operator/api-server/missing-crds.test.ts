// Kinds that are not installed, that are removed while the mirror runs, and that come back: nothing is restarted in between.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "mocha";
import { crdName } from "../../../core/crd/custom-resource-definition.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { MirrorChange } from "../../../operator/source/kubernetes/object-mirror.ts";
import { OBJECT_KINDS } from "../../../operator/source/kubernetes/resource-types.ts";
import { createLogger } from "../../../runtime/log.ts";
import { expectStatus, requestApi } from "../../cluster/api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { collectionPath, installCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { DEADLINE_MS, openClient } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { createObject, object, openObjectMirror, policy } from "./world.ts";

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/** Lines that one kind may write while it is away for a quarter of a minute, besides that it works again. */
const MAX_LINES_PER_KIND = 6;

describe("kinds that come and go", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;
  const lines: string[] = [];
  const log = createLogger({ service: "test", stream: { write: (line) => void lines.push(line) } });

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
  });

  beforeEach(() => {
    lines.length = 0;
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  async function removeCrds(): Promise<void> {
    for (const kind of OBJECT_KINDS) await expectStatus(server, 200, "DELETE", `${CRDS}/${crdName(kind)}`);
    for (const kind of OBJECT_KINDS) {
      await eventually(async () => (await requestApi(server, "GET", collectionPath(kind, "default"))).status === 404, {
        deadlineMs: DEADLINE_MS,
        describe: `${kind} is not served`,
      });
    }
  }

  it("are found when they are installed after the start, and named until then", async () => {
    await using mirror = openObjectMirror(client, { mode: "All" }, log);
    await eventually(() => mirror.failures()?.match(/does not serve this kind/g)?.length === OBJECT_KINDS.length, {
      deadlineMs: DEADLINE_MS,
      describe: () => `all kinds are missed: ${mirror.failures()}`,
    });
    assert.match(mirror.failures() ?? "", /^RoutingPolicy: .*; Provider: .*; Tenant: .*; Router: /);
    await assert.rejects(mirror.waitUntilSynced(100), { code: "CONFIG_INVALID", message: /could not list/ });
    await installCrds(server);
    await createObject(client, policy("default", "early"));
    await mirror.waitUntilSynced(DEADLINE_MS);
    assert.equal(mirror.failures(), undefined);
    await eventually(() => mirror.get("RoutingPolicy", { namespace: "default", name: "early" }), {
      deadlineMs: DEADLINE_MS,
      describe: "the policy",
    });
    assert.ok(lines.length <= MAX_LINES_PER_KIND * OBJECT_KINDS.length, `${lines.length} lines`);
  });

  it("take their objects with them when they are removed, and are followed again when they are back", async () => {
    await createObject(client, object("Provider", "openai", "default"));
    await using mirror = openObjectMirror(client, { mode: "All" }, log);
    const seen: MirrorChange[] = [];
    mirror.onChange((changes) => seen.push(...changes));
    await mirror.waitUntilSynced(DEADLINE_MS);
    await removeCrds();
    await eventually(() => mirror.failures()?.match(/does not serve this kind/g)?.length === OBJECT_KINDS.length, {
      deadlineMs: DEADLINE_MS,
      describe: () => `all kinds are missed: ${mirror.failures()}`,
    });
    const gone = seen.filter(({ current }) => current === undefined).map(({ previous }) => previous?.meta.name);
    assert.deepEqual(gone.toSorted(), ["early", "openai"]);
    assert.deepEqual([...mirror.objects("RoutingPolicy")], []);

    await installCrds(server);
    seen.length = 0;
    await createObject(client, policy("default", "late"));
    await createObject(client, object("Provider", "openai", "default"));
    await eventually(() => seen.length >= 2 && mirror.failures() === undefined, {
      deadlineMs: DEADLINE_MS,
      describe: () => `both are seen: ${seen.length}, ${mirror.failures()}`,
    });
    assert.deepEqual(
      seen.map(({ previous, current }) => [previous, current?.meta.name]).toSorted(),
      [
        [undefined, "late"],
        [undefined, "openai"],
      ].toSorted(),
    );
    assert.ok(lines.length <= MAX_LINES_PER_KIND * OBJECT_KINDS.length, `${lines.length} lines:\n${lines.join("")}`);
  });
});
