// The configurations between which the replicas of a simulation change, compiled as routers compile them.
import { emptySnapshot } from "../../../core/decide/decision.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import type { IntakeRules } from "../../../core/intake/message.ts";
import { compileTable } from "../../../core/policy/compile.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import type { BeamlineObject } from "../../../core/policy/spec.ts";
import { findPolicy, type RoutingTable } from "../../../core/policy/table.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import type { HandleContext } from "../../../router/delivery.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

export const TENANT = "demo";
/** How long a claim counts; short, so that runs live through its end. */
export const RETENTION_MS = 80_000;
export const DECIDED_TTL_MS = 40_000;
export const ROUTER = { namespace: "beamline-system", name: "default" };
export const LEGACY_SUBJECT = "caf.exec.assign.v1";

const DEFAULTS = { namespace: TENANT, routerRef: ROUTER };

function parse(raw: unknown): BeamlineObject {
  const parsed = parseObject(raw, DEFAULTS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function objectOf(kind: string, name: string, spec: object): BeamlineObject {
  return parse({ apiVersion: "beamline.dev/v1alpha1", kind, metadata: { name }, spec });
}

const tenant = objectOf("Tenant", TENANT, { namespaces: [TENANT] });
const legacy = objectOf("Provider", "old", { legacy: { subject: LEGACY_SUBJECT } });

function policy(push: string, providers: Readonly<Record<string, number>>, more: object = {}): BeamlineObject {
  const list = Object.entries(providers).map(([name, weight]) => ({ name, weight }));
  return objectOf("RoutingPolicy", "default", { tenantId: TENANT, providers: list, assignment: { push }, ...more });
}

const step = [{ name: "s", processor: "p", timeout: "400ms" }];
const pipeline = { pre: step, validators: [{ ...step[0], retry: 1 }], post: step };

/** Table 0 is where every run begins and ends; what is listed twice is met twice as often. */
const CONFIGURATIONS: readonly (readonly BeamlineObject[])[] = [
  [policy("OnRequest", { openai: 70, anthropic: 30 })],
  [policy("OnRequest", { openai: 10, anthropic: 80, local: 10 })],
  [policy("OnRequest", { local: 1 })],
  [policy("Always", { anthropic: 1, local: 1 })],
  [policy("Never", { openai: 1, local: 1 })],
  [policy("OnRequest", { old: 1 }), legacy],
  [],
  [policy("OnRequest", { openai: 1, local: 1 }, { pipeline })],
];

/** The one whose policy has steps, all of them required. */
export const STEPS_TABLE = 7;
export const TABLE_COUNT = CONFIGURATIONS.length;

function rulesOf(table: RoutingTable): IntakeRules {
  return {
    codec: nodeCodec,
    schemas: schemaTable,
    supportedSchemaVersions: [1],
    maxPayloadBytes: 1_048_576,
    tenantValidationEnabled: true,
    generateTraceIdIfMissing: false,
    newTraceId: () => "0".repeat(32),
    tenant: (id) => table.tenants.get(id),
    policyLevel: (tenantId, policyId) => findPolicy(table, tenantId, policyId)?.level,
    policyMaxPayloadBytes: (tenantId, policyId) => findPolicy(table, tenantId, policyId)?.maxPayloadBytes,
  };
}

function contextOf(objects: readonly BeamlineObject[], index: number): Omit<HandleContext, "newId"> {
  const { table, problems } = compileTable([tenant, ...objects]);
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return {
    codec: nodeCodec,
    schemas: schemaTable,
    names: namesFor(),
    router: ROUTER,
    rules: rulesOf(table),
    table,
    configRevision: index + 1,
    snapshot: emptySnapshot,
    allowedSubjects: [LEGACY_SUBJECT],
    inboxesClosed: false,
    retentionMs: RETENTION_MS,
    decidedTtlMs: DECIDED_TTL_MS,
    idempotencyEnabled: true,
    deadLetterSubjects: "Common",
  };
}

const CONTEXTS = CONFIGURATIONS.map(contextOf);

/** The context of one table; ids come from the run's own chance. */
export function contextFor(index: number, newId: () => string): HandleContext {
  const context = CONTEXTS[index];
  if (context === undefined) throw new Error(`no table ${index}`);
  return { ...context, newId };
}
