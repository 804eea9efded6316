// Generated from the .proto files by `npm run generate`. Do not edit.
// The services of beamline/flow/v1/admin.proto for grpc-js.

import type { handleUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import {
  DeletePolicyRequest,
  DeletePolicyResponse,
  GetCheckpointStatusRequest,
  GetCheckpointStatusResponse,
  GetPolicyRequest,
  GetPolicyResponse,
  GetValidatorsHealthRequest,
  GetValidatorsHealthResponse,
  ListPoliciesRequest,
  ListPoliciesResponse,
  UpsertPolicyRequest,
  UpsertPolicyResponse,
} from "../../../../messages/beamline/flow/v1/admin.ts";

/** RouterAdmin manages policies and reports the state of the router, for operators. */
export type RouterAdminService = typeof RouterAdminService;
export const RouterAdminService = {
  /** UpsertPolicy creates a tenant's policy or replaces it. */
  upsertPolicy: {
    path: "/beamline.flow.v1.RouterAdmin/UpsertPolicy" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: UpsertPolicyRequest): Buffer => Buffer.from(UpsertPolicyRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): UpsertPolicyRequest => UpsertPolicyRequest.decode(value),
    responseSerialize: (value: UpsertPolicyResponse): Buffer =>
      Buffer.from(UpsertPolicyResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): UpsertPolicyResponse => UpsertPolicyResponse.decode(value),
  },
  /** DeletePolicy removes a tenant's policy. */
  deletePolicy: {
    path: "/beamline.flow.v1.RouterAdmin/DeletePolicy" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: DeletePolicyRequest): Buffer => Buffer.from(DeletePolicyRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): DeletePolicyRequest => DeletePolicyRequest.decode(value),
    responseSerialize: (value: DeletePolicyResponse): Buffer =>
      Buffer.from(DeletePolicyResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): DeletePolicyResponse => DeletePolicyResponse.decode(value),
  },
  /** GetPolicy reads one policy. */
  getPolicy: {
    path: "/beamline.flow.v1.RouterAdmin/GetPolicy" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetPolicyRequest): Buffer => Buffer.from(GetPolicyRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetPolicyRequest => GetPolicyRequest.decode(value),
    responseSerialize: (value: GetPolicyResponse): Buffer => Buffer.from(GetPolicyResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetPolicyResponse => GetPolicyResponse.decode(value),
  },
  /** ListPolicies reads all policies of a tenant. */
  listPolicies: {
    path: "/beamline.flow.v1.RouterAdmin/ListPolicies" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: ListPoliciesRequest): Buffer => Buffer.from(ListPoliciesRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): ListPoliciesRequest => ListPoliciesRequest.decode(value),
    responseSerialize: (value: ListPoliciesResponse): Buffer =>
      Buffer.from(ListPoliciesResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): ListPoliciesResponse => ListPoliciesResponse.decode(value),
  },
  /** GetCheckpointStatus reports the contract checkpoint that this build was made for. */
  getCheckpointStatus: {
    path: "/beamline.flow.v1.RouterAdmin/GetCheckpointStatus" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetCheckpointStatusRequest): Buffer =>
      Buffer.from(GetCheckpointStatusRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetCheckpointStatusRequest => GetCheckpointStatusRequest.decode(value),
    responseSerialize: (value: GetCheckpointStatusResponse): Buffer =>
      Buffer.from(GetCheckpointStatusResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetCheckpointStatusResponse => GetCheckpointStatusResponse.decode(value),
  },
  /** GetValidatorsHealth reports whether the validators of incoming messages are serving. */
  getValidatorsHealth: {
    path: "/beamline.flow.v1.RouterAdmin/GetValidatorsHealth" as const,
    requestStream: false as const,
    responseStream: false as const,
    requestSerialize: (value: GetValidatorsHealthRequest): Buffer =>
      Buffer.from(GetValidatorsHealthRequest.encode(value).finish()),
    requestDeserialize: (value: Buffer): GetValidatorsHealthRequest => GetValidatorsHealthRequest.decode(value),
    responseSerialize: (value: GetValidatorsHealthResponse): Buffer =>
      Buffer.from(GetValidatorsHealthResponse.encode(value).finish()),
    responseDeserialize: (value: Buffer): GetValidatorsHealthResponse => GetValidatorsHealthResponse.decode(value),
  },
} as const;

export interface RouterAdminServer extends UntypedServiceImplementation {
  /** UpsertPolicy creates a tenant's policy or replaces it. */
  upsertPolicy: handleUnaryCall<UpsertPolicyRequest, UpsertPolicyResponse>;
  /** DeletePolicy removes a tenant's policy. */
  deletePolicy: handleUnaryCall<DeletePolicyRequest, DeletePolicyResponse>;
  /** GetPolicy reads one policy. */
  getPolicy: handleUnaryCall<GetPolicyRequest, GetPolicyResponse>;
  /** ListPolicies reads all policies of a tenant. */
  listPolicies: handleUnaryCall<ListPoliciesRequest, ListPoliciesResponse>;
  /** GetCheckpointStatus reports the contract checkpoint that this build was made for. */
  getCheckpointStatus: handleUnaryCall<GetCheckpointStatusRequest, GetCheckpointStatusResponse>;
  /** GetValidatorsHealth reports whether the validators of incoming messages are serving. */
  getValidatorsHealth: handleUnaryCall<GetValidatorsHealthRequest, GetValidatorsHealthResponse>;
}
