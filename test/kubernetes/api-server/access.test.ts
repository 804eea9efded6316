// Credentials that rotate under a running client, and a server that is there and does not answer.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { readInClusterAccess } from "../../../kubernetes/access/in-cluster.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import { deleteObject, readObject } from "../../../kubernetes/objects.ts";
import { WATCH_GRACE_MS } from "../../../kubernetes/reflector.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";
import { CONFIG_MAP, configMap, create, DEADLINE_MS, openClient, openMirror } from "./world.ts";

const PROBE = { namespace: "default", name: "probe" };

describe("access to a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let folder: TempDir;

  before(async function () {
    server = await startTestApiServer(this);
    folder = await makeTempDir();
    const client = await openClient(server);
    await create(client, CONFIG_MAP, configMap("probe", {}));
    client.close();
  });

  after(async () => {
    await server?.stop();
    await folder?.remove();
  });

  const mount = async (name: string, text: string): Promise<void> => writeFile(join(folder.path, name), text);
  const inPod = async (): Promise<KubernetesClient> => {
    const { hostname, port } = new URL(server.url);
    const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
    const access = await readInClusterAccess({ env, directory: folder.path });
    return KubernetesClient.create({ access, userAgent: "beamline-test" });
  };
  const probe = async (client: KubernetesClient): Promise<string> => {
    const result = await readObject(client, CONFIG_MAP, PROBE, { timeoutMs: 2_000 });
    return result.ok ? "ok" : result.error.kind;
  };
  const becomes = (client: KubernetesClient, expected: string): Promise<unknown> =>
    eventually(async () => (await probe(client)) === expected, {
      deadlineMs: DEADLINE_MS,
      describe: `${expected}`,
      everyMs: 100,
    });

  it("takes a token and an authority that were replaced, without a restart", async () => {
    await mount("namespace", "default");
    await mount("token", "expired");
    await mount("ca.crt", server.caPem);
    const client = await inPod();
    assert.equal(await probe(client), "Unauthorized");
    await mount("token", server.token);
    await becomes(client, "ok");
    client.close();
    const foreign = await readFile(join(import.meta.dirname, "fixtures", "foreign-ca.pem"), "utf8");
    await mount("ca.crt", foreign);
    const distrusting = await inPod();
    assert.equal(await probe(distrusting), "Unreachable");
    await mount("ca.crt", server.caPem);
    await becomes(distrusting, "ok");
    distrusting.close();
  });

  it("finds a server that stands still by the end of the watch that it owes, and knows all when it goes on", async () => {
    const client = await openClient(server);
    await using mirror = openMirror({ client, type: CONFIG_MAP, watchSeconds: 3 });
    await mirror.waitUntilSynced(DEADLINE_MS);
    await eventually(() => mirror.status().watches > 0, { deadlineMs: DEADLINE_MS, describe: "a watch" });
    server.signal("kube-apiserver", "SIGSTOP");
    const startMs = performance.now();
    await eventually(() => mirror.status().failure?.kind === "Unreachable", {
      deadlineMs: DEADLINE_MS,
      describe: "the silence is known",
    });
    assert.ok(performance.now() - startMs < 4_000 + WATCH_GRACE_MS + 1_000);
    assert.ok(mirror.status().objects > 0, "what was known stays known");
    server.signal("kube-apiserver", "SIGCONT");
    assert.ok((await deleteObject(client, CONFIG_MAP, PROBE)).ok);
    await eventually(() => mirror.get(PROBE) === undefined, {
      deadlineMs: DEADLINE_MS,
      describe: "the deletion is known",
    });
    client.close();
  });
});
