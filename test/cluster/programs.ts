// The programs that the test cluster is built from: which version, from which Go module, and what building one costs.
import { join } from "node:path";

/** Kubernetes 1.35 is the newest line that still runs with containerd 1.6 and cgroup v1. */
export const KUBERNETES_VERSION = "1.35.4";
const ETCD_VERSION = "3.6.6";
const COREDNS_VERSION = "1.14.7";
/** Our own; raise it with every change of tools/pause, or the cache keeps the older one. */
const PAUSE_VERSION = "1";
const HELM_VERSION = "3.22.0";
const HELM4_VERSION = "4.3.1";

export interface ProgramSource {
  readonly version: string;
  /** The folder with the go.mod and go.sum that pin everything the program is built from. */
  readonly moduleDir: string;
  readonly goPackage: string;
  /** Passed to the linker on top of `-s -w`. */
  readonly linkerFlags: readonly string[];
  /** Of a first build on two cores, in this table's order, for the progress line. */
  readonly buildSeconds: number;
}

/** Without these the programs call themselves v0.0.0, and `kubectl get nodes` shows that. */
const KUBERNETES_LINKER_FLAGS = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"].flatMap((path) => {
  const [major, minor] = KUBERNETES_VERSION.split(".");
  return [
    `-X ${path}.gitVersion=v${KUBERNETES_VERSION}`,
    `-X ${path}.gitMajor=${major}`,
    `-X ${path}.gitMinor=${minor}`,
  ];
});

function kubernetes(command: string, buildSeconds: number): ProgramSource {
  return {
    version: KUBERNETES_VERSION,
    moduleDir: moduleDir("kubernetes"),
    goPackage: `k8s.io/kubernetes/cmd/${command}`,
    linkerFlags: KUBERNETES_LINKER_FLAGS,
    buildSeconds,
  };
}

function moduleDir(name: string): string {
  return join(import.meta.dirname, "tools", name);
}

function plain(version: string, module: string, goPackage: string, buildSeconds: number): ProgramSource {
  return { version, moduleDir: moduleDir(module), goPackage, linkerFlags: [], buildSeconds };
}

export const PROGRAMS = {
  etcd: plain(ETCD_VERSION, "etcd", "go.etcd.io/etcd/server/v3", 21),
  "kube-apiserver": kubernetes("kube-apiserver", 194),
  "kube-controller-manager": kubernetes("kube-controller-manager", 47),
  "kube-scheduler": kubernetes("kube-scheduler", 5),
  kubelet: kubernetes("kubelet", 13),
  "kube-proxy": kubernetes("kube-proxy", 8),
  kubectl: kubernetes("kubectl", 10),
  coredns: plain(COREDNS_VERSION, "coredns", "github.com/coredns/coredns", 93),
  pause: plain(PAUSE_VERSION, "pause", "beamline.dev/test/cluster/pause", 2),
  helm: plain(HELM_VERSION, "helm", "helm.sh/helm/v3/cmd/helm", 59),
  helm4: plain(HELM4_VERSION, "helm4", "helm.sh/helm/v4/cmd/helm", 60),
} as const satisfies Record<string, ProgramSource>;

export type ProgramName = keyof typeof PROGRAMS;

/** What an API server alone needs, and what a node with pods needs besides. */
export const API_SERVER_PROGRAMS = ["etcd", "kube-apiserver"] as const satisfies readonly ProgramName[];
export const NODE_PROGRAMS = [
  ...API_SERVER_PROGRAMS,
  "kube-controller-manager",
  "kube-scheduler",
  "kubelet",
  "kube-proxy",
  "coredns",
  "pause",
] as const satisfies readonly ProgramName[];
