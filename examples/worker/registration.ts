// Lets the control plane know of the worker, where there is one: who it is, whom it works for, and how much it has done.
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { type ControlPlane, connectControlPlane } from "../../controlplane/client/connect.ts";
import type { RegisteredComponent } from "../../controlplane/client/registered-component.ts";

export interface RegistrationOptions {
  /** host:port of the control plane, or of several with commas between. */
  readonly addresses: string;
  /** File with an API key or a token; empty where none is asked for. */
  readonly tokenFile: string;
  /** `namespace/name` of the Provider that the worker works for. */
  readonly provider: string;
  /** host:port of NATS: that is how the worker is reached. */
  readonly natsServer: string;
}

export interface WorkerRegistration {
  readonly component: RegisteredComponent;
  readonly controlPlane: ControlPlane;
}

/** Returns at once, and the worker works whether a control plane answers or not. */
export function registerWorker({
  addresses,
  tokenFile,
  provider,
  natsServer,
}: RegistrationOptions): WorkerRegistration {
  const controlPlane = connectControlPlane({
    addresses: addresses.split(","),
    // Read again for each call, so that the file may be replaced.
    ...(tokenFile === "" ? {} : { token: () => readFileSync(tokenFile, "utf8").trim() }),
  });
  const component = controlPlane.registerProcessor({
    id: `worker-${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9._:-]/g, "-"),
    endpoint: `nats://${natsServer}`,
    metadata: { provider },
    onEvent: (event) => {
      const message = "message" in event ? `: ${event.message}` : "";
      console.error(`worker: control plane: ${event.kind}${message}`);
    },
  });
  return { component, controlPlane };
}
