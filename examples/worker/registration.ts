// Lets the control plane know of the worker, where there is one: who it is, whom it works for, and how much it has done.
import { hostname } from "node:os";
import type { ControlPlane } from "../../controlplane/client/connect.ts";
import type { RegisteredComponent } from "../../controlplane/client/registered-component.ts";
import { type ControlPlaneValues, controlPlaneOf, tellEvents } from "../control-plane.ts";

export interface RegistrationOptions extends ControlPlaneValues {
  /** `namespace/name` of the Provider that the worker works for. */
  readonly provider: string;
}

export interface WorkerRegistration {
  readonly component: RegisteredComponent;
  readonly controlPlane: ControlPlane;
}

/** Returns at once, and the worker works whether a control plane answers or not. */
export function registerWorker(options: RegistrationOptions, natsServer: string): WorkerRegistration {
  const controlPlane = controlPlaneOf(options);
  const component = controlPlane.registerProcessor({
    id: `worker-${hostname()}-${process.pid}`.replaceAll(/[^A-Za-z0-9._:-]/g, "-"),
    // How the worker is reached.
    endpoint: `nats://${natsServer}`,
    metadata: { provider: options.provider },
    onEvent: tellEvents("worker"),
  });
  return { component, controlPlane };
}
