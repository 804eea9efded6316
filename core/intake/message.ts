// What may come in, and what a request looks like once it has passed validation.
import type { Codec } from "../codec.ts";
import type { SchemaTable } from "../schema/schema.ts";

/** The three kinds of message a router takes in (seed 004). */
export type IntakeKind = "decide" | "result" | "ack";

/** How strictly correlation fields are required: `Baseline` is CP1, `Full` is CP2 and later. */
export type ValidationLevel = "Baseline" | "Full";

/** How the body was written, and therefore how the answer is written. */
export type BodyEncoding = "protobuf" | "json" | "compat-json";

/** Header lookup by exact name as sent; the first value where a header repeats. */
export interface HeaderReader {
  get(name: string): string | undefined;
}

/** What validation must know of a tenant. */
export interface TenantRules {
  readonly level: ValidationLevel;
  /** Message types the tenant may send; absent = any. */
  readonly allowedMessageTypes?: ReadonlySet<string>;
  readonly deadLetterPayload: "Full" | "Hash";
}

/** Everything validation depends on besides the message itself. */
export interface IntakeRules {
  readonly codec: Codec;
  readonly schemas: SchemaTable;
  /** Versions served, as integers; `[1]` today. */
  readonly supportedSchemaVersions: readonly number[];
  readonly maxPayloadBytes: number;
  /** Subject patterns by kind with the place of the version token are in `version.ts`; the prefix is stripped before validation. */
  readonly tenantValidationEnabled: boolean;
  readonly generateTraceIdIfMissing: boolean;
  /** A fresh 32-hex trace id, used only when one is generated; chance is an argument. */
  newTraceId(): string;
  /** Rules of a tenant that a Tenant object or an accepted policy of this Router names, else undefined. */
  tenant(tenantId: string): TenantRules | undefined;
  /** Level asked for by a policy, when it exists (the stricter of tenant and policy holds). */
  policyLevel(tenantId: string, policyId: string): ValidationLevel | undefined;
  /** Payload bound of a policy, when it has one. */
  policyMaxPayloadBytes(tenantId: string, policyId: string): number | undefined;
}

/** Correlation fields; they travel unchanged into every record that the message causes. */
export interface Correlation {
  readonly messageId?: string;
  readonly requestId?: string;
  readonly runId?: string;
  readonly flowId?: string;
  readonly stepId?: string;
  readonly traceId?: string;
  readonly spanId?: string;
  readonly traceparent?: string;
  readonly idempotencyKey?: string;
}

declare const validated: unique symbol;

/** A decide request that passed intake validation. Only `validateIntakeMessage` makes one: the brand forbids any other way. */
export interface DecideRequest {
  readonly [validated]: "decide";
  readonly encoding: BodyEncoding;
  readonly schemaVersion: number;
  readonly tenantId: string;
  /** As asked for, `default` when none is named. */
  readonly policyId: string;
  readonly messageType: string;
  /** protobuf: the payload bytes as received (a view); json: decoded base64; compat-json: the UTF-8 bytes of `task.payload` or of `payload_ref`. */
  readonly payload: Uint8Array;
  /** compat-json only: the parsed `task`, passed on verbatim as `job`. */
  readonly task?: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Context for rules and affinity. compat-json: constraints merged with metadata (metadata wins), values as strings. */
  readonly context: Readonly<Record<string, string>>;
  /** compat-json only: `metadata` with its original JSON types, for the assignment. */
  readonly rawMetadata?: Readonly<Record<string, unknown>>;
  readonly timestampMs?: number;
  readonly correlation: Correlation;
  readonly pushRequested: boolean;
  readonly assignmentSubject?: string;
  readonly options?: Readonly<Record<string, unknown>>;
  /**
   * Bounds that the request adds to the policy's. compat-json: its `constraints`; RouteRequest: the context entries
   * `max_latency_ms` and `max_cost` where they are decimal numbers.
   */
  readonly constraints: { readonly maxLatencyMs?: number; readonly maxCost?: number };
}

/** A rejected message: everything that the reply, the dead letter, the log line and the metric need. */
export interface Rejection {
  readonly kind: IntakeKind;
  /** A row of `reasons.ts`. */
  readonly reason: string;
  readonly message: string;
  readonly field?: string;
  /** What could be read of the message before it was refused. */
  readonly tenantId?: string;
  readonly correlation: Correlation;
}

/** Things worth a log line and a counter about a message that was accepted all the same. */
export type IntakeWarning = "generated_trace_id";

export type IntakeResult =
  | { readonly ok: true; readonly value: DecideRequest; readonly warnings: readonly IntakeWarning[] }
  | { readonly ok: false; readonly error: Rejection };
