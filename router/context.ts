// What handling is judged by: made once for each configuration in force, and with each snapshot of providers' health.

import type { RouterKey } from "../core/config/entry.ts";
import { emptySnapshot, type HealthSnapshot } from "../core/decide/decision.ts";
import type { Names } from "../core/handover/subjects.ts";
import type { IntakeRules } from "../core/intake/message.ts";
import { findPolicy, type RoutingTable } from "../core/policy/table.ts";
import type { SchemaTable } from "../core/schema/schema.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import type { RouterConfig } from "./config.ts";
import type { HandleContext } from "./delivery.ts";
import { newRandomId } from "./random-id.ts";

const SUPPORTED_SCHEMA_VERSIONS = [1] as const;

export interface ContextInput {
  readonly config: RouterConfig;
  readonly routerKey: RouterKey;
  readonly names: Names;
  readonly schemas: SchemaTable;
  readonly table: RoutingTable;
  readonly revision: number;
  /** Nothing is known of any provider when absent. */
  readonly snapshot?: HealthSnapshot;
  /** False when absent. */
  readonly inboxesClosed?: boolean;
}

/** The same context with what is known of providers by now. */
export function withSnapshot(context: HandleContext, snapshot: HealthSnapshot): HandleContext {
  return { ...context, snapshot };
}

export function contextFor(input: ContextInput): HandleContext {
  const { config, routerKey, names, schemas, table, revision, snapshot = emptySnapshot, inboxesClosed = false } = input;
  return {
    codec: nodeCodec,
    schemas,
    names,
    router: routerKey,
    rules: intakeRules(input),
    table,
    configRevision: revision,
    snapshot,
    allowedSubjects: config.allowedSubjects,
    inboxesClosed,
    retentionMs: config.handoverRetentionMs,
    decidedTtlMs: config.decidedTtlMs,
    idempotencyEnabled: config.idempotencyEnabled,
    deadLetterSubjects: config.deadLetterSubjects,
    newId: newRandomId,
  };
}

function intakeRules({ config, table, schemas }: ContextInput): IntakeRules {
  return {
    codec: nodeCodec,
    schemas,
    supportedSchemaVersions: SUPPORTED_SCHEMA_VERSIONS,
    maxPayloadBytes: config.maxPayloadBytes,
    tenantValidationEnabled: config.tenantValidationEnabled,
    generateTraceIdIfMissing: config.generateTraceIdIfMissing,
    newTraceId: newRandomId,
    tenant: (tenantId) => table.tenants.get(tenantId),
    policyLevel: (tenantId, policyId) => findPolicy(table, tenantId, policyId)?.level,
    policyMaxPayloadBytes: (tenantId, policyId) => findPolicy(table, tenantId, policyId)?.maxPayloadBytes,
  };
}
