// The worker script that `beamline up --worker` runs: what it is told, and that it ends with its parent.
import type { ControlPlaneEndpoint } from "./endpoints.ts";
import { type SupervisedOptions, SupervisedProcess } from "./supervised-process.ts";

export interface WorkerOptions extends Pick<SupervisedOptions, "onLine" | "onUnexpectedExit"> {
  /** A script that this Node can run. */
  readonly script: string;
  readonly natsUrl: string;
  /** A .creds file, where NATS asks for one. */
  readonly credentialsFile?: string | undefined;
  /** Where it can register; nowhere when absent. */
  readonly controlPlane?: ControlPlaneEndpoint | undefined;
}

const PRELOAD = new URL("./exit-with-parent.ts", import.meta.url).href;

/**
 * It gets the server's URL as NATS_URL, its credentials file as NATS_CREDS, the control plane as CONTROL_PLANE_ADDRESSES, and
 * the file of its API key as CONTROL_PLANE_TOKEN_FILE.
 */
export function createWorkerProcess(options: WorkerOptions): SupervisedProcess {
  const { script, natsUrl, credentialsFile, controlPlane, onLine, onUnexpectedExit } = options;
  return new SupervisedProcess({
    args: ["--import", PRELOAD, script],
    environment: {
      ...process.env,
      NATS_URL: natsUrl,
      ...(credentialsFile === undefined ? {} : { NATS_CREDS: credentialsFile }),
      ...(controlPlane === undefined ? {} : { CONTROL_PLANE_ADDRESSES: controlPlane.address }),
      ...(controlPlane?.tokenFile === undefined ? {} : { CONTROL_PLANE_TOKEN_FILE: controlPlane.tokenFile }),
    },
    onLine,
    onUnexpectedExit,
  });
}
