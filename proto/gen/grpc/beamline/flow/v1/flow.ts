// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of beamline/flow/v1/flow.proto for grpc-js.

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  RouteDecision,
  RouteRequest,
} from "../../../../messages/beamline/flow/v1/flow.ts";

/**
 * Router decides which provider a message goes to. The same messages travel over NATS on
 * beamline.router.v1.decide.
 */
export type RouterService = typeof RouterService;
export const RouterService = {
  /** Decide chooses a provider for one message under the tenant's policy. */
  decide: {
    path: "/beamline.flow.v1.Router/Decide" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RouteRequest): Buffer => Buffer.from(RouteRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RouteRequest => RouteRequest.decode(value),
    responseSerialize: (value: RouteDecision): Buffer => Buffer.from(RouteDecision.encode(value).finish()),
    responseDeserialize: (value: Buffer): RouteDecision => RouteDecision.decode(value),
  },
} as const;

export interface RouterServer extends UntypedServiceImplementation {
  /** Decide chooses a provider for one message under the tenant's policy. */
  decide: handleUnaryCall<RouteRequest, RouteDecision>;
}
