// A whole Kubernetes on one machine: control plane, a node that runs pods, Services and DNS, in a network of its own.
import { access, copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { findFreePort } from "../../cli/nats-server-probe.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import { type ApiEndpoint, isReady } from "./api-request.ts";
import { makeCgroup } from "./cgroup.ts";
import { type ClusterCredentials, makeCredentials } from "./cluster-credentials.ts";
import { type ClusterLayout, layoutOf } from "./cluster-layout.ts";
import { ClusterLauncher, type ClusterPrograms } from "./cluster-processes.ts";
import { permitDns, waitForCluster } from "./cluster-readiness.ts";
import { addProcess, readRecord, removeCluster, removeOrphans, writeRecord } from "./cluster-record.ts";
import type { Progress } from "./executable.ts";
import { findPrograms } from "./find-program.ts";
import { writeImage } from "./image.ts";
import { enterNetwork, makeNetwork } from "./network.ts";
import { CONTAINERD_SOCKET, PAUSE_IMAGE, writeNodeFiles } from "./node-files.ts";
import { enterNodeOf, holdNamespaces, type NodeNamespaces } from "./node-namespaces.ts";
import { type ProcessRecord, recordProcess, stillRuns } from "./process-record.ts";
import { NODE_PROGRAMS } from "./programs.ts";
import { type Forward, forwardInto } from "./relay.ts";
import { findCniDirectory, missingForNode } from "./requirements.ts";
import { waitUntilReady } from "./server-process.ts";
import { runCommand } from "./system-command.ts";

export interface StartClusterOptions {
  readonly name: string;
  readonly progress: Progress;
  /** `parent`: it goes with this process. `detached`: it stays until it is removed. */
  readonly lifetime: "parent" | "detached";
}

/** What can be signalled; the kubelet and containerd are processes of the node, with ids of its own. */
export type ClusterPart =
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kube-proxy"
  | "coredns";

const HOST = "127.0.0.1";
const READY_DEADLINE_MS = 120_000;
/** A first build of everything, on a machine slower than ours; for the `timeout` of hooks that start a cluster. */
export const CLUSTER_START_TIMEOUT_MS = 2_400_000;

/**
 * Starts a cluster and waits until its node takes pods. Throws BeamlineError UNAVAILABLE with all that the machine lacks,
 * USAGE_INVALID when a cluster of that name runs, PROCESS_FAILED or DEADLINE_EXCEEDED with the end of a log. After a failure
 * nothing is left but the logs.
 */
export async function startCluster(options: StartClusterOptions): Promise<Cluster> {
  const missing = await missingForNode();
  if (missing.length > 0) {
    throw new BeamlineError(
      "UNAVAILABLE",
      `this machine cannot run a node:\n${missing.map((line) => `- ${line}`).join("\n")}`,
    );
  }
  const layout = layoutOf(options.name);
  await removeOrphans(options.progress);
  await clearLeftovers(layout, options.progress);
  const programs: ClusterPrograms = await findPrograms(NODE_PROGRAMS, { progress: options.progress });
  try {
    return await bringUp(layout, programs, options);
  } catch (error) {
    await removeCluster(layout);
    throw error;
  }
}

async function clearLeftovers(layout: ClusterLayout, progress: Progress): Promise<void> {
  const record = readRecord(layout);
  if (record?.processes.some(stillRuns) === true) {
    throw new BeamlineError("USAGE_INVALID", `a cluster named ${layout.name} is up already`, {
      hint: `End it with \`npm run cluster -- down --name ${layout.name}\`, or choose another name.`,
    });
  }
  if (record !== undefined) progress(`removing what is left of an earlier ${layout.name}`);
  await removeCluster(layout);
  await rm(layout.logDir, { recursive: true, force: true });
  await mkdir(layout.logDir, { recursive: true });
}

async function bringUp(
  layout: ClusterLayout,
  programs: ClusterPrograms,
  { lifetime, progress }: StartClusterOptions,
): Promise<Cluster> {
  const port = await findFreePort(HOST);
  const url = `https://${HOST}:${port}`;
  const owner = lifetime === "parent" ? { owner: recordProcess("owner", process.pid) } : {};
  writeRecord(layout, { url, token: "", ...owner, processes: [] });
  await makeNetwork(layout);
  await makeCgroup(layout.cgroup);
  const credentials = await makeCredentials(layout, url);
  writeRecord(layout, { url, token: credentials.token, ...owner, processes: [] });
  const cluster = new Cluster(layout, { url, caPem: credentials.authority.caPem, token: credentials.token });
  const launcher = new ClusterLauncher({ layout, lifetime, onStart: ({ name, pid }) => addProcess(layout, name, pid) });
  progress(`starting the control plane of ${layout.name}`);
  await launcher.startRelay(port);
  const apiServer = await launcher.startApi(programs, credentials);
  const startNode = await prepareNode(layout, programs, credentials, launcher, lifetime);
  await waitUntilReady(apiServer, () => isReady(cluster), READY_DEADLINE_MS);
  progress("starting the node");
  await permitDns(cluster);
  await launcher.startControllers(programs, credentials);
  await startNode(cluster);
  await waitForCluster(cluster, layout, READY_DEADLINE_MS);
  return cluster;
}

/** containerd while the API server comes up; what is returned does the rest when it is there. */
async function prepareNode(
  layout: ClusterLayout,
  programs: ClusterPrograms,
  credentials: ClusterCredentials,
  launcher: ClusterLauncher,
  lifetime: StartClusterOptions["lifetime"],
): Promise<(cluster: Cluster) => Promise<void>> {
  const node = await holdNamespaces(layout, programs.pause, lifetime);
  addProcess(layout, node.process.name, node.process.pid);
  const files = await writeNodeFiles({
    layout,
    cniPluginDir: (await findCniDirectory()) ?? "",
    caPath: credentials.authority.caPath,
    kubeletServing: credentials.kubeletServing,
    dnsKubeconfigPath: credentials.kubeconfigs.dns,
  });
  const containerd = await launcher.startContainerd(node, files);
  return async (cluster) => {
    await launcher.startDns(programs, files);
    await waitUntilReady(containerd, () => answers(node), READY_DEADLINE_MS);
    const pauseImage = join(layout.stateDir, "pause.tar");
    await writeImage(pauseImage, {
      reference: PAUSE_IMAGE,
      files: { "/pause": programs.pause },
      entrypoint: ["/pause"],
    });
    await cluster.loadImage(pauseImage);
    await launcher.startKubelet(node, programs, credentials, files);
  };
}

function answers(node: NodeNamespaces): Promise<boolean> {
  const { path, arguments: entry } = node.enter();
  return runCommand(path, ...entry, "ctr", "--address", CONTAINERD_SOCKET, "version").then(
    () => true,
    () => false,
  );
}

/** A cluster that was started by another process; undefined when there is none of that name, or it is not up. */
export async function openCluster(name: string): Promise<Cluster | undefined> {
  const layout = layoutOf(name);
  const record = readRecord(layout);
  if (record === undefined || !record.processes.some(stillRuns)) return undefined;
  const caPem = await readFile(join(layout.pkiDir, "ca.crt"), "utf8");
  return new Cluster(layout, { url: record.url, token: record.token, caPem });
}

export class Cluster implements ApiEndpoint, AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly caPem: string;
  /** The administrator's, like `kubeconfigPath`. Both work from outside the cluster's network. */
  readonly token: string;
  readonly kubeconfigPath: string;
  readonly logDir: string;
  private readonly layout: ClusterLayout;

  constructor(layout: ClusterLayout, endpoint: ApiEndpoint) {
    this.name = layout.name;
    this.url = endpoint.url;
    this.caPem = endpoint.caPem;
    this.token = endpoint.token;
    this.kubeconfigPath = layout.kubeconfigPath;
    this.logDir = layout.logDir;
    this.layout = layout;
  }

  /** A loopback port of this machine that leads to an address in the cluster: a Service's, a pod's, the node's. */
  forward(host: string, port: number): Promise<Forward> {
    return forwardInto(this.layout.relaySocket, { host, port });
  }

  /** What to put before a program so that it runs in the cluster's network, with the addresses of Services and pods. */
  enter(): readonly string[] {
    const { path, arguments: entry } = enterNetwork(this.layout);
    return [path, ...entry];
  }

  /** Makes an image (a docker-archive tar) known to the node; pods name it with `imagePullPolicy: IfNotPresent` or `Never`. */
  async loadImage(tarPath: string): Promise<void> {
    const outer = this.processes().find(({ name }) => name === "node");
    if (outer === undefined) throw new BeamlineError("UNAVAILABLE", `the node of ${this.name} does not run`);
    // The node has a /run and processes of its own; a path on the disk is the same for it.
    await access(tarPath).catch((error: unknown) => {
      throw new BeamlineError("INPUT_MISSING", `the image ${tarPath} cannot be read: ${reasonOf(error)}`, {
        cause: error,
      });
    });
    const visible = join(this.layout.stateDir, `image-${process.pid}.tar`);
    await copyFile(tarPath, visible);
    try {
      const { path, arguments: entry } = await enterNodeOf(outer.pid);
      const ctr = ["ctr", "--address", CONTAINERD_SOCKET, "--namespace", "k8s.io"];
      await runCommand(path, ...entry, ...ctr, "images", "import", visible);
    } finally {
      await rm(visible, { force: true });
    }
  }

  /** Sends a signal and does not wait: SIGSTOP makes a part that is there and does not answer, SIGCONT wakes it. */
  signal(part: ClusterPart, signal: NodeJS.Signals): void {
    const found = this.processes().find(({ name }) => name === part);
    if (found === undefined || !stillRuns(found)) {
      throw new BeamlineError("UNAVAILABLE", `the ${part} of ${this.name} does not run`);
    }
    process.kill(found.pid, signal);
  }

  /** All of its processes that were started, whether they still run or not. */
  processes(): readonly ProcessRecord[] {
    return readRecord(this.layout)?.processes ?? [];
  }

  /** Ends everything at once and removes everything but the logs. */
  stop(): Promise<void> {
    return removeCluster(this.layout);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
