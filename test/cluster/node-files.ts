// The configuration files of containerd, the pod network, the kubelet and CoreDNS.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { SignedCertificate } from "./certificates.ts";
import { type ClusterLayout, NODE_ADDRESS, POD_SUBNET } from "./cluster-layout.ts";
import { CLUSTER_DOMAIN } from "./control-plane-flags.ts";

/** On the node's own /run, which nobody outside of it sees. */
export const CONTAINERD_SOCKET = "/run/containerd/containerd.sock";
/** The image that every pod begins with, built here, as there is no registry. */
export const PAUSE_IMAGE = "beamline.test/pause:1";
/** Answers over HTTP, in the network namespace, once CoreDNS has seen all Services. */
export const DNS_READY_PORT = 8181;

export interface NodeFilesOptions {
  readonly layout: ClusterLayout;
  readonly cniPluginDir: string;
  readonly caPath: string;
  readonly kubeletServing: SignedCertificate;
  readonly dnsKubeconfigPath: string;
}

export interface NodeFiles {
  readonly containerd: string;
  readonly kubelet: string;
  readonly corefile: string;
}

export async function writeNodeFiles(options: NodeFilesOptions): Promise<NodeFiles> {
  const { layout } = options;
  const networkDir = join(layout.configDir, "network");
  const resolvPath = join(layout.configDir, "resolv.conf");
  await mkdir(networkDir, { recursive: true });
  await writeFile(join(networkDir, "pods.conflist"), json(podNetwork(layout)));
  // Empty: the cluster's DNS is the only one there is.
  await writeFile(resolvPath, "");
  const files = {
    containerd: join(layout.configDir, "containerd.toml"),
    kubelet: join(layout.configDir, "kubelet.json"),
    corefile: join(layout.configDir, "Corefile"),
  };
  await writeFile(files.containerd, containerdConfig(options, networkDir));
  await writeFile(files.kubelet, json(kubeletConfig(options, resolvPath)));
  await writeFile(files.corefile, corefile(options.dnsKubeconfigPath));
  return files;
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** A pair of interfaces a pod, routed. On a bridge, answers from a pod to a pod would bypass the rewriting of Services. */
function podNetwork({ name }: ClusterLayout): unknown {
  const routes = [{ dst: "0.0.0.0/0" }];
  const ipam = { type: "host-local", ranges: [[{ subnet: POD_SUBNET }]], routes };
  return { cniVersion: "0.4.0", name: `beamline-${name}`, plugins: [{ type: "ptp", ipMasq: false, ipam }] };
}

function containerdConfig({ layout, cniPluginDir }: NodeFilesOptions, networkDir: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  const unused = ["aufs", "btrfs", "devmapper", "zfs"].map((name) => `"io.containerd.snapshotter.v1.${name}"`);
  return `version = 2
root = ${JSON.stringify(join(layout.stateDir, "containerd"))}
state = "/run/containerd/state"
disabled_plugins = [${unused.join(", ")}]

[grpc]
address = "${CONTAINERD_SOCKET}"

[${cri}]
sandbox_image = "${PAUSE_IMAGE}"
# A container whose wish lies below our own value would not start where CAP_SYS_RESOURCE lacks, as in many containers.
restrict_oom_score_adj = true

[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
SystemdCgroup = false

[${cri}.cni]
bin_dir = ${JSON.stringify(cniPluginDir)}
conf_dir = ${JSON.stringify(networkDir)}
`;
}

function kubeletConfig({ layout, caPath, kubeletServing }: NodeFilesOptions, resolvPath: string): unknown {
  return {
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    authentication: { anonymous: { enabled: false }, webhook: { enabled: true }, x509: { clientCAFile: caPath } },
    authorization: { mode: "Webhook" },
    tlsCertFile: kubeletServing.certPath,
    tlsPrivateKeyFile: kubeletServing.keyPath,
    containerRuntimeEndpoint: `unix://${CONTAINERD_SOCKET}`,
    cgroupDriver: "cgroupfs",
    cgroupRoot: `/${layout.cgroup}`,
    failCgroupV1: false,
    failSwapOn: false,
    clusterDNS: [NODE_ADDRESS],
    clusterDomain: CLUSTER_DOMAIN,
    resolvConf: resolvPath,
    // A developer's disk may be nearly full: that is no reason to evict a test.
    evictionHard: { "memory.available": "50Mi", "nodefs.available": "1%", "imagefs.available": "1%" },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    // Status of pods is what most tests wait for.
    syncFrequency: "10s",
    serializeImagePulls: false,
    maxPods: 110,
  };
}

function corefile(kubeconfigPath: string): string {
  return `.:53 {
  bind ${NODE_ADDRESS}
  errors
  ready 127.0.0.1:${DNS_READY_PORT}
  kubernetes ${CLUSTER_DOMAIN} in-addr.arpa {
    kubeconfig ${kubeconfigPath}
    ttl 5
  }
}
`;
}
