// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of externalscaler/externalscaler.proto for grpc-js.

import type { handleServerStreamingCall, handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  GetMetricSpecResponse,
  GetMetricsRequest,
  GetMetricsResponse,
  IsActiveResponse,
  ScaledObjectRef,
} from "../../messages/externalscaler/externalscaler.ts";

/** ExternalScaler is what KEDA calls to learn how much work waits. */
export type ExternalScalerService = typeof ExternalScalerService;
export const ExternalScalerService = {
  /** IsActive tells whether there is any work: without it a workload is scaled to zero. */
  isActive: {
    path: "/externalscaler.ExternalScaler/IsActive" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ScaledObjectRef): Buffer => Buffer.from(ScaledObjectRef.encode(value).finish()),
    requestDeserialize: (value: Buffer): ScaledObjectRef => ScaledObjectRef.decode(value),
    responseSerialize: (value: IsActiveResponse): Buffer => Buffer.from(IsActiveResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): IsActiveResponse => IsActiveResponse.decode(value),
  },
  /** StreamIsActive tells the same whenever it changes. */
  streamIsActive: {
    path: "/externalscaler.ExternalScaler/StreamIsActive" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: ScaledObjectRef): Buffer => Buffer.from(ScaledObjectRef.encode(value).finish()),
    requestDeserialize: (value: Buffer): ScaledObjectRef => ScaledObjectRef.decode(value),
    responseSerialize: (value: IsActiveResponse): Buffer => Buffer.from(IsActiveResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): IsActiveResponse => IsActiveResponse.decode(value),
  },
  /** GetMetricSpec tells which metrics there are and the value of each that one replica shall bear. */
  getMetricSpec: {
    path: "/externalscaler.ExternalScaler/GetMetricSpec" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ScaledObjectRef): Buffer => Buffer.from(ScaledObjectRef.encode(value).finish()),
    requestDeserialize: (value: Buffer): ScaledObjectRef => ScaledObjectRef.decode(value),
    responseSerialize: (value: GetMetricSpecResponse): Buffer =>
      Buffer.from(GetMetricSpecResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetMetricSpecResponse => GetMetricSpecResponse.decode(value),
  },
  /** GetMetrics reads one metric. */
  getMetrics: {
    path: "/externalscaler.ExternalScaler/GetMetrics" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetMetricsRequest): Buffer => Buffer.from(GetMetricsRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetMetricsRequest => GetMetricsRequest.decode(value),
    responseSerialize: (value: GetMetricsResponse): Buffer => Buffer.from(GetMetricsResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetMetricsResponse => GetMetricsResponse.decode(value),
  },
  /** StreamMetricSpec tells the metrics now and whenever their targets change. */
  streamMetricSpec: {
    path: "/externalscaler.ExternalScaler/StreamMetricSpec" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: ScaledObjectRef): Buffer => Buffer.from(ScaledObjectRef.encode(value).finish()),
    requestDeserialize: (value: Buffer): ScaledObjectRef => ScaledObjectRef.decode(value),
    responseSerialize: (value: GetMetricSpecResponse): Buffer =>
      Buffer.from(GetMetricSpecResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetMetricSpecResponse => GetMetricSpecResponse.decode(value),
  },
} as const;

export interface ExternalScalerServer extends UntypedServiceImplementation {
  /** IsActive tells whether there is any work: without it a workload is scaled to zero. */
  isActive: handleUnaryCall<ScaledObjectRef, IsActiveResponse>;
  /** StreamIsActive tells the same whenever it changes. */
  streamIsActive: handleServerStreamingCall<ScaledObjectRef, IsActiveResponse>;
  /** GetMetricSpec tells which metrics there are and the value of each that one replica shall bear. */
  getMetricSpec: handleUnaryCall<ScaledObjectRef, GetMetricSpecResponse>;
  /** GetMetrics reads one metric. */
  getMetrics: handleUnaryCall<GetMetricsRequest, GetMetricsResponse>;
  /** StreamMetricSpec tells the metrics now and whenever their targets change. */
  streamMetricSpec: handleServerStreamingCall<ScaledObjectRef, GetMetricSpecResponse>;
}
