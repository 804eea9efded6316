// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of beamline/provider/v1/provider.proto for grpc-js.

import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  ProviderRequest,
  ProviderResponse,
  StreamChunk,
} from "../../../../messages/beamline/provider/v1/provider.ts";

/** Provider does the work that a routing decision assigned to it. */
export type ProviderService = typeof ProviderService;
export const ProviderService = {
  /** Invoke does one piece of work and answers once. */
  invoke: {
    path: "/beamline.provider.v1.Provider/Invoke" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ProviderRequest): Buffer => Buffer.from(ProviderRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ProviderRequest => ProviderRequest.decode(value),
    responseSerialize: (value: ProviderResponse): Buffer => Buffer.from(ProviderResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ProviderResponse => ProviderResponse.decode(value),
  },
  /** InvokeStream does one piece of work and answers in pieces. */
  invokeStream: {
    path: "/beamline.provider.v1.Provider/InvokeStream" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: ProviderRequest): Buffer => Buffer.from(ProviderRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ProviderRequest => ProviderRequest.decode(value),
    responseSerialize: (value: StreamChunk): Buffer => Buffer.from(StreamChunk.encode(value).finish()),
    responseDeserialize: (value: Buffer): StreamChunk => StreamChunk.decode(value),
  },
} as const;

export interface ProviderServer extends UntypedServiceImplementation {
  /** Invoke does one piece of work and answers once. */
  invoke: handleUnaryCall<ProviderRequest, ProviderResponse>;
  /** InvokeStream does one piece of work and answers in pieces. */
  invokeStream: handleServerStreamingCall<ProviderRequest, StreamChunk>;
}
