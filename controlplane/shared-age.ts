// A header on answers that read the registry: how old what the other replicas know may be here.
import { type Metadata, ServerInterceptingCall, type ServerInterceptor } from "@grpc/grpc-js";

/** Milliseconds; absent when this control plane shares its registry with nobody, `unknown` when it never read the others'. */
export const SHARED_AGE_HEADER = "beamline-shared-age-ms";

const READING_METHODS: ReadonlySet<string> = new Set([
  "/beamline.control.v1.Registry/Get",
  "/beamline.control.v1.Registry/List",
  "/beamline.control.v1.Registry/Discover",
  "/beamline.control.v1.Registry/Watch",
  "/flowctl.v1.ControlPlaneService/GetComponentStatus",
  "/flowctl.v1.ControlPlaneService/ListComponents",
  "/flowctl.v1.ControlPlaneService/DiscoverComponents",
]);

/** @param ageMs undefined: it was never read */
export function createSharedAgeInterceptor(ageMs: () => number | undefined): ServerInterceptor {
  return (method, call) => {
    if (!READING_METHODS.has(method.path)) return call as ServerInterceptingCall;
    return new ServerInterceptingCall(call, {
      sendMetadata: (metadata: Metadata, next) => {
        const age = ageMs();
        metadata.set(SHARED_AGE_HEADER, age === undefined ? "unknown" : String(Math.round(age)));
        next(metadata);
      },
    });
  };
}
