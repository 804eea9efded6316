// What the manifests of a Router are made from, and what each of them is: plain data for any client of the API.
import type { RouterKey } from "../../config/entry.ts";
import type { RouterSpec } from "../../policy/spec.ts";

/** An object of the Kubernetes API as it shall be: the whole intent of one server-side apply. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly namespace: string;
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** What holds for every Router of an installation. */
export interface RouterInstallation {
  /** Of routers whose object names none. */
  readonly image: string;
  readonly imagePullPolicy: "Always" | "IfNotPresent" | "Never";
  /** Names of Secrets, in the Router's namespace, with which images are pulled. */
  readonly imagePullSecrets: readonly string[];
  /** Value of app.kubernetes.io/part-of. */
  readonly partOf: string;
  /** Value of app.kubernetes.io/instance: the release. */
  readonly instance: string;
  /**
   * Ports of NATS pods besides those of the URL: a NetworkPolicy judges the port of the pod, which a Service may map from
   * another one.
   */
  readonly natsPorts: readonly number[];
}

/** Secrets of the Router's namespace that its pods mount. */
export interface MountedSecrets {
  /** Has `nats.creds`. */
  readonly credentials?: string;
  /** Has `ca.crt`. */
  readonly tls?: string;
  /** Whether `tls` has `tls.crt` and `tls.key` too. */
  readonly clientCertificate?: boolean;
}

/** One Router, ready to be written down. */
export interface RouterWorkload {
  readonly router: RouterKey;
  readonly spec: RouterSpec;
  readonly environment: Readonly<Record<string, string>>;
  /** Undefined leaves the number to whoever scales. */
  readonly replicas: number | undefined;
  readonly secrets: MountedSecrets;
  /** Whether a roll-out stands still. */
  readonly paused: boolean;
  readonly installation: RouterInstallation;
}
