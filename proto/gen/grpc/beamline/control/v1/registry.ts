// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of beamline/control/v1/registry.proto for grpc-js.

import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  BatchHeartbeatRequest,
  BatchHeartbeatResponse,
  ConfigureRequest,
  ConfigureResponse,
  DiscoverRequest,
  DiscoverResponse,
  GetRequest,
  GetResponse,
  HeartbeatsRequest,
  HeartbeatsResponse,
  ListRequest,
  ListResponse,
  UnregisterRequest,
  UnregisterResponse,
  WatchConfigurationRequest,
  WatchConfigurationResponse,
  WatchRequest,
  WatchResponse,
} from "../../../../messages/beamline/control/v1/registry.ts";

/**
 * Registry is what obsrvr.flow.controlplane.ControlPlane has no call for: reading, watching, removing and configuring
 * components, and heartbeats of many components in one message. Both services act on the same registry.
 */
export type RegistryService = typeof RegistryService;
export const RegistryService = {
  /** Unregister removes a component that ends in order. */
  unregister: {
    path: "/beamline.control.v1.Registry/Unregister" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: UnregisterRequest): Buffer => Buffer.from(UnregisterRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): UnregisterRequest => UnregisterRequest.decode(value),
    responseSerialize: (value: UnregisterResponse): Buffer => Buffer.from(UnregisterResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): UnregisterResponse => UnregisterResponse.decode(value),
  },
  /** Get reads one component. */
  get: {
    path: "/beamline.control.v1.Registry/Get" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetRequest): Buffer => Buffer.from(GetRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetRequest => GetRequest.decode(value),
    responseSerialize: (value: GetResponse): Buffer => Buffer.from(GetResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetResponse => GetResponse.decode(value),
  },
  /** List reads components, a page at a time. */
  list: {
    path: "/beamline.control.v1.Registry/List" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ListRequest): Buffer => Buffer.from(ListRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ListRequest => ListRequest.decode(value),
    responseSerialize: (value: ListResponse): Buffer => Buffer.from(ListResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ListResponse => ListResponse.decode(value),
  },
  /** Discover finds the live components that take or give an event type. */
  discover: {
    path: "/beamline.control.v1.Registry/Discover" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: DiscoverRequest): Buffer => Buffer.from(DiscoverRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): DiscoverRequest => DiscoverRequest.decode(value),
    responseSerialize: (value: DiscoverResponse): Buffer => Buffer.from(DiscoverResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): DiscoverResponse => DiscoverResponse.decode(value),
  },
  /** Watch tells every change of the registry in order, after the components as they stand. */
  watch: {
    path: "/beamline.control.v1.Registry/Watch" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: WatchRequest): Buffer => Buffer.from(WatchRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): WatchRequest => WatchRequest.decode(value),
    responseSerialize: (value: WatchResponse): Buffer => Buffer.from(WatchResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): WatchResponse => WatchResponse.decode(value),
  },
  /** Heartbeats keeps components alive over one stream; each request gets one response, in order. */
  heartbeats: {
    path: "/beamline.control.v1.Registry/Heartbeats" as const,
    requestStream: true as const,
    responseStream: true as const,
    requestSerialize: (value: HeartbeatsRequest): Buffer => Buffer.from(HeartbeatsRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): HeartbeatsRequest => HeartbeatsRequest.decode(value),
    responseSerialize: (value: HeartbeatsResponse): Buffer => Buffer.from(HeartbeatsResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): HeartbeatsResponse => HeartbeatsResponse.decode(value),
  },
  /** BatchHeartbeat keeps many components alive with one call. */
  batchHeartbeat: {
    path: "/beamline.control.v1.Registry/BatchHeartbeat" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: BatchHeartbeatRequest): Buffer =>
      Buffer.from(BatchHeartbeatRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): BatchHeartbeatRequest => BatchHeartbeatRequest.decode(value),
    responseSerialize: (value: BatchHeartbeatResponse): Buffer =>
      Buffer.from(BatchHeartbeatResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): BatchHeartbeatResponse => BatchHeartbeatResponse.decode(value),
  },
  /** Configure sets what a component shall run with; the component gets it from WatchConfiguration. */
  configure: {
    path: "/beamline.control.v1.Registry/Configure" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ConfigureRequest): Buffer => Buffer.from(ConfigureRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ConfigureRequest => ConfigureRequest.decode(value),
    responseSerialize: (value: ConfigureResponse): Buffer => Buffer.from(ConfigureResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ConfigureResponse => ConfigureResponse.decode(value),
  },
  /** WatchConfiguration gives a component its configuration now and after every change. */
  watchConfiguration: {
    path: "/beamline.control.v1.Registry/WatchConfiguration" as const,
    requestStream: false as const,
    responseStream: true as const,
    requestSerialize: (value: WatchConfigurationRequest): Buffer =>
      Buffer.from(WatchConfigurationRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): WatchConfigurationRequest => WatchConfigurationRequest.decode(value),
    responseSerialize: (value: WatchConfigurationResponse): Buffer =>
      Buffer.from(WatchConfigurationResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): WatchConfigurationResponse => WatchConfigurationResponse.decode(value),
  },
} as const;

export interface RegistryServer extends UntypedServiceImplementation {
  /** Unregister removes a component that ends in order. */
  unregister: handleUnaryCall<UnregisterRequest, UnregisterResponse>;
  /** Get reads one component. */
  get: handleUnaryCall<GetRequest, GetResponse>;
  /** List reads components, a page at a time. */
  list: handleUnaryCall<ListRequest, ListResponse>;
  /** Discover finds the live components that take or give an event type. */
  discover: handleUnaryCall<DiscoverRequest, DiscoverResponse>;
  /** Watch tells every change of the registry in order, after the components as they stand. */
  watch: handleServerStreamingCall<WatchRequest, WatchResponse>;
  /** Heartbeats keeps components alive over one stream; each request gets one response, in order. */
  heartbeats: handleBidiStreamingCall<HeartbeatsRequest, HeartbeatsResponse>;
  /** BatchHeartbeat keeps many components alive with one call. */
  batchHeartbeat: handleUnaryCall<BatchHeartbeatRequest, BatchHeartbeatResponse>;
  /** Configure sets what a component shall run with; the component gets it from WatchConfiguration. */
  configure: handleUnaryCall<ConfigureRequest, ConfigureResponse>;
  /** WatchConfiguration gives a component its configuration now and after every change. */
  watchConfiguration: handleServerStreamingCall<WatchConfigurationRequest, WatchConfigurationResponse>;
}
