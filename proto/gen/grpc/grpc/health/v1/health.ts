// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of grpc/health/v1/health.proto for grpc-js.

import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  HealthCheckRequest,
  HealthCheckResponse,
  HealthListRequest,
  HealthListResponse,
} from "../../../../messages/grpc/health/v1/health.ts";

/** Health is the standard health service of gRPC servers. */
export type HealthService = typeof HealthService;
export const HealthService = {
  /** Check tells the status of a service now; NOT_FOUND when the server does not know it. */
  check: {
    path: "/grpc.health.v1.Health/Check" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: HealthCheckRequest): Buffer => Buffer.from(HealthCheckRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): HealthCheckRequest => HealthCheckRequest.decode(value),
    responseSerialize: (value: HealthCheckResponse): Buffer => Buffer.from(HealthCheckResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): HealthCheckResponse => HealthCheckResponse.decode(value),
  },
  /** List tells the status of every service. */
  list: {
    path: "/grpc.health.v1.Health/List" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: HealthListRequest): Buffer => Buffer.from(HealthListRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): HealthListRequest => HealthListRequest.decode(value),
    responseSerialize: (value: HealthListResponse): Buffer => Buffer.from(HealthListResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): HealthListResponse => HealthListResponse.decode(value),
  },
  /** Watch tells the status of a service now and after every change. */
  watch: {
    path: "/grpc.health.v1.Health/Watch" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: HealthCheckRequest): Buffer => Buffer.from(HealthCheckRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): HealthCheckRequest => HealthCheckRequest.decode(value),
    responseSerialize: (value: HealthCheckResponse): Buffer => Buffer.from(HealthCheckResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): HealthCheckResponse => HealthCheckResponse.decode(value),
  },
} as const;

export interface HealthServer extends UntypedServiceImplementation {
  /** Check tells the status of a service now; NOT_FOUND when the server does not know it. */
  check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse>;
  /** List tells the status of every service. */
  list: handleUnaryCall<HealthListRequest, HealthListResponse>;
  /** Watch tells the status of a service now and after every change. */
  watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse>;
}
