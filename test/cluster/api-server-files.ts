// Everything that an API server alone needs before its processes start: ports, certificates, credentials, command lines.
import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreePort } from "../../cli/nats-server-probe.ts";
import type { ApiEndpoint } from "./api-request.ts";
import { type CertificateAuthority, makeAuthority, makeKeyPair, type SignedCertificate } from "./certificates.ts";
import { apiServerFlags, controllerManagerFlags, etcdFlags } from "./control-plane-flags.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { isAlive } from "./process-record.ts";

export type ApiServerPart = "etcd" | "kube-apiserver" | "kube-controller-manager";

export interface ApiServerFiles extends ApiEndpoint {
  readonly directory: string;
  readonly logDir: string;
  readonly etcdUrl: string;
  readonly authority: CertificateAuthority;
  readonly clientCert: SignedCertificate;
  readonly kubeconfigPath: string;
  /** In the order in which they start. */
  readonly parts: readonly ApiServerPart[];
  readonly flags: Readonly<Record<ApiServerPart, readonly string[]>>;
}

export interface ApiServerFilesOptions {
  readonly extraFlags: readonly string[];
  readonly controllers: readonly string[];
}

const HOST = "127.0.0.1";
const DIRECTORY_PREFIX = "beamline-api-server-";
const TOKEN_BYTES = 16;
const ADMIN = { user: "beamline-test-admin", group: "system:masters" };

/** A new folder for one API server; the process id in its name says whose it is. */
export function makeApiServerDir(): Promise<string> {
  return mkdtemp(join(tmpdir(), `${DIRECTORY_PREFIX}${process.pid}-`));
}

/** Removes the folders of processes that were killed before they could: etcd's log alone takes 64 MB in each. */
export async function removeOrphanDirs(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(DIRECTORY_PREFIX)
      ? Number.parseInt(name.slice(DIRECTORY_PREFIX.length), 10)
      : Number.NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    // Another run may be removing it at the same time.
    await rm(join(tmpdir(), name), { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Everything in `directory` that the processes of an API server need. */
export async function prepareApiServer(directory: string, options: ApiServerFilesOptions): Promise<ApiServerFiles> {
  const { controllers, extraFlags } = options;
  const [etcdPort, port] = [await findFreePort(HOST), await findFreePort(HOST)];
  const pki = join(directory, "pki");
  const authority = await makeAuthority(pki);
  const serving = await authority.signServer("kube-apiserver", [HOST, "localhost"]);
  const clientCert = await authority.signClient("admin", ADMIN.user, [ADMIN.group]);
  const serviceAccountKeys = await makeKeyPair(pki, "service-account");
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  const tokenFile = join(pki, "tokens.csv");
  await writeFile(tokenFile, `${token},${ADMIN.user},admin,"${ADMIN.group}"\n`, { mode: 0o600 });
  const endpoint = { url: `https://${HOST}:${port}`, caPem: authority.caPem, token };
  const kubeconfigPath = join(directory, "kubeconfig");
  await writeKubeconfig(kubeconfigPath, { ...endpoint, client: clientCert });
  const withControllers = controllers.length > 0;
  return {
    ...endpoint,
    directory,
    logDir: join(directory, "logs"),
    etcdUrl: `http://${HOST}:${etcdPort}`,
    authority,
    clientCert,
    kubeconfigPath,
    parts: ["etcd", "kube-apiserver", ...(withControllers ? ["kube-controller-manager" as const] : [])],
    flags: {
      etcd: etcdFlags({ dataDir: join(directory, "etcd"), port: etcdPort }),
      "kube-apiserver": [
        ...apiServerFlags({ etcdPort, bindAddress: HOST, port, authority, serving, serviceAccountKeys, tokenFile }),
        // A loopback address may not stand in the endpoints of the Service `kubernetes`, and nobody here looks for it.
        "--endpoint-reconciler-type=none",
        // It would wait for the account `default`, which only a controller makes.
        ...(withControllers ? [] : ["--disable-admission-plugins=ServiceAccount"]),
        ...extraFlags,
      ],
      "kube-controller-manager": controllerManagerFlags({ kubeconfigPath, authority, serviceAccountKeys, controllers }),
    },
  };
}
