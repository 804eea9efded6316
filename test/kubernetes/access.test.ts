// Where the way to an API server is read from: kubeconfig files, programs, a pod's service account; and what is refused.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { findClusterAccess } from "../../kubernetes/access/find-access.ts";
import { readInClusterAccess } from "../../kubernetes/access/in-cluster.ts";
import { defaultKubeconfigPath, readKubeconfigAccess } from "../../kubernetes/access/kubeconfig.ts";
import { makeTempDir } from "../support/temp.ts";

const SERVER = "https://api.example.test:6443";

function kubeconfig(user: object, cluster: object = { server: SERVER }): string {
  return JSON.stringify({
    "current-context": "here",
    contexts: [
      { name: "here", context: { cluster: "c", user: "u", namespace: "demo" } },
      { name: "there", context: { cluster: "gone", user: "u" } },
    ],
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user }],
  });
}

async function inFolder<T>(files: Readonly<Record<string, string>>, use: (folder: string) => Promise<T>): Promise<T> {
  await using folder = await makeTempDir();
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder.path, name), text);
  return await use(folder.path);
}

describe("access to a cluster", () => {
  it("is read from a kubeconfig: inline data before files, files relative to it and read anew each time", async () => {
    const user = {
      "client-certificate-data": Buffer.from("CERT").toString("base64"),
      "client-key": "key.pem",
      tokenFile: "token",
    };
    const cluster = { server: SERVER, "certificate-authority": "ca.pem", "tls-server-name": "kubernetes" };
    await inFolder(
      { config: kubeconfig(user, cluster), "key.pem": "KEY", "ca.pem": "CA", token: "one\n" },
      async (folder) => {
        const access = await readKubeconfigAccess({ path: join(folder, "config") });
        assert.deepEqual(
          [access.server.host, access.namespace, access.tlsServerName],
          ["api.example.test:6443", "demo", "kubernetes"],
        );
        const expected = { caPem: "CA", certPem: "CERT", keyPem: "KEY", token: "one" };
        assert.deepEqual(await access.readCredentials(), expected);
        await writeFile(join(folder, "token"), "two");
        assert.deepEqual(await access.readCredentials(), { ...expected, token: "two" });
      },
    );
  });

  it("is refused by name where following the file would make us somebody else, or trust the network", async () => {
    const rows: readonly [object, object, RegExp][] = [
      [{ "auth-provider": {} }, { server: SERVER }, /user\.auth-provider is not supported/],
      [{ username: "a", password: "b" }, { server: SERVER }, /user\.username is not supported/],
      [{ as: "admin" }, { server: SERVER }, /user\.as is not supported/],
      [{}, { server: SERVER, "proxy-url": "socks5://localhost" }, /cluster\.proxy-url is not supported/],
      [{}, { server: "http://api.example.test" }, /must be https, or http on this machine/],
      [{}, { server: "nowhere" }, /cluster\.server is no URL/],
    ];
    for (const [user, cluster, message] of rows) {
      await inFolder({ config: kubeconfig(user, cluster) }, async (folder) => {
        await assert.rejects(readKubeconfigAccess({ path: join(folder, "config") }), {
          code: "CONFIG_INVALID",
          message,
        });
      });
    }
    await inFolder({ config: kubeconfig({}), broken: "clusters: [", empty: "" }, async (folder) => {
      const path = join(folder, "config");
      await assert.rejects(readKubeconfigAccess({ path, context: "there" }), /clusters has no gone/);
      await assert.rejects(readKubeconfigAccess({ path, context: "nowhere" }), /contexts has no nowhere/);
      for (const name of ["broken", "empty"]) {
        await assert.rejects(readKubeconfigAccess({ path: join(folder, name) }), { code: "CONFIG_INVALID" });
      }
      await assert.rejects(readKubeconfigAccess({ path: join(folder, "missing") }), { code: "INPUT_MISSING" });
    });
  });

  it("asks the program that the file names", async () => {
    const print = (output: object): object => ({
      apiVersion: "client.authentication.k8s.io/v1",
      command: process.execPath,
      args: [
        "-e",
        `if (!process.env.KUBERNETES_EXEC_INFO || process.env.WHO !== "me") process.exit(3); console.log(${JSON.stringify(JSON.stringify(output))})`,
      ],
      env: [{ name: "WHO", value: "me" }],
      installHint: "Install it.",
    });
    const read = (exec: object): Promise<unknown> =>
      inFolder({ config: kubeconfig({ exec }) }, async (folder) => {
        return (await readKubeconfigAccess({ path: join(folder, "config") })).readCredentials();
      });
    const status = { token: "from-program", expirationTimestamp: "2026-01-01T00:00:00Z" };
    assert.deepEqual(await read(print({ status })), { token: "from-program", expiresAtMs: Date.UTC(2026, 0, 1) });
    await assert.rejects(read(print({ status: {} })), {
      code: "PERMISSION_DENIED",
      message: /neither a token nor a certificate/,
    });
    await assert.rejects(read({ ...print({ status }), env: [] }), { code: "PERMISSION_DENIED", hint: "Install it." });
    await assert.rejects(read({ ...print({ status }), apiVersion: "v1" }), { code: "CONFIG_INVALID" });
  });

  it("is that of the pod's service account inside a cluster", async () => {
    await inFolder({ token: "abc\n", "ca.crt": "CA", namespace: "beamline-system" }, async (directory) => {
      const env = { KUBERNETES_SERVICE_HOST: "fd00::1", KUBERNETES_SERVICE_PORT: "443" };
      const access = await readInClusterAccess({ env, directory });
      assert.deepEqual(
        [access.server.protocol, access.server.hostname, access.namespace],
        ["https:", "[fd00::1]", "beamline-system"],
      );
      assert.deepEqual(await access.readCredentials(), { caPem: "CA", token: "abc" });
      await assert.rejects(readInClusterAccess({ env: {}, directory }), { code: "CONFIG_INVALID" });
      const nowhere = join(directory, "nothing");
      await assert.rejects(readInClusterAccess({ env, directory: nowhere }), { message: /cannot read .*namespace/ });
    });
  });

  it("is found in the order that users know: named, KUBECONFIG, the pod, the home folder", async () => {
    await inFolder({ named: kubeconfig({ token: "named" }), other: kubeconfig({ token: "other" }) }, async (folder) => {
      const env = {
        KUBECONFIG: `:${join(folder, "other")}:elsewhere`,
        KUBERNETES_SERVICE_HOST: "h",
        KUBERNETES_SERVICE_PORT: "1",
      };
      const named = await findClusterAccess({ env, kubeconfig: join(folder, "named") });
      assert.deepEqual(await named.readCredentials(), { token: "named" });
      assert.deepEqual(await (await findClusterAccess({ env })).readCredentials(), { token: "other" });
      assert.equal(defaultKubeconfigPath({ HOME: folder }), join(folder, ".kube", "config"));
      await mkdir(join(folder, ".kube"));
      await writeFile(join(folder, ".kube", "config"), kubeconfig({ token: "home" }));
      assert.deepEqual(await (await findClusterAccess({ env: { HOME: folder } })).readCredentials(), { token: "home" });
    });
  });
});
