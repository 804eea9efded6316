// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of controlplane/controlplane.proto for grpc-js.

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  ConsumerHeartbeatRequest,
  ConsumerHeartbeatResponse,
  ProcessorHeartbeatRequest,
  ProcessorHeartbeatResponse,
  RegisterConsumerRequest,
  RegisterConsumerResponse,
  RegisterProcessorRequest,
  RegisterProcessorResponse,
  RegisterSourceRequest,
  RegisterSourceResponse,
  SourceHeartbeatRequest,
  SourceHeartbeatResponse,
} from "../../messages/controlplane/controlplane.ts";

/**
 * ControlPlane keeps the registry of components: each registers once and then reports by heartbeat.
 * A success is a response with success = true; a failure is a gRPC status.
 */
export type ControlPlaneService = typeof ControlPlaneService;
export const ControlPlaneService = {
  /** RegisterProcessor announces a component that turns messages into messages. */
  registerProcessor: {
    path: "/obsrvr.flow.controlplane.ControlPlane/RegisterProcessor" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegisterProcessorRequest): Buffer =>
      Buffer.from(RegisterProcessorRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegisterProcessorRequest => RegisterProcessorRequest.decode(value),
    responseSerialize: (value: RegisterProcessorResponse): Buffer =>
      Buffer.from(RegisterProcessorResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): RegisterProcessorResponse => RegisterProcessorResponse.decode(value),
  },
  /** ProcessorHeartbeat tells that a registered processor is alive, and how it is doing. */
  processorHeartbeat: {
    path: "/obsrvr.flow.controlplane.ControlPlane/ProcessorHeartbeat" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ProcessorHeartbeatRequest): Buffer =>
      Buffer.from(ProcessorHeartbeatRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ProcessorHeartbeatRequest => ProcessorHeartbeatRequest.decode(value),
    responseSerialize: (value: ProcessorHeartbeatResponse): Buffer =>
      Buffer.from(ProcessorHeartbeatResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ProcessorHeartbeatResponse => ProcessorHeartbeatResponse.decode(value),
  },
  /** RegisterSource announces a component that brings messages into the system. */
  registerSource: {
    path: "/obsrvr.flow.controlplane.ControlPlane/RegisterSource" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegisterSourceRequest): Buffer =>
      Buffer.from(RegisterSourceRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegisterSourceRequest => RegisterSourceRequest.decode(value),
    responseSerialize: (value: RegisterSourceResponse): Buffer =>
      Buffer.from(RegisterSourceResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): RegisterSourceResponse => RegisterSourceResponse.decode(value),
  },
  /** SourceHeartbeat tells that a registered source is alive, and how it is doing. */
  sourceHeartbeat: {
    path: "/obsrvr.flow.controlplane.ControlPlane/SourceHeartbeat" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: SourceHeartbeatRequest): Buffer =>
      Buffer.from(SourceHeartbeatRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): SourceHeartbeatRequest => SourceHeartbeatRequest.decode(value),
    responseSerialize: (value: SourceHeartbeatResponse): Buffer =>
      Buffer.from(SourceHeartbeatResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): SourceHeartbeatResponse => SourceHeartbeatResponse.decode(value),
  },
  /** RegisterConsumer announces a component that takes messages out of the system. */
  registerConsumer: {
    path: "/obsrvr.flow.controlplane.ControlPlane/RegisterConsumer" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegisterConsumerRequest): Buffer =>
      Buffer.from(RegisterConsumerRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegisterConsumerRequest => RegisterConsumerRequest.decode(value),
    responseSerialize: (value: RegisterConsumerResponse): Buffer =>
      Buffer.from(RegisterConsumerResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): RegisterConsumerResponse => RegisterConsumerResponse.decode(value),
  },
  /** ConsumerHeartbeat tells that a registered consumer is alive, and how it is doing. */
  consumerHeartbeat: {
    path: "/obsrvr.flow.controlplane.ControlPlane/ConsumerHeartbeat" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ConsumerHeartbeatRequest): Buffer =>
      Buffer.from(ConsumerHeartbeatRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ConsumerHeartbeatRequest => ConsumerHeartbeatRequest.decode(value),
    responseSerialize: (value: ConsumerHeartbeatResponse): Buffer =>
      Buffer.from(ConsumerHeartbeatResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ConsumerHeartbeatResponse => ConsumerHeartbeatResponse.decode(value),
  },
} as const;

export interface ControlPlaneServer extends UntypedServiceImplementation {
  /** RegisterProcessor announces a component that turns messages into messages. */
  registerProcessor: handleUnaryCall<RegisterProcessorRequest, RegisterProcessorResponse>;
  /** ProcessorHeartbeat tells that a registered processor is alive, and how it is doing. */
  processorHeartbeat: handleUnaryCall<ProcessorHeartbeatRequest, ProcessorHeartbeatResponse>;
  /** RegisterSource announces a component that brings messages into the system. */
  registerSource: handleUnaryCall<RegisterSourceRequest, RegisterSourceResponse>;
  /** SourceHeartbeat tells that a registered source is alive, and how it is doing. */
  sourceHeartbeat: handleUnaryCall<SourceHeartbeatRequest, SourceHeartbeatResponse>;
  /** RegisterConsumer announces a component that takes messages out of the system. */
  registerConsumer: handleUnaryCall<RegisterConsumerRequest, RegisterConsumerResponse>;
  /** ConsumerHeartbeat tells that a registered consumer is alive, and how it is doing. */
  consumerHeartbeat: handleUnaryCall<ConsumerHeartbeatRequest, ConsumerHeartbeatResponse>;
}
