// Generated from the .proto files by `npm run generate`. Do not edit.
// The messages and their fields as plain data, for readers that check bytes and JSON against the schema.

/** A scalar type of proto3. */
export type ScalarName =
  | "double" | "float" | "int64" | "uint64" | "int32" | "uint32" | "sint32" | "sint64"
  | "fixed32" | "fixed64" | "sfixed32" | "sfixed64" | "bool" | "string" | "bytes";

/** One field: its number, its .proto name, its JSON name, and its type. */
export interface FieldRow {
  readonly number: number;
  readonly name: string;
  readonly jsonName: string;
  readonly type: ScalarName | "message" | "enum" | "map";
  readonly repeated: boolean;
  /** Full name of the message type, of a map's values too. */
  readonly message?: string;
  readonly mapKey?: ScalarName;
  readonly mapValue?: ScalarName | "message" | "enum";
}

/** One message and its fields, ordered by number. */
export interface MessageRow {
  readonly name: string;
  readonly fields: readonly FieldRow[];
}

/** Every message, by full name. */
export const schemaTable: Record<string, MessageRow> = {
  "beamline.compat.v1.DecideConstraints": {
    name: "beamline.compat.v1.DecideConstraints",
    fields: [
      { number: 1, name: "max_latency_ms", jsonName: "maxLatencyMs", type: "int64", repeated: false },
      { number: 2, name: "max_cost", jsonName: "maxCost", type: "double", repeated: false },
    ],
  },
  "beamline.compat.v1.DecideDecision": {
    name: "beamline.compat.v1.DecideDecision",
    fields: [
      { number: 1, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 2, name: "priority", jsonName: "priority", type: "int32", repeated: false },
      { number: 3, name: "expected_latency_ms", jsonName: "expectedLatencyMs", type: "int64", repeated: false },
      { number: 4, name: "expected_cost", jsonName: "expectedCost", type: "double", repeated: false },
      { number: 5, name: "reason", jsonName: "reason", type: "string", repeated: false },
      { number: 6, name: "metadata", jsonName: "metadata", type: "message", repeated: false, message: "google.protobuf.Struct" },
    ],
  },
  "beamline.compat.v1.DecideRequest": {
    name: "beamline.compat.v1.DecideRequest",
    fields: [
      { number: 1, name: "version", jsonName: "version", type: "string", repeated: false },
      { number: 2, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
      { number: 3, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 4, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 5, name: "task", jsonName: "task", type: "message", repeated: false, message: "beamline.compat.v1.DecideTask" },
      { number: 6, name: "policy_id", jsonName: "policyId", type: "string", repeated: false },
      { number: 7, name: "constraints", jsonName: "constraints", type: "message", repeated: false, message: "beamline.compat.v1.DecideConstraints" },
      { number: 8, name: "metadata", jsonName: "metadata", type: "message", repeated: false, message: "google.protobuf.Struct" },
      { number: 9, name: "push_assignment", jsonName: "pushAssignment", type: "bool", repeated: false },
      { number: 10, name: "assignment_subject", jsonName: "assignmentSubject", type: "string", repeated: false },
      { number: 11, name: "options", jsonName: "options", type: "message", repeated: false, message: "google.protobuf.Struct" },
      { number: 12, name: "run_id", jsonName: "runId", type: "string", repeated: false },
      { number: 13, name: "flow_id", jsonName: "flowId", type: "string", repeated: false },
      { number: 14, name: "step_id", jsonName: "stepId", type: "string", repeated: false },
      { number: 15, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
      { number: 16, name: "span_id", jsonName: "spanId", type: "string", repeated: false },
    ],
  },
  "beamline.compat.v1.DecideResponse": {
    name: "beamline.compat.v1.DecideResponse",
    fields: [
      { number: 1, name: "ok", jsonName: "ok", type: "bool", repeated: false },
      { number: 2, name: "decision", jsonName: "decision", type: "message", repeated: false, message: "beamline.compat.v1.DecideDecision" },
      { number: 3, name: "context", jsonName: "context", type: "message", repeated: false, message: "beamline.compat.v1.ResponseContext" },
    ],
  },
  "beamline.compat.v1.DecideTask": {
    name: "beamline.compat.v1.DecideTask",
    fields: [
      { number: 1, name: "type", jsonName: "type", type: "string", repeated: false },
      { number: 2, name: "payload_ref", jsonName: "payloadRef", type: "string", repeated: false },
      { number: 3, name: "payload", jsonName: "payload", type: "message", repeated: false, message: "google.protobuf.Struct" },
    ],
  },
  "beamline.compat.v1.ErrorDetail": {
    name: "beamline.compat.v1.ErrorDetail",
    fields: [
      { number: 1, name: "code", jsonName: "code", type: "string", repeated: false },
      { number: 2, name: "message", jsonName: "message", type: "string", repeated: false },
      { number: 3, name: "details", jsonName: "details", type: "message", repeated: false, message: "google.protobuf.Struct" },
      { number: 4, name: "intake_error_code", jsonName: "intakeErrorCode", type: "string", repeated: false },
    ],
  },
  "beamline.compat.v1.ErrorResponse": {
    name: "beamline.compat.v1.ErrorResponse",
    fields: [
      { number: 1, name: "ok", jsonName: "ok", type: "bool", repeated: false },
      { number: 2, name: "error", jsonName: "error", type: "message", repeated: false, message: "beamline.compat.v1.ErrorDetail" },
      { number: 3, name: "context", jsonName: "context", type: "message", repeated: false, message: "beamline.compat.v1.ResponseContext" },
    ],
  },
  "beamline.compat.v1.ResponseContext": {
    name: "beamline.compat.v1.ResponseContext",
    fields: [
      { number: 1, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
      { number: 2, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
    ],
  },
  "beamline.compat.v1.UsageEvent": {
    name: "beamline.compat.v1.UsageEvent",
    fields: [
      { number: 1, name: "version", jsonName: "version", type: "string", repeated: false },
      { number: 2, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 3, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 4, name: "event_type", jsonName: "eventType", type: "string", repeated: false },
      { number: 5, name: "latency_ms", jsonName: "latencyMs", type: "int64", repeated: false },
      { number: 6, name: "cost", jsonName: "cost", type: "double", repeated: false },
      { number: 7, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 8, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 9, name: "timestamp", jsonName: "timestamp", type: "int64", repeated: false },
      { number: 10, name: "assignment_id", jsonName: "assignmentId", type: "string", repeated: false },
      { number: 11, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.BatchHeartbeatRequest": {
    name: "beamline.control.v1.BatchHeartbeatRequest",
    fields: [
      { number: 1, name: "heartbeats", jsonName: "heartbeats", type: "message", repeated: true, message: "beamline.control.v1.Heartbeat" },
    ],
  },
  "beamline.control.v1.BatchHeartbeatResponse": {
    name: "beamline.control.v1.BatchHeartbeatResponse",
    fields: [
      { number: 1, name: "accepted", jsonName: "accepted", type: "int32", repeated: false },
      { number: 2, name: "failures", jsonName: "failures", type: "message", repeated: true, message: "beamline.control.v1.HeartbeatFailure" },
    ],
  },
  "beamline.control.v1.Component": {
    name: "beamline.control.v1.Component",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
      { number: 3, name: "instance", jsonName: "instance", type: "string", repeated: false },
      { number: 4, name: "endpoint", jsonName: "endpoint", type: "string", repeated: false },
      { number: 5, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
      { number: 6, name: "input_event_types", jsonName: "inputEventTypes", type: "string", repeated: true },
      { number: 7, name: "output_event_types", jsonName: "outputEventTypes", type: "string", repeated: true },
      { number: 8, name: "registered_at", jsonName: "registeredAt", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 9, name: "ttl", jsonName: "ttl", type: "message", repeated: false, message: "google.protobuf.Duration" },
      { number: 10, name: "liveness", jsonName: "liveness", type: "enum", repeated: false },
      { number: 11, name: "last_seen_at", jsonName: "lastSeenAt", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 12, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 13, name: "metrics", jsonName: "metrics", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
      { number: 14, name: "configuration", jsonName: "configuration", type: "message", repeated: false, message: "beamline.control.v1.ConfigurationState" },
      { number: 15, name: "liveness_since", jsonName: "livenessSince", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 16, name: "held", jsonName: "held", type: "bool", repeated: false },
      { number: 17, name: "endpoint_health", jsonName: "endpointHealth", type: "enum", repeated: false },
    ],
  },
  "beamline.control.v1.ComponentFilter": {
    name: "beamline.control.v1.ComponentFilter",
    fields: [
      { number: 1, name: "kinds", jsonName: "kinds", type: "enum", repeated: true },
      { number: 2, name: "liveness", jsonName: "liveness", type: "enum", repeated: true },
      { number: 3, name: "statuses", jsonName: "statuses", type: "string", repeated: true },
      { number: 4, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
      { number: 5, name: "event_types", jsonName: "eventTypes", type: "string", repeated: true },
    ],
  },
  "beamline.control.v1.ConfigurationReport": {
    name: "beamline.control.v1.ConfigurationReport",
    fields: [
      { number: 1, name: "applied_revision", jsonName: "appliedRevision", type: "uint64", repeated: false },
      { number: 2, name: "refused_revision", jsonName: "refusedRevision", type: "uint64", repeated: false },
      { number: 3, name: "error", jsonName: "error", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.ConfigurationState": {
    name: "beamline.control.v1.ConfigurationState",
    fields: [
      { number: 1, name: "desired_revision", jsonName: "desiredRevision", type: "uint64", repeated: false },
      { number: 2, name: "applied_revision", jsonName: "appliedRevision", type: "uint64", repeated: false },
      { number: 3, name: "error", jsonName: "error", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.ConfigureRequest": {
    name: "beamline.control.v1.ConfigureRequest",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
      { number: 3, name: "configuration", jsonName: "configuration", type: "message", repeated: false, message: "google.protobuf.Struct" },
      { number: 4, name: "expected_revision", jsonName: "expectedRevision", type: "uint64", repeated: false },
    ],
  },
  "beamline.control.v1.ConfigureResponse": {
    name: "beamline.control.v1.ConfigureResponse",
    fields: [
      { number: 1, name: "revision", jsonName: "revision", type: "uint64", repeated: false },
      { number: 2, name: "digest", jsonName: "digest", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.DiscoverRequest": {
    name: "beamline.control.v1.DiscoverRequest",
    fields: [
      { number: 1, name: "input_event_types", jsonName: "inputEventTypes", type: "string", repeated: true },
      { number: 2, name: "output_event_types", jsonName: "outputEventTypes", type: "string", repeated: true },
      { number: 3, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 4, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "beamline.control.v1.DiscoverResponse": {
    name: "beamline.control.v1.DiscoverResponse",
    fields: [
      { number: 1, name: "components", jsonName: "components", type: "message", repeated: true, message: "beamline.control.v1.Component" },
    ],
  },
  "beamline.control.v1.GetRequest": {
    name: "beamline.control.v1.GetRequest",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.GetResponse": {
    name: "beamline.control.v1.GetResponse",
    fields: [
      { number: 1, name: "component", jsonName: "component", type: "message", repeated: false, message: "beamline.control.v1.Component" },
    ],
  },
  "beamline.control.v1.Heartbeat": {
    name: "beamline.control.v1.Heartbeat",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
      { number: 3, name: "instance", jsonName: "instance", type: "string", repeated: false },
      { number: 4, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 5, name: "metrics", jsonName: "metrics", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
      { number: 6, name: "configuration", jsonName: "configuration", type: "message", repeated: false, message: "beamline.control.v1.ConfigurationReport" },
    ],
  },
  "beamline.control.v1.HeartbeatFailure": {
    name: "beamline.control.v1.HeartbeatFailure",
    fields: [
      { number: 1, name: "index", jsonName: "index", type: "int32", repeated: false },
      { number: 2, name: "code", jsonName: "code", type: "int32", repeated: false },
      { number: 3, name: "message", jsonName: "message", type: "string", repeated: false },
      { number: 4, name: "reason", jsonName: "reason", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.HeartbeatsRequest": {
    name: "beamline.control.v1.HeartbeatsRequest",
    fields: [
      { number: 1, name: "heartbeats", jsonName: "heartbeats", type: "message", repeated: true, message: "beamline.control.v1.Heartbeat" },
    ],
  },
  "beamline.control.v1.HeartbeatsResponse": {
    name: "beamline.control.v1.HeartbeatsResponse",
    fields: [
      { number: 1, name: "accepted", jsonName: "accepted", type: "int32", repeated: false },
      { number: 2, name: "failures", jsonName: "failures", type: "message", repeated: true, message: "beamline.control.v1.HeartbeatFailure" },
    ],
  },
  "beamline.control.v1.ListRequest": {
    name: "beamline.control.v1.ListRequest",
    fields: [
      { number: 1, name: "filter", jsonName: "filter", type: "message", repeated: false, message: "beamline.control.v1.ComponentFilter" },
      { number: 2, name: "order", jsonName: "order", type: "enum", repeated: false },
      { number: 3, name: "page_size", jsonName: "pageSize", type: "int32", repeated: false },
      { number: 4, name: "page_token", jsonName: "pageToken", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.ListResponse": {
    name: "beamline.control.v1.ListResponse",
    fields: [
      { number: 1, name: "components", jsonName: "components", type: "message", repeated: true, message: "beamline.control.v1.Component" },
      { number: 2, name: "next_page_token", jsonName: "nextPageToken", type: "string", repeated: false },
      { number: 3, name: "resume_token", jsonName: "resumeToken", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.UnregisterRequest": {
    name: "beamline.control.v1.UnregisterRequest",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
      { number: 3, name: "instance", jsonName: "instance", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.UnregisterResponse": {
    name: "beamline.control.v1.UnregisterResponse",
    fields: [],
  },
  "beamline.control.v1.WatchConfigurationRequest": {
    name: "beamline.control.v1.WatchConfigurationRequest",
    fields: [
      { number: 1, name: "kind", jsonName: "kind", type: "enum", repeated: false },
      { number: 2, name: "id", jsonName: "id", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.WatchConfigurationResponse": {
    name: "beamline.control.v1.WatchConfigurationResponse",
    fields: [
      { number: 1, name: "revision", jsonName: "revision", type: "uint64", repeated: false },
      { number: 2, name: "digest", jsonName: "digest", type: "string", repeated: false },
      { number: 3, name: "configuration", jsonName: "configuration", type: "message", repeated: false, message: "google.protobuf.Struct" },
    ],
  },
  "beamline.control.v1.WatchRequest": {
    name: "beamline.control.v1.WatchRequest",
    fields: [
      { number: 1, name: "kinds", jsonName: "kinds", type: "enum", repeated: true },
      { number: 2, name: "resume_token", jsonName: "resumeToken", type: "string", repeated: false },
    ],
  },
  "beamline.control.v1.WatchResponse": {
    name: "beamline.control.v1.WatchResponse",
    fields: [
      { number: 1, name: "type", jsonName: "type", type: "enum", repeated: false },
      { number: 2, name: "component", jsonName: "component", type: "message", repeated: false, message: "beamline.control.v1.Component" },
      { number: 3, name: "resume_token", jsonName: "resumeToken", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.AdminPolicy": {
    name: "beamline.flow.v1.AdminPolicy",
    fields: [
      { number: 1, name: "policy_id", jsonName: "policyId", type: "string", repeated: false },
      { number: 2, name: "providers", jsonName: "providers", type: "message", repeated: true, message: "beamline.flow.v1.AdminProvider" },
      { number: 3, name: "sticky", jsonName: "sticky", type: "bool", repeated: false },
      { number: 4, name: "rules", jsonName: "rules", type: "message", repeated: true, message: "beamline.flow.v1.AdminRule" },
    ],
  },
  "beamline.flow.v1.AdminProvider": {
    name: "beamline.flow.v1.AdminProvider",
    fields: [
      { number: 1, name: "id", jsonName: "id", type: "string", repeated: false },
      { number: 2, name: "weight", jsonName: "weight", type: "double", repeated: false },
    ],
  },
  "beamline.flow.v1.AdminRule": {
    name: "beamline.flow.v1.AdminRule",
    fields: [
      { number: 1, name: "match", jsonName: "match", type: "string", repeated: false },
      { number: 2, name: "prefer", jsonName: "prefer", type: "string", repeated: true },
      { number: 3, name: "fallback", jsonName: "fallback", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.CheckpointStatus": {
    name: "beamline.flow.v1.CheckpointStatus",
    fields: [
      { number: 1, name: "current_cp", jsonName: "currentCp", type: "string", repeated: false },
      { number: 2, name: "cp2_plus_allowed", jsonName: "cp2PlusAllowed", type: "bool", repeated: false },
      { number: 3, name: "updated_at_ms", jsonName: "updatedAtMs", type: "int64", repeated: false },
    ],
  },
  "beamline.flow.v1.DeletePolicyRequest": {
    name: "beamline.flow.v1.DeletePolicyRequest",
    fields: [
      { number: 1, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 2, name: "policy_id", jsonName: "policyId", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.DeletePolicyResponse": {
    name: "beamline.flow.v1.DeletePolicyResponse",
    fields: [
      { number: 1, name: "ok", jsonName: "ok", type: "bool", repeated: false },
    ],
  },
  "beamline.flow.v1.GetCheckpointStatusRequest": {
    name: "beamline.flow.v1.GetCheckpointStatusRequest",
    fields: [],
  },
  "beamline.flow.v1.GetCheckpointStatusResponse": {
    name: "beamline.flow.v1.GetCheckpointStatusResponse",
    fields: [
      { number: 1, name: "status", jsonName: "status", type: "message", repeated: false, message: "beamline.flow.v1.CheckpointStatus" },
    ],
  },
  "beamline.flow.v1.GetPolicyRequest": {
    name: "beamline.flow.v1.GetPolicyRequest",
    fields: [
      { number: 1, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 2, name: "policy_id", jsonName: "policyId", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.GetPolicyResponse": {
    name: "beamline.flow.v1.GetPolicyResponse",
    fields: [
      { number: 1, name: "policy", jsonName: "policy", type: "message", repeated: false, message: "beamline.flow.v1.AdminPolicy" },
    ],
  },
  "beamline.flow.v1.GetValidatorsHealthRequest": {
    name: "beamline.flow.v1.GetValidatorsHealthRequest",
    fields: [
      { number: 1, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.GetValidatorsHealthResponse": {
    name: "beamline.flow.v1.GetValidatorsHealthResponse",
    fields: [
      { number: 1, name: "validators", jsonName: "validators", type: "message", repeated: true, message: "beamline.flow.v1.ValidatorStatus" },
    ],
  },
  "beamline.flow.v1.ListPoliciesRequest": {
    name: "beamline.flow.v1.ListPoliciesRequest",
    fields: [
      { number: 1, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.ListPoliciesResponse": {
    name: "beamline.flow.v1.ListPoliciesResponse",
    fields: [
      { number: 1, name: "policies", jsonName: "policies", type: "message", repeated: true, message: "beamline.flow.v1.AdminPolicy" },
    ],
  },
  "beamline.flow.v1.Message": {
    name: "beamline.flow.v1.Message",
    fields: [
      { number: 1, name: "message_id", jsonName: "messageId", type: "string", repeated: false },
      { number: 2, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 3, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 4, name: "message_type", jsonName: "messageType", type: "string", repeated: false },
      { number: 5, name: "payload", jsonName: "payload", type: "bytes", repeated: false },
      { number: 6, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
      { number: 7, name: "timestamp_ms", jsonName: "timestampMs", type: "int64", repeated: false },
      { number: 8, name: "run_id", jsonName: "runId", type: "string", repeated: false },
      { number: 9, name: "flow_id", jsonName: "flowId", type: "string", repeated: false },
      { number: 10, name: "step_id", jsonName: "stepId", type: "string", repeated: false },
      { number: 11, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
      { number: 12, name: "span_id", jsonName: "spanId", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.RouteDecision": {
    name: "beamline.flow.v1.RouteDecision",
    fields: [
      { number: 1, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 2, name: "reason", jsonName: "reason", type: "string", repeated: false },
      { number: 3, name: "priority", jsonName: "priority", type: "int32", repeated: false },
      { number: 4, name: "expected_latency_ms", jsonName: "expectedLatencyMs", type: "int64", repeated: false },
      { number: 5, name: "expected_cost", jsonName: "expectedCost", type: "double", repeated: false },
      { number: 6, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "beamline.flow.v1.RouteRequest": {
    name: "beamline.flow.v1.RouteRequest",
    fields: [
      { number: 1, name: "message", jsonName: "message", type: "message", repeated: false, message: "beamline.flow.v1.Message" },
      { number: 2, name: "policy_id", jsonName: "policyId", type: "string", repeated: false },
      { number: 3, name: "context", jsonName: "context", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
      { number: 4, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.UpsertPolicyRequest": {
    name: "beamline.flow.v1.UpsertPolicyRequest",
    fields: [
      { number: 1, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 2, name: "policy", jsonName: "policy", type: "message", repeated: false, message: "beamline.flow.v1.AdminPolicy" },
    ],
  },
  "beamline.flow.v1.UpsertPolicyResponse": {
    name: "beamline.flow.v1.UpsertPolicyResponse",
    fields: [
      { number: 1, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 2, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "beamline.flow.v1.ValidatorStatus": {
    name: "beamline.flow.v1.ValidatorStatus",
    fields: [
      { number: 1, name: "name", jsonName: "name", type: "string", repeated: false },
      { number: 2, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 3, name: "timestamp_ms", jsonName: "timestampMs", type: "int64", repeated: false },
      { number: 4, name: "details", jsonName: "details", type: "string", repeated: false },
    ],
  },
  "beamline.provider.v1.ProviderRequest": {
    name: "beamline.provider.v1.ProviderRequest",
    fields: [
      { number: 1, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 2, name: "payload", jsonName: "payload", type: "bytes", repeated: false },
      { number: 3, name: "context", jsonName: "context", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "beamline.provider.v1.ProviderResponse": {
    name: "beamline.provider.v1.ProviderResponse",
    fields: [
      { number: 1, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 2, name: "payload", jsonName: "payload", type: "bytes", repeated: false },
      { number: 3, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "beamline.provider.v1.StreamChunk": {
    name: "beamline.provider.v1.StreamChunk",
    fields: [
      { number: 1, name: "data", jsonName: "data", type: "bytes", repeated: false },
      { number: 2, name: "done", jsonName: "done", type: "bool", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecAssignment": {
    name: "beamline.worker.v1.ExecAssignment",
    fields: [
      { number: 1, name: "version", jsonName: "version", type: "string", repeated: false },
      { number: 2, name: "assignment_id", jsonName: "assignmentId", type: "string", repeated: false },
      { number: 3, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
      { number: 4, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 5, name: "executor", jsonName: "executor", type: "message", repeated: false, message: "beamline.worker.v1.ExecExecutor" },
      { number: 6, name: "job", jsonName: "job", type: "message", repeated: false, message: "beamline.worker.v1.ExecJob" },
      { number: 7, name: "options", jsonName: "options", type: "message", repeated: false, message: "beamline.worker.v1.ExecOptions" },
      { number: 8, name: "correlation", jsonName: "correlation", type: "message", repeated: false, message: "beamline.worker.v1.ExecCorrelation" },
      { number: 9, name: "decision", jsonName: "decision", type: "message", repeated: false, message: "beamline.flow.v1.RouteDecision" },
      { number: 10, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
      { number: 11, name: "attempt", jsonName: "attempt", type: "int32", repeated: false },
      { number: 12, name: "attempt_token", jsonName: "attemptToken", type: "string", repeated: false },
      { number: 13, name: "schema_version", jsonName: "schemaVersion", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecAssignmentAck": {
    name: "beamline.worker.v1.ExecAssignmentAck",
    fields: [
      { number: 1, name: "assignment_id", jsonName: "assignmentId", type: "string", repeated: false },
      { number: 2, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 3, name: "message", jsonName: "message", type: "string", repeated: false },
      { number: 4, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
      { number: 5, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 6, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 7, name: "acknowledged_at", jsonName: "acknowledgedAt", type: "int64", repeated: false },
      { number: 8, name: "run_id", jsonName: "runId", type: "string", repeated: false },
      { number: 9, name: "flow_id", jsonName: "flowId", type: "string", repeated: false },
      { number: 10, name: "step_id", jsonName: "stepId", type: "string", repeated: false },
      { number: 11, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
      { number: 12, name: "span_id", jsonName: "spanId", type: "string", repeated: false },
      { number: 13, name: "schema_version", jsonName: "schemaVersion", type: "string", repeated: false },
      { number: 14, name: "attempt_token", jsonName: "attemptToken", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecCorrelation": {
    name: "beamline.worker.v1.ExecCorrelation",
    fields: [
      { number: 1, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 2, name: "run_id", jsonName: "runId", type: "string", repeated: false },
      { number: 3, name: "flow_id", jsonName: "flowId", type: "string", repeated: false },
      { number: 4, name: "step_id", jsonName: "stepId", type: "string", repeated: false },
      { number: 5, name: "span_id", jsonName: "spanId", type: "string", repeated: false },
      { number: 6, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
      { number: 7, name: "message_id", jsonName: "messageId", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecExecutor": {
    name: "beamline.worker.v1.ExecExecutor",
    fields: [
      { number: 1, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 2, name: "channel", jsonName: "channel", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecJob": {
    name: "beamline.worker.v1.ExecJob",
    fields: [
      { number: 1, name: "type", jsonName: "type", type: "string", repeated: false },
      { number: 2, name: "payload", jsonName: "payload", type: "bytes", repeated: false },
      { number: 3, name: "payload_ref", jsonName: "payloadRef", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecOptions": {
    name: "beamline.worker.v1.ExecOptions",
    fields: [
      { number: 1, name: "priority", jsonName: "priority", type: "int32", repeated: false },
      { number: 2, name: "deadline_ms", jsonName: "deadlineMs", type: "int64", repeated: false },
      { number: 3, name: "retry", jsonName: "retry", type: "message", repeated: false, message: "beamline.worker.v1.ExecRetry" },
    ],
  },
  "beamline.worker.v1.ExecResult": {
    name: "beamline.worker.v1.ExecResult",
    fields: [
      { number: 1, name: "assignment_id", jsonName: "assignmentId", type: "string", repeated: false },
      { number: 2, name: "request_id", jsonName: "requestId", type: "string", repeated: false },
      { number: 3, name: "status", jsonName: "status", type: "string", repeated: false },
      { number: 4, name: "provider_id", jsonName: "providerId", type: "string", repeated: false },
      { number: 5, name: "job", jsonName: "job", type: "message", repeated: false, message: "beamline.worker.v1.Job" },
      { number: 6, name: "latency_ms", jsonName: "latencyMs", type: "int64", repeated: false },
      { number: 7, name: "cost", jsonName: "cost", type: "double", repeated: false },
      { number: 8, name: "trace_id", jsonName: "traceId", type: "string", repeated: false },
      { number: 9, name: "tenant_id", jsonName: "tenantId", type: "string", repeated: false },
      { number: 10, name: "timestamp", jsonName: "timestamp", type: "int64", repeated: false },
      { number: 11, name: "error_code", jsonName: "errorCode", type: "string", repeated: false },
      { number: 12, name: "error_message", jsonName: "errorMessage", type: "string", repeated: false },
      { number: 13, name: "run_id", jsonName: "runId", type: "string", repeated: false },
      { number: 14, name: "flow_id", jsonName: "flowId", type: "string", repeated: false },
      { number: 15, name: "step_id", jsonName: "stepId", type: "string", repeated: false },
      { number: 16, name: "idempotency_key", jsonName: "idempotencyKey", type: "string", repeated: false },
      { number: 17, name: "span_id", jsonName: "spanId", type: "string", repeated: false },
      { number: 18, name: "schema_version", jsonName: "schemaVersion", type: "string", repeated: false },
      { number: 19, name: "attempt_token", jsonName: "attemptToken", type: "string", repeated: false },
    ],
  },
  "beamline.worker.v1.ExecRetry": {
    name: "beamline.worker.v1.ExecRetry",
    fields: [
      { number: 1, name: "max_attempts", jsonName: "maxAttempts", type: "int32", repeated: false },
      { number: 2, name: "backoff_ms", jsonName: "backoffMs", type: "int64", repeated: false },
    ],
  },
  "beamline.worker.v1.Job": {
    name: "beamline.worker.v1.Job",
    fields: [
      { number: 1, name: "type", jsonName: "type", type: "string", repeated: false },
      { number: 2, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "google.protobuf.Duration": {
    name: "google.protobuf.Duration",
    fields: [
      { number: 1, name: "seconds", jsonName: "seconds", type: "int64", repeated: false },
      { number: 2, name: "nanos", jsonName: "nanos", type: "int32", repeated: false },
    ],
  },
  "google.protobuf.ListValue": {
    name: "google.protobuf.ListValue",
    fields: [
      { number: 1, name: "values", jsonName: "values", type: "message", repeated: true, message: "google.protobuf.Value" },
    ],
  },
  "google.protobuf.Struct": {
    name: "google.protobuf.Struct",
    fields: [
      { number: 1, name: "fields", jsonName: "fields", type: "map", repeated: false, mapKey: "string", mapValue: "message", message: "google.protobuf.Value" },
    ],
  },
  "google.protobuf.Timestamp": {
    name: "google.protobuf.Timestamp",
    fields: [
      { number: 1, name: "seconds", jsonName: "seconds", type: "int64", repeated: false },
      { number: 2, name: "nanos", jsonName: "nanos", type: "int32", repeated: false },
    ],
  },
  "google.protobuf.Value": {
    name: "google.protobuf.Value",
    fields: [
      { number: 1, name: "null_value", jsonName: "nullValue", type: "enum", repeated: false },
      { number: 2, name: "number_value", jsonName: "numberValue", type: "double", repeated: false },
      { number: 3, name: "string_value", jsonName: "stringValue", type: "string", repeated: false },
      { number: 4, name: "bool_value", jsonName: "boolValue", type: "bool", repeated: false },
      { number: 5, name: "struct_value", jsonName: "structValue", type: "message", repeated: false, message: "google.protobuf.Struct" },
      { number: 6, name: "list_value", jsonName: "listValue", type: "message", repeated: false, message: "google.protobuf.ListValue" },
    ],
  },
  "obsrvr.flow.common.Metrics": {
    name: "obsrvr.flow.common.Metrics",
    fields: [
      { number: 1, name: "values", jsonName: "values", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
    ],
  },
  "obsrvr.flow.controlplane.ConsumerHeartbeatRequest": {
    name: "obsrvr.flow.controlplane.ConsumerHeartbeatRequest",
    fields: [
      { number: 1, name: "consumer_id", jsonName: "consumerId", type: "string", repeated: false },
      { number: 2, name: "timestamp", jsonName: "timestamp", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 3, name: "metrics", jsonName: "metrics", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
      { number: 4, name: "status", jsonName: "status", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.ConsumerHeartbeatResponse": {
    name: "obsrvr.flow.controlplane.ConsumerHeartbeatResponse",
    fields: [
      { number: 1, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 2, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.ProcessorHeartbeatRequest": {
    name: "obsrvr.flow.controlplane.ProcessorHeartbeatRequest",
    fields: [
      { number: 1, name: "processor_id", jsonName: "processorId", type: "string", repeated: false },
      { number: 2, name: "timestamp", jsonName: "timestamp", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 3, name: "metrics", jsonName: "metrics", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
      { number: 4, name: "status", jsonName: "status", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.ProcessorHeartbeatResponse": {
    name: "obsrvr.flow.controlplane.ProcessorHeartbeatResponse",
    fields: [
      { number: 1, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 2, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.RegisterConsumerRequest": {
    name: "obsrvr.flow.controlplane.RegisterConsumerRequest",
    fields: [
      { number: 1, name: "consumer_id", jsonName: "consumerId", type: "string", repeated: false },
      { number: 2, name: "endpoint", jsonName: "endpoint", type: "string", repeated: false },
      { number: 3, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "obsrvr.flow.controlplane.RegisterConsumerResponse": {
    name: "obsrvr.flow.controlplane.RegisterConsumerResponse",
    fields: [
      { number: 1, name: "consumer_id", jsonName: "consumerId", type: "string", repeated: false },
      { number: 2, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 3, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.RegisterProcessorRequest": {
    name: "obsrvr.flow.controlplane.RegisterProcessorRequest",
    fields: [
      { number: 1, name: "processor_id", jsonName: "processorId", type: "string", repeated: false },
      { number: 2, name: "endpoint", jsonName: "endpoint", type: "string", repeated: false },
      { number: 3, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "obsrvr.flow.controlplane.RegisterProcessorResponse": {
    name: "obsrvr.flow.controlplane.RegisterProcessorResponse",
    fields: [
      { number: 1, name: "processor_id", jsonName: "processorId", type: "string", repeated: false },
      { number: 2, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 3, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.RegisterSourceRequest": {
    name: "obsrvr.flow.controlplane.RegisterSourceRequest",
    fields: [
      { number: 1, name: "source_id", jsonName: "sourceId", type: "string", repeated: false },
      { number: 2, name: "endpoint", jsonName: "endpoint", type: "string", repeated: false },
      { number: 3, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
  "obsrvr.flow.controlplane.RegisterSourceResponse": {
    name: "obsrvr.flow.controlplane.RegisterSourceResponse",
    fields: [
      { number: 1, name: "source_id", jsonName: "sourceId", type: "string", repeated: false },
      { number: 2, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 3, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.SourceHeartbeatRequest": {
    name: "obsrvr.flow.controlplane.SourceHeartbeatRequest",
    fields: [
      { number: 1, name: "source_id", jsonName: "sourceId", type: "string", repeated: false },
      { number: 2, name: "timestamp", jsonName: "timestamp", type: "message", repeated: false, message: "google.protobuf.Timestamp" },
      { number: 3, name: "metrics", jsonName: "metrics", type: "map", repeated: false, mapKey: "string", mapValue: "double" },
      { number: 4, name: "status", jsonName: "status", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.controlplane.SourceHeartbeatResponse": {
    name: "obsrvr.flow.controlplane.SourceHeartbeatResponse",
    fields: [
      { number: 1, name: "success", jsonName: "success", type: "bool", repeated: false },
      { number: 2, name: "message", jsonName: "message", type: "string", repeated: false },
    ],
  },
  "obsrvr.flow.processor.CapabilitiesRequest": {
    name: "obsrvr.flow.processor.CapabilitiesRequest",
    fields: [],
  },
  "obsrvr.flow.processor.CapabilitiesResponse": {
    name: "obsrvr.flow.processor.CapabilitiesResponse",
    fields: [
      { number: 1, name: "processor_id", jsonName: "processorId", type: "string", repeated: false },
      { number: 2, name: "name", jsonName: "name", type: "string", repeated: false },
      { number: 3, name: "description", jsonName: "description", type: "string", repeated: false },
      { number: 4, name: "version", jsonName: "version", type: "string", repeated: false },
      { number: 5, name: "input_event_types", jsonName: "inputEventTypes", type: "string", repeated: true },
      { number: 6, name: "output_event_types", jsonName: "outputEventTypes", type: "string", repeated: true },
      { number: 7, name: "max_concurrent", jsonName: "maxConcurrent", type: "int32", repeated: false },
    ],
  },
  "obsrvr.flow.processor.DataMessage": {
    name: "obsrvr.flow.processor.DataMessage",
    fields: [
      { number: 1, name: "payload", jsonName: "payload", type: "bytes", repeated: false },
      { number: 2, name: "metadata", jsonName: "metadata", type: "map", repeated: false, mapKey: "string", mapValue: "string" },
    ],
  },
};
