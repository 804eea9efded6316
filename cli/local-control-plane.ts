// The control plane of `beamline up`: a child process, restarted when it ends, and found to serve before others are told of it.
import { existsSync } from "node:fs";
import { extname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BeamlineError } from "../runtime/errors.ts";
import { credentialsPath } from "./accounts/account-folder.ts";
import { type ControlPlaneKeys, prepareControlPlaneKeys } from "./control-plane-keys.ts";
import { askServing } from "./control-plane-serving.ts";
import type { ControlPlaneEndpoint } from "./endpoints.ts";
import { type SupervisedOptions, SupervisedProcess } from "./supervised-process.ts";
import { HOST, type UpSettings } from "./up-settings.ts";

export interface LocalControlPlaneOptions extends Pick<SupervisedOptions, "onLine" | "onUnexpectedExit"> {
  readonly settings: UpSettings;
  readonly port: number;
  readonly natsUrl: string;
  /** Folder of the accounts of a NATS that was made secure. */
  readonly accountsDir: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Ends the wait for it. */
  readonly signal: AbortSignal;
}

/** Source beside source, compiled beside compiled. */
const PROGRAM = join(import.meta.dirname, "..", "controlplane", `main${extname(import.meta.filename)}`);
const READY_TIMEOUT_MS = 30_000;
const READY_POLL_MS = 100;
const DRAIN = "600ms";
/** Settings of `up` itself, which the control plane takes over where it has them. */
const SHARED = /^BEAMLINE_(?:NATS|CONTROLPLANE|REGISTRY|ADMIN)_/;
/** Read by `beamline components`, no setting of a process. */
const TOKEN_VARIABLE = "BEAMLINE_CONTROLPLANE_TOKEN";

/** Names of the environment that are for the control plane: `up` gives them on and looks at them no further. */
export function isControlPlaneVariable(name: string): boolean {
  return /^BEAMLINE_(?:CONTROLPLANE|REGISTRY|ADMIN)_/.test(name);
}

export class LocalControlPlane {
  private readonly options: LocalControlPlaneOptions;
  private keys: ControlPlaneKeys | undefined;
  private process: SupervisedProcess | undefined;

  constructor(options: LocalControlPlaneOptions) {
    this.options = options;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** The owner's API key, when this start made it. */
  get newKey(): string | undefined {
    return this.keys?.newOwnerKey;
  }

  /** For commands of this machine's user. */
  get endpoint(): ControlPlaneEndpoint {
    return this.endpointWith(this.keys?.ownerKeyFile);
  }

  /** For the worker. */
  get workerEndpoint(): ControlPlaneEndpoint {
    return this.endpointWith(this.keys?.workerKeyFile);
  }

  /** Resolves when it serves. Throws PROCESS_FAILED when it is not there, DEADLINE_EXCEEDED when it does not serve in time. */
  async start(): Promise<void> {
    const { settings, onLine, onUnexpectedExit, signal } = this.options;
    if (!existsSync(PROGRAM)) throw new BeamlineError("PROCESS_FAILED", `the control plane ${PROGRAM} does not exist`);
    if (settings.secure !== undefined) this.keys = await prepareControlPlaneKeys(settings.dataDir);
    this.process = new SupervisedProcess({
      args: [PROGRAM],
      environment: this.environment(),
      onLine,
      onUnexpectedExit,
    });
    this.process.start();
    const endMs = performance.now() + READY_TIMEOUT_MS;
    while (!(await askServing({ addresses: [this.endpoint.address] })).serving) {
      if (performance.now() > endMs) {
        const message = `the control plane did not serve within ${READY_TIMEOUT_MS} ms`;
        const hint = `See its log in ${join(settings.dataDir, "logs")}, or run without it: --control-plane-port 0.`;
        throw new BeamlineError("DEADLINE_EXCEEDED", message, { hint });
      }
      await delay(READY_POLL_MS, undefined, { signal });
    }
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.process?.stop(deadlineMs);
  }

  private endpointWith(tokenFile: string | undefined): ControlPlaneEndpoint {
    const address = `${HOST}:${this.options.port}`;
    return tokenFile === undefined ? { address } : { address, tokenFile };
  }

  private environment(): NodeJS.ProcessEnv {
    const { settings, natsUrl, accountsDir, env } = this.options;
    const given = Object.entries(env).filter(([name]) => name !== TOKEN_VARIABLE && SHARED.test(name));
    const foreign = Object.entries(process.env).filter(([name]) => !name.startsWith("BEAMLINE_"));
    return {
      ...Object.fromEntries([...foreign, ...given]),
      BEAMLINE_CONTROLPLANE_ADDRESS: this.endpoint.address,
      BEAMLINE_NATS_URL: natsUrl,
      ...(accountsDir === undefined
        ? {}
        : { BEAMLINE_NATS_CREDENTIALS_FILE: credentialsPath(accountsDir, "controlplane") }),
      ...(this.keys === undefined
        ? {}
        : { BEAMLINE_CONTROLPLANE_AUTH: "api-key", BEAMLINE_CONTROLPLANE_API_KEYS_FILE: this.keys.keysFile }),
      BEAMLINE_CONTROLPLANE_POLICIES: "files",
      BEAMLINE_CONTROLPLANE_POLICIES_DIR: settings.policiesDir,
      BEAMLINE_CONTROLPLANE_STATUS_URL: `http://${HOST}:${settings.httpPort}/status`,
      BEAMLINE_HEALTH_HOST: HOST,
      BEAMLINE_HEALTH_PORT: String(controlPlaneHealthPort(settings)),
      BEAMLINE_DRAIN_TIMEOUT: DRAIN,
      BEAMLINE_PARENT_PIPE: "true",
    };
  }
}

/** The one after those of the routers. */
export function controlPlaneHealthPort({ healthPort, routers }: UpSettings): number {
  return healthPort + routers;
}
