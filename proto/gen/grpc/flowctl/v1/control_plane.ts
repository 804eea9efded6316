// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of flowctl/v1/control_plane.proto for grpc-js.

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  ComponentStatusRequest,
  ComponentStatusResponse,
  DiscoveryRequest,
  DiscoveryResponse,
  HeartbeatRequest,
  ListComponentsRequest,
  ListComponentsResponse,
  RegisterRequest,
  RegisterResponse,
  UnregisterRequest,
} from "../../../messages/flowctl/v1/control_plane.ts";
import {
  Empty,
} from "../../../messages/google/protobuf/empty.ts";

/** ControlPlaneService is the registry as the published flowctl SDKs call it. */
export type ControlPlaneServiceService = typeof ControlPlaneServiceService;
export const ControlPlaneServiceService = {
  /** RegisterComponent announces a component. */
  registerComponent: {
    path: "/flowctl.v1.ControlPlaneService/RegisterComponent" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: RegisterRequest): Buffer => Buffer.from(RegisterRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): RegisterRequest => RegisterRequest.decode(value),
    responseSerialize: (value: RegisterResponse): Buffer => Buffer.from(RegisterResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): RegisterResponse => RegisterResponse.decode(value),
  },
  /** UnregisterComponent removes a component; one that is not registered is removed already. */
  unregisterComponent: {
    path: "/flowctl.v1.ControlPlaneService/UnregisterComponent" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: UnregisterRequest): Buffer => Buffer.from(UnregisterRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): UnregisterRequest => UnregisterRequest.decode(value),
    responseSerialize: (value: Empty): Buffer => Buffer.from(Empty.encode(value).finish()),
    responseDeserialize: (value: Buffer): Empty => Empty.decode(value),
  },
  /** DiscoverComponents finds live components by role, event types and properties. */
  discoverComponents: {
    path: "/flowctl.v1.ControlPlaneService/DiscoverComponents" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: DiscoveryRequest): Buffer => Buffer.from(DiscoveryRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): DiscoveryRequest => DiscoveryRequest.decode(value),
    responseSerialize: (value: DiscoveryResponse): Buffer => Buffer.from(DiscoveryResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): DiscoveryResponse => DiscoveryResponse.decode(value),
  },
  /** Heartbeat tells that a component is alive, and how it is doing. */
  heartbeat: {
    path: "/flowctl.v1.ControlPlaneService/Heartbeat" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: HeartbeatRequest): Buffer => Buffer.from(HeartbeatRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): HeartbeatRequest => HeartbeatRequest.decode(value),
    responseSerialize: (value: Empty): Buffer => Buffer.from(Empty.encode(value).finish()),
    responseDeserialize: (value: Buffer): Empty => Empty.decode(value),
  },
  /** GetComponentStatus reads one component. */
  getComponentStatus: {
    path: "/flowctl.v1.ControlPlaneService/GetComponentStatus" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ComponentStatusRequest): Buffer =>
      Buffer.from(ComponentStatusRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ComponentStatusRequest => ComponentStatusRequest.decode(value),
    responseSerialize: (value: ComponentStatusResponse): Buffer =>
      Buffer.from(ComponentStatusResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ComponentStatusResponse => ComponentStatusResponse.decode(value),
  },
  /** ListComponents reads components. */
  listComponents: {
    path: "/flowctl.v1.ControlPlaneService/ListComponents" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ListComponentsRequest): Buffer =>
      Buffer.from(ListComponentsRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ListComponentsRequest => ListComponentsRequest.decode(value),
    responseSerialize: (value: ListComponentsResponse): Buffer =>
      Buffer.from(ListComponentsResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ListComponentsResponse => ListComponentsResponse.decode(value),
  },
} as const;

export interface ControlPlaneServiceServer extends UntypedServiceImplementation {
  /** RegisterComponent announces a component. */
  registerComponent: handleUnaryCall<RegisterRequest, RegisterResponse>;
  /** UnregisterComponent removes a component; one that is not registered is removed already. */
  unregisterComponent: handleUnaryCall<UnregisterRequest, Empty>;
  /** DiscoverComponents finds live components by role, event types and properties. */
  discoverComponents: handleUnaryCall<DiscoveryRequest, DiscoveryResponse>;
  /** Heartbeat tells that a component is alive, and how it is doing. */
  heartbeat: handleUnaryCall<HeartbeatRequest, Empty>;
  /** GetComponentStatus reads one component. */
  getComponentStatus: handleUnaryCall<ComponentStatusRequest, ComponentStatusResponse>;
  /** ListComponents reads components. */
  listComponents: handleUnaryCall<ListComponentsRequest, ListComponentsResponse>;
}
