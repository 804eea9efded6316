// Who is who in a whole cluster: certificates of its servers, and a kubeconfig for each of its programs.
import { randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type CertificateAuthority,
  type KeyPair,
  makeAuthority,
  makeKeyPair,
  type SignedCertificate,
} from "./certificates.ts";
import { API_PORT, type ClusterLayout, NODE_ADDRESS } from "./cluster-layout.ts";
import { API_SERVICE_ADDRESS, CLUSTER_DOMAIN } from "./control-plane-flags.ts";
import { writeKubeconfig } from "./kubeconfig.ts";

/** The programs that call the API server, by the names that Kubernetes' own RBAC rules know them by. */
const USERS = {
  "controller-manager": { user: "system:kube-controller-manager", groups: [] },
  scheduler: { user: "system:kube-scheduler", groups: [] },
  proxy: { user: "system:kube-proxy", groups: [] },
  dns: { user: "system:coredns", groups: [] },
} as const satisfies Record<string, { user: string; groups: readonly string[] }>;

const ADMIN = { user: "beamline-test-admin", group: "system:masters" };
const TOKEN_BYTES = 16;

export interface ClusterCredentials {
  readonly authority: CertificateAuthority;
  readonly serving: SignedCertificate;
  /** With which the API server calls the kubelet, and the kubelet's own. */
  readonly kubeletClient: SignedCertificate;
  readonly kubeletServing: SignedCertificate;
  readonly serviceAccountKeys: KeyPair;
  readonly tokenFile: string;
  /** The administrator's. */
  readonly token: string;
  /** Paths of kubeconfigs that work inside the network namespace. */
  readonly kubeconfigs: Readonly<Record<keyof typeof USERS | "kubelet", string>>;
}

/** `url` is where the API server is reached from outside; the administrator's kubeconfig has that. */
export async function makeCredentials(layout: ClusterLayout, url: string): Promise<ClusterCredentials> {
  const authority = await makeAuthority(layout.pkiDir);
  const serviceNames = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"];
  const serving = await authority.signServer("kube-apiserver", [
    NODE_ADDRESS,
    API_SERVICE_ADDRESS,
    "127.0.0.1",
    "localhost",
    ...serviceNames,
    `kubernetes.default.svc.${CLUSTER_DOMAIN}`,
  ]);
  const admin = await authority.signClient("admin", ADMIN.user, [ADMIN.group]);
  await writeKubeconfig(layout.kubeconfigPath, { url, caPem: authority.caPem, client: admin });
  const token = randomBytes(TOKEN_BYTES).toString("hex");
  const tokenFile = join(layout.pkiDir, "tokens.csv");
  await writeFile(tokenFile, `${token},${ADMIN.user},admin,"${ADMIN.group}"\n`, { mode: 0o600 });
  return {
    authority,
    serving,
    kubeletClient: await authority.signClient("kubelet-client", "kube-apiserver-kubelet-client", [ADMIN.group]),
    kubeletServing: await authority.signServer("kubelet", [NODE_ADDRESS, layout.name]),
    serviceAccountKeys: await makeKeyPair(layout.pkiDir, "service-account"),
    tokenFile,
    token,
    kubeconfigs: await writeKubeconfigs(layout, authority),
  };
}

async function writeKubeconfigs(
  layout: ClusterLayout,
  authority: CertificateAuthority,
): Promise<ClusterCredentials["kubeconfigs"]> {
  await mkdir(layout.configDir, { recursive: true });
  const url = `https://${NODE_ADDRESS}:${API_PORT}`;
  const write = async (name: string, user: string, groups: readonly string[]): Promise<string> => {
    const client = await authority.signClient(`client-${name}`, user, groups);
    const path = join(layout.configDir, `${name}.kubeconfig`);
    await writeKubeconfig(path, { url, caPem: authority.caPem, client });
    return path;
  };
  const of = (name: keyof typeof USERS): Promise<string> => write(name, USERS[name].user, USERS[name].groups);
  return {
    "controller-manager": await of("controller-manager"),
    scheduler: await of("scheduler"),
    proxy: await of("proxy"),
    dns: await of("dns"),
    // The node authorizer takes the node's name from the user's.
    kubelet: await write("kubelet", `system:node:${layout.name}`, ["system:nodes"]),
  };
}
