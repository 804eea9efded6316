// An API server alone, with its etcd, on free loopback ports and a folder of its own: what most tests of the operator need.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { BeamlineError } from "../../runtime/errors.ts";
import { type ApiEndpoint, isReady } from "./api-request.ts";
import {
  type ApiServerFiles,
  type ApiServerPart,
  makeApiServerDir,
  prepareApiServer,
  removeOrphanDirs,
} from "./api-server-files.ts";
import type { SignedCertificate } from "./certificates.ts";
import type { Progress } from "./executable.ts";
import { findPrograms } from "./find-program.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { API_SERVER_PROGRAMS, type ProgramName } from "./programs.ts";
import { launchServer, type ServerProcess, waitUntilReady } from "./server-process.ts";

export interface StartApiServerOptions {
  /** Told about builds; standard error when absent. */
  readonly progress?: Progress;
  /** Added to kube-apiserver's command line, such as `--max-requests-inflight=5`. */
  readonly extraFlags?: readonly string[];
  /**
   * Names of controllers to run beside it, such as `namespace-controller` (without it a deleted namespace stays for ever) or
   * `garbage-collector-controller` (without it nothing follows its owner). None when absent: then also no ServiceAccount is
   * asked of a pod.
   */
  readonly controllers?: readonly string[];
}

/** A first build of the programs, on a machine slower than ours; for the `timeout` of hooks that start one. */
export const API_SERVER_START_TIMEOUT_MS = 1_200_000;
/** Ready 3 s after its start on two idle cores. */
const READY_DEADLINE_MS = 120_000;
/** A port that was free may be taken before the server has it. */
const MAX_PORT_ATTEMPTS = 4;
const PORT_TAKEN = /address already in use/;
const ETCD_PROBE_TIMEOUT_MS = 2_000;

/**
 * Starts etcd and kube-apiserver (and controllers, when asked for) and waits until the API is ready. Any number may run side
 * by side. All end with this process, however it ends. Throws BeamlineError UNAVAILABLE when a program is missing and cannot
 * be built, PROCESS_FAILED or DEADLINE_EXCEEDED with the end of the log when one does not come up.
 */
export async function startApiServer(options: StartApiServerOptions = {}): Promise<ApiServer> {
  const progress = options.progress ?? ((line) => process.stderr.write(`${line}\n`));
  const { controllers = [], extraFlags = [] } = options;
  const names: readonly ProgramName[] =
    controllers.length === 0 ? API_SERVER_PROGRAMS : [...API_SERVER_PROGRAMS, "kube-controller-manager"];
  const programs = await findPrograms(names, { progress });
  await removeOrphanDirs();
  for (let attempt = 1; ; attempt++) {
    const directory = await makeApiServerDir();
    const server = new ApiServer(await prepareApiServer(directory, { controllers, extraFlags }), programs);
    try {
      await server.restart();
      return server;
    } catch (error) {
      await server.stop();
      const portTaken = error instanceof BeamlineError && PORT_TAKEN.test(error.message);
      if (!portTaken || attempt >= MAX_PORT_ATTEMPTS) throw error;
      progress(`a port was taken meanwhile, trying others (${attempt} of ${MAX_PORT_ATTEMPTS})`);
    }
  }
}

export class ApiServer implements ApiEndpoint, AsyncDisposable {
  readonly url: string;
  readonly caPem: string;
  /** A bearer token of the cluster's administrator. */
  readonly token: string;
  /** A certificate of the same person, and the kubeconfig that holds it. */
  readonly clientCert: SignedCertificate;
  readonly kubeconfigPath: string;
  /** Holds one log a process, until `stop`. */
  readonly logDir: string;
  private readonly files: ApiServerFiles;
  private readonly programs: Readonly<Partial<Record<ProgramName, string>>>;
  private readonly processes = new Map<ApiServerPart, ServerProcess>();

  /** Starts nothing yet; `startApiServer` is how to get one. */
  constructor(files: ApiServerFiles, programs: Readonly<Partial<Record<ProgramName, string>>>) {
    this.url = files.url;
    this.caPem = files.caPem;
    this.token = files.token;
    this.clientCert = files.clientCert;
    this.kubeconfigPath = files.kubeconfigPath;
    this.logDir = files.logDir;
    this.files = files;
    this.programs = programs;
  }

  /** A client certificate for somebody else, and a kubeconfig with it. They may do what RBAC grants that name. */
  async signIn(
    user: string,
    groups: readonly string[] = [],
  ): Promise<SignedCertificate & { readonly kubeconfigPath: string }> {
    const fileName = `user-${Buffer.from(user).toString("hex")}`;
    const client = await this.files.authority.signClient(fileName, user, groups);
    const kubeconfigPath = join(this.files.directory, `${fileName}.kubeconfig`);
    await writeKubeconfig(kubeconfigPath, { url: this.url, caPem: this.caPem, client });
    return { ...client, kubeconfigPath };
  }

  /** Of the processes that run, in the order in which they started. */
  processIds(): readonly number[] {
    return [...this.processes.values()].filter((each) => each.running()).map((each) => each.pid);
  }

  /** Sends a signal and does not wait: SIGSTOP makes a server that is there and does not answer, SIGCONT wakes it. */
  signal(part: ApiServerPart, signal: NodeJS.Signals): void {
    this.processOf(part).signal(signal);
  }

  /** kill -9, and waits until the process is gone. `restart` brings it back. */
  async kill(part: ApiServerPart): Promise<void> {
    await this.processOf(part).end("SIGKILL");
  }

  /** Ends a process (all, when none is named) if it still runs, starts it on the same port and data, waits until ready. */
  async restart(part?: ApiServerPart): Promise<void> {
    const parts = part === undefined ? this.files.parts : [part];
    for (const each of parts.toReversed()) await this.processes.get(each)?.end();
    for (const each of parts) await this.start(each);
    const apiServer = this.processes.get("kube-apiserver");
    if (part === "etcd" && apiServer?.running() === true) await this.waitUntilReady(apiServer, "kube-apiserver");
  }

  /** Ends everything at once and removes its folder. */
  async stop(): Promise<void> {
    await Promise.all([...this.processes.values()].map((each) => each.end("SIGKILL")));
    await rm(this.files.directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private processOf(part: ApiServerPart): ServerProcess {
    const found = this.processes.get(part);
    if (found === undefined) throw new Error(`${part} is no part of this API server, which has ${this.files.parts}`);
    return found;
  }

  private async start(part: ApiServerPart): Promise<void> {
    const process = await launchServer({
      name: part,
      path: this.programs[part] ?? part,
      arguments: this.files.flags[part],
      logPath: join(this.logDir, `${part}.log`),
      lifetime: "parent",
    });
    this.processes.set(part, process);
    await this.waitUntilReady(process, part);
  }

  private waitUntilReady(process: ServerProcess, part: ApiServerPart): Promise<void> {
    return waitUntilReady(process, () => this.probe(part), READY_DEADLINE_MS);
  }

  private async probe(part: ApiServerPart): Promise<boolean> {
    if (part === "kube-apiserver") return isReady(this);
    // It has no port; whether it works shows in what it controls.
    if (part === "kube-controller-manager") return true;
    return fetch(`${this.files.etcdUrl}/health`, { signal: AbortSignal.timeout(ETCD_PROBE_TIMEOUT_MS) }).then(
      (response) => response.ok,
      () => false,
    );
  }
}
