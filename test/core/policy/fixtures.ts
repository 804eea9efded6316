// Objects and tables for tests: written as users write them, parsed and compiled by the product's own code.
import { type CompiledTable, type CompileOptions, compileTable } from "../../../core/policy/compile.ts";
import { type ParseDefaults, parseObject } from "../../../core/policy/parse.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { BeamlineObject, ObjectKind } from "../../../core/policy/spec.ts";

export const parseDefaults: ParseDefaults = {
  namespace: "default",
  routerRef: { namespace: "beamline-system", name: "default" },
};

export interface WrittenObject {
  readonly kind: ObjectKind;
  /** Default `default`; Tenants have none. */
  readonly namespace?: string;
  readonly name: string;
  readonly creationMs?: number;
  readonly spec?: unknown;
}

/** What a user would write in a file. */
export function writeObject({ kind, namespace, name, spec }: WrittenObject): unknown {
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  return { apiVersion: API_VERSION, kind, metadata, ...(spec === undefined ? {} : { spec }) };
}

/** Parses, and throws with every problem when there is one. */
export function parseWritten(written: WrittenObject): BeamlineObject {
  const { creationMs = 0 } = written;
  const uid = `uid-${written.namespace ?? ""}-${written.name}`;
  const result = parseObject(writeObject(written), { ...parseDefaults, uid, generation: 1, creationMs });
  if (!result.ok) throw new Error(JSON.stringify(result.error, undefined, 2));
  return result.value;
}

export function compileWritten(objects: readonly WrittenObject[], options?: CompileOptions): CompiledTable {
  return compileTable(objects.map(parseWritten), options);
}

const seedPolicySpec = {
  providers: [
    { name: "openai", weight: 70 },
    { name: "anthropic", weight: 30 },
  ],
};

/** The older system's default policy (openai 70, anthropic 30) for tenant `default`, which has a Tenant object. */
export const seedObjects: readonly WrittenObject[] = [
  { kind: "Tenant", name: "default", spec: { namespaces: ["default"] } },
  { kind: "RoutingPolicy", name: "default", namespace: "default", spec: seedPolicySpec },
];

/** The same policy for any tenant id, such as `tenant_abc` of the older tests, which is no object name. */
export function compileSeedTable(tenantId: string): CompiledTable {
  const tenant = parseWritten({ kind: "Tenant", name: "older", spec: { tenantId, namespaces: ["default"] } });
  const spec = { ...seedPolicySpec, tenantId };
  return compileTable([tenant, parseWritten({ kind: "RoutingPolicy", name: "default", namespace: "default", spec })]);
}
