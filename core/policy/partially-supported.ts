// Fields that are accepted though they have no effect, here or yet: a status names those that the user wrote.
import type { BeamlineObject, ObjectKind } from "./spec.ts";

/** What the installation gives and bounds, whatever an object asks for. */
export interface InstallationLimits {
  /** Largest message that its routers take in. */
  readonly maxPayloadBytes: number;
  /** Whether its routers know the registry of components, which is in the NATS account of the installation only. */
  readonly hasRegistry: boolean;
}

/** Of routers that are told nothing else (BEAMLINE_MAX_PAYLOAD_BYTES). */
export const DEFAULT_LIMITS: InstallationLimits = { maxPayloadBytes: 1_048_576, hasRegistry: true };

/** What routers run on: children of the operator on one machine, or pods. */
export type Platform = "processes" | "kubernetes";

interface LaterField {
  readonly path: string;
  /** Where it works already; nowhere when absent. */
  readonly worksOn?: Platform;
  /** Values that work already; any other value counts. */
  readonly supported?: (object: BeamlineObject, limits: InstallationLimits) => boolean;
}

/** Remove a row when its machinery is built: nothing else has to change. */
const laterFields: Readonly<Record<ObjectKind, readonly LaterField[]>> = {
  RoutingPolicy: [
    {
      path: "spec.sticky.mode",
      supported: (object) => object.kind !== "RoutingPolicy" || object.spec.sticky?.mode !== "Pinned",
    },
    { path: "spec.sticky.ttl" },
    { path: "spec.rateLimit" },
    { path: "spec.circuitBreaker" },
    { path: "spec.retryPolicy" },
    {
      path: "spec.retryAmbiguous",
      supported: (object) => object.kind !== "RoutingPolicy" || !object.spec.retryAmbiguous,
    },
    { path: "spec.assignment.ackTimeout" },
    { path: "spec.assignment.maxAttempts" },
    {
      path: "spec.validation.maxPayloadBytes",
      supported: (object, { maxPayloadBytes }) =>
        object.kind !== "RoutingPolicy" || object.spec.validation.maxPayloadBytes <= maxPayloadBytes,
    },
  ],
  Provider: [
    { path: "spec.failureDomain" },
    { path: "spec.maxInFlight" },
    {
      path: "spec.registration",
      supported: (object, { hasRegistry }) =>
        hasRegistry || object.kind !== "Provider" || object.spec.registration !== "Required",
    },
  ],
  Tenant: [{ path: "spec.rateLimit" }, { path: "spec.sharePercent" }],
  Router: [
    { path: "spec.autoscaling", worksOn: "kubernetes" },
    { path: "spec.nats", worksOn: "kubernetes" },
    { path: "spec.drain", worksOn: "kubernetes" },
    { path: "spec.image", worksOn: "kubernetes" },
    { path: "spec.pod", worksOn: "kubernetes" },
  ],
  Pipeline: [],
};

/**
 * Paths of the fields of this object that the user wrote and that have no effect, such as `spec.rateLimit`. Only of a Router
 * it matters on which platform.
 */
export function listPartiallySupported(
  object: BeamlineObject,
  limits: InstallationLimits = DEFAULT_LIMITS,
  platform: Platform = "processes",
): readonly string[] {
  const written = new Set(object.explicit ?? []);
  return laterFields[object.kind]
    .filter(({ path, worksOn, supported }) => {
      return written.has(path) && worksOn !== platform && supported?.(object, limits) !== true;
    })
    .map(({ path }) => path);
}
