// Beamline as a user installs it, on a whole cluster: images loaded, a volume for NATS, helm install, kubectl.
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { isAuthorizationError } from "../../runtime/nats/connect-failure.ts";
import { eventually } from "../support/await.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import type { Cluster } from "./cluster.ts";
import { writeExamplesImage } from "./examples-image.ts";
import { findClient, findProgram } from "./find-program.ts";
import { startTestCluster } from "./for-tests.ts";
import { buildProductImage, type CodeChange, writeNatsImage } from "./product-image.ts";
import type { Forward } from "./relay.ts";
import { runCommand } from "./system-command.ts";

export const NAMESPACE = "beamline-system";
export const RELEASE = "beamline";
/** Of a pod that starts, and of what waits for one. */
export const DEADLINE_MS = 120_000;
const CHART_DIR = join(import.meta.dirname, "..", "..");
const CLI = join(CHART_DIR, "cli", "main.ts");
const WIDE_OPEN = 0o777;

/** A cluster with everything that `helm install` needs, and what a person does with it. */
export class Installation implements AsyncDisposable {
  readonly cluster: Cluster;
  private readonly folder: TempDir;
  private readonly programs: Readonly<Record<"kubectl" | "helm", string>>;
  private forwarded: Forward | undefined;

  private constructor(parts: {
    readonly cluster: Cluster;
    readonly folder: TempDir;
    readonly programs: Readonly<Record<"kubectl" | "helm", string>>;
  }) {
    this.cluster = parts.cluster;
    this.folder = parts.folder;
    this.programs = parts.programs;
  }

  /** Starts a cluster, or skips the test or suite of `context` with all that the machine lacks. Installs nothing. */
  static async prepare(context: Mocha.Context, suffix: string): Promise<Installation> {
    const cluster = await startTestCluster(context, suffix);
    const folder = await makeTempDir("beamline-installation-");
    const programs = {
      kubectl: await findClient("kubectl", { progress: console.error }),
      helm: await findProgram("helm", { progress: console.error }),
    };
    const installation = new Installation({ cluster, folder, programs });
    for (const write of [buildProductImage, writeNatsImage, writeExamplesImage] as const) {
      const tar = join(folder.path, "image.tar");
      await write(tar);
      await cluster.loadImage(tar);
    }
    await installation.addVolume("nats-0");
    await installation.kubectl("create", "namespace", NAMESPACE);
    await installation.kubectl(
      "label",
      "namespace",
      NAMESPACE,
      "pod-security.kubernetes.io/enforce=restricted",
      "pod-security.kubernetes.io/enforce-version=latest",
    );
    return installation;
  }

  kubectl(...kubectlArguments: readonly string[]): Promise<string> {
    return runCommand(this.programs.kubectl, "--kubeconfig", this.cluster.kubeconfigPath, ...kubectlArguments);
  }

  /** For a kubectl that goes on, such as a watch. */
  kubectlCommand(): readonly [program: string, ...leading: string[]] {
    return [this.programs.kubectl, "--kubeconfig", this.cluster.kubeconfigPath];
  }

  /** `kubectl --namespace beamline-system`. */
  inNamespace(...kubectlArguments: readonly string[]): Promise<string> {
    return this.kubectl("--namespace", NAMESPACE, ...kubectlArguments);
  }

  helm(...helmArguments: readonly string[]): Promise<string> {
    return runCommand(
      this.programs.helm,
      "--kubeconfig",
      this.cluster.kubeconfigPath,
      "--namespace",
      NAMESPACE,
      ...helmArguments,
    );
  }

  /** `helm install beamline . --wait` in the repository's root. */
  install(...helmArguments: readonly string[]): Promise<string> {
    return this.helm("install", RELEASE, CHART_DIR, "--wait", "--timeout=110s", ...helmArguments);
  }

  upgrade(...helmArguments: readonly string[]): Promise<string> {
    return this.helm("upgrade", RELEASE, CHART_DIR, "--wait", "--timeout=110s", ...helmArguments);
  }

  /** Makes an image of the same product that calls itself by another version, as a next release would. */
  async loadRelease(reference: string, version: string, change?: CodeChange): Promise<void> {
    const tar = join(this.folder.path, "release.tar");
    await buildProductImage(tar, { reference, version, ...(change === undefined ? {} : { change }) });
    await this.cluster.loadImage(tar);
  }

  /** A connection from outside the cluster, as a person of this role (`producer`, `worker`, `operator`) signs in. */
  async connectNats(role: string): Promise<NatsConnection> {
    const address = await this.inNamespace("get", "service", "beamline-nats", "--output=jsonpath={.spec.clusterIP}");
    this.forwarded ??= await this.cluster.forward(address, 4222);
    const creds = await this.credentials(role);
    return connect({
      servers: `127.0.0.1:${this.forwarded.port}`,
      name: `test-${role}`,
      authenticator: credsAuthenticator(creds),
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
    });
  }

  async credentials(role: string): Promise<Uint8Array> {
    const secret = ["get", "secret", `beamline-nats-${role}`, "--output=jsonpath={.data.nats\\.creds}"];
    return Buffer.from(await this.inNamespace(...secret), "base64");
  }

  /** Whether NATS does not let these credentials in. */
  async isRefused(creds: Uint8Array): Promise<boolean> {
    const authenticator = credsAuthenticator(creds);
    try {
      const nc = await connect({
        servers: await this.natsUrl(),
        name: "test-refused",
        authenticator,
        reconnect: false,
      });
      await nc.close();
      return false;
    } catch (error) {
      if (isAuthorizationError(error)) return true;
      throw error;
    }
  }

  /** The command `beamline` as the cluster's administrator runs it. */
  cli(...cliArguments: readonly string[]): Promise<string> {
    return runCommand("env", `KUBECONFIG=${this.cluster.kubeconfigPath}`, process.execPath, CLI, ...cliArguments);
  }

  /** Where NATS of the release is, for programs on this machine. */
  async natsUrl(): Promise<string> {
    await (await this.connectNats("producer")).close();
    return `nats://127.0.0.1:${this.forwarded?.port}`;
  }

  /** Waits until `kubectl get … --output=jsonpath` gives what is wanted. */
  whenShown(wanted: string, jsonPath: string, ...what: readonly string[]): Promise<string> {
    let last = "";
    return eventually(
      async () => {
        last = await this.kubectl("get", ...what, `--output=jsonpath=${jsonPath}`);
        return last === wanted ? last : undefined;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `${what.join(" ")} ${jsonPath} is ${wanted}: ${last}`, everyMs: 250 },
    );
  }

  /** A persistent volume without a class, which a claim without a class takes. */
  private async addVolume(name: string): Promise<void> {
    const path = join(this.folder.path, "volumes", name);
    await mkdir(path, { recursive: true });
    // The user of the pod is none of this machine's.
    for (const folder of [this.folder.path, join(this.folder.path, "volumes"), path]) await chmod(folder, WIDE_OPEN);
    const volume = {
      apiVersion: "v1",
      kind: "PersistentVolume",
      metadata: { name },
      spec: { capacity: { storage: "10Gi" }, accessModes: ["ReadWriteOnce"], hostPath: { path } },
    };
    await this.kubectl("create", "--filename", await this.write(`${name}.json`, JSON.stringify(volume)));
  }

  /** Writes a file and returns its path: for what a person would have in an editor. */
  async write(name: string, text: string): Promise<string> {
    const path = join(this.folder.path, name);
    await writeFile(path, text);
    return path;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.forwarded?.[Symbol.asyncDispose]();
    await this.cluster.stop();
    await this.folder.remove();
  }
}
