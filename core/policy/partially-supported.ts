// Fields that are accepted though their machinery is not built yet: a status names those that the user wrote.
import type { BeamlineObject, ObjectKind } from "./spec.ts";

interface LaterField {
  readonly path: string;
  /** Values that work already; any other value counts. */
  readonly supported?: (object: BeamlineObject) => boolean;
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
    { path: "spec.pipeline" },
  ],
  Provider: [
    { path: "spec.maxInFlight" },
    {
      path: "spec.registration",
      supported: (object) => object.kind !== "Provider" || object.spec.registration !== "Required",
    },
  ],
  Tenant: [{ path: "spec.rateLimit" }, { path: "spec.sharePercent" }],
  Router: [{ path: "spec.autoscaling" }, { path: "spec.nats" }, { path: "spec.drain" }, { path: "spec.image" }],
};

/** Paths of the fields of this object that the user wrote and that do nothing yet, such as `spec.rateLimit`. */
export function listPartiallySupported(object: BeamlineObject): readonly string[] {
  const written = new Set(object.explicit ?? []);
  return laterFields[object.kind]
    .filter(({ path, supported }) => written.has(path) && supported?.(object) !== true)
    .map(({ path }) => path);
}
