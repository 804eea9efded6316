// Starting the processes of a whole cluster, each recorded by its id as soon as it runs.
import { join } from "node:path";
import type { ClusterCredentials } from "./cluster-credentials.ts";
import { API_PORT, type ClusterLayout, ETCD_PORT, NODE_ADDRESS, POD_SUBNET } from "./cluster-layout.ts";
import { apiServerFlags, controllerManagerFlags, etcdFlags } from "./control-plane-flags.ts";
import { enterNetwork } from "./network.ts";
import type { NodeFiles } from "./node-files.ts";
import type { NodeNamespaces } from "./node-namespaces.ts";
import type { NODE_PROGRAMS } from "./programs.ts";
import { type LaunchOptions, launchServer, type ServerProcess } from "./server-process.ts";
import { systemEnvironment } from "./system-command.ts";

export type ClusterPrograms = Readonly<Record<(typeof NODE_PROGRAMS)[number], string>>;
type Lifetime = LaunchOptions["lifetime"];

export interface ClusterLauncherOptions {
  readonly layout: ClusterLayout;
  readonly lifetime: Lifetime;
  /** Told of every process the moment it runs. */
  readonly onStart: (process: ServerProcess) => void;
}

interface Entry {
  readonly path: string;
  readonly arguments: readonly string[];
}

const OUTSIDE: Entry = { path: "", arguments: [] };
const RELAY = join(import.meta.dirname, "relay-main.ts");

export class ClusterLauncher {
  private readonly options: ClusterLauncherOptions;

  constructor(options: ClusterLauncherOptions) {
    this.options = options;
  }

  /** Starts a program of ours: outside, in the network namespace, or on the node. */
  async launch(name: string, entry: Entry, ...command: readonly string[]): Promise<ServerProcess> {
    const [path = "", ...commandArguments] = entry === OUTSIDE ? command : [entry.path, ...entry.arguments, ...command];
    const process = await launchServer({
      name,
      path,
      arguments: commandArguments,
      logPath: join(this.options.layout.logDir, `${name}.log`),
      environment: systemEnvironment(),
      lifetime: this.options.lifetime,
    });
    this.options.onStart(process);
    return process;
  }

  /** The way in, and the API server's port on this machine's loopback. */
  async startRelay(localPort: number): Promise<void> {
    const { layout } = this.options;
    await this.launch("relay", enterNetwork(layout), process.execPath, RELAY, "listen", layout.relaySocket);
    const target = [layout.relaySocket, NODE_ADDRESS, String(API_PORT), String(localPort)];
    await this.launch("forward", OUTSIDE, process.execPath, RELAY, "forward", ...target);
  }

  /** etcd and the API server. The result is the API server, which is ready when etcd is. */
  async startApi(programs: ClusterPrograms, credentials: ClusterCredentials): Promise<ServerProcess> {
    const { layout } = this.options;
    const network = enterNetwork(layout);
    const etcd = etcdFlags({ dataDir: join(layout.stateDir, "etcd"), port: ETCD_PORT });
    await this.launch("etcd", network, programs.etcd, ...etcd);
    const flags = apiServerFlags({ etcdPort: ETCD_PORT, bindAddress: NODE_ADDRESS, port: API_PORT, ...credentials });
    const authority = `--kubelet-certificate-authority=${credentials.authority.caPath}`;
    return this.launch("kube-apiserver", network, programs["kube-apiserver"], ...flags, authority);
  }

  startContainerd(node: NodeNamespaces, files: NodeFiles): Promise<ServerProcess> {
    return this.launch("containerd", node.enter(), "containerd", "--config", files.containerd);
  }

  async startControllers(programs: ClusterPrograms, credentials: ClusterCredentials): Promise<void> {
    const network = enterNetwork(this.options.layout);
    const { kubeconfigs, authority, serviceAccountKeys } = credentials;
    const kubeconfigPath = kubeconfigs["controller-manager"];
    const manager = controllerManagerFlags({ kubeconfigPath, authority, serviceAccountKeys, controllers: ["*"] });
    await this.launch("kube-controller-manager", network, programs["kube-controller-manager"], ...manager);
    const scheduler = [`--kubeconfig=${kubeconfigs.scheduler}`, "--leader-elect=false", "--secure-port=0"];
    await this.launch("kube-scheduler", network, programs["kube-scheduler"], ...scheduler);
    await this.launch(
      "kube-proxy",
      network,
      programs["kube-proxy"],
      `--kubeconfig=${kubeconfigs.proxy}`,
      `--hostname-override=${this.options.layout.name}`,
      `--cluster-cidr=${POD_SUBNET}`,
      "--proxy-mode=nftables",
      // The table of connections is the whole machine's: its size is not ours to set.
      "--conntrack-max-per-core=0",
      "--conntrack-min=0",
    );
  }

  startKubelet(
    node: NodeNamespaces,
    programs: ClusterPrograms,
    credentials: ClusterCredentials,
    files: NodeFiles,
  ): Promise<ServerProcess> {
    return this.launch(
      "kubelet",
      node.enter(),
      programs.kubelet,
      `--config=${files.kubelet}`,
      `--kubeconfig=${credentials.kubeconfigs.kubelet}`,
      `--hostname-override=${this.options.layout.name}`,
      // A loopback address is refused.
      `--node-ip=${NODE_ADDRESS}`,
    );
  }

  startDns(programs: ClusterPrograms, files: NodeFiles): Promise<ServerProcess> {
    return this.launch("coredns", enterNetwork(this.options.layout), programs.coredns, "-conf", files.corefile);
  }
}
