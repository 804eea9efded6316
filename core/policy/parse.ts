// One object as users write it -> plain data, or everything that is wrong with it.
import { err, ok, type Result } from "../result.ts";
import { checkPolicyNames } from "./check-names.ts";
import { listExplicitFields } from "./explicit.ts";
import { isObjectKind, objectDefinitions } from "./object-definitions.ts";
import { isRecord, joinPath, ProblemList } from "./problems.ts";
import { readPipeline } from "./read-pipeline.ts";
import { readProvider, readRouter, readRoutingPolicy, readTenant } from "./read-spec.ts";
import { API_VERSION } from "./schema.ts";
import { dnsLabel, dnsSubdomain, isFormat, type StringFormat, shortDnsLabel } from "./schema-formats.ts";
import type { BeamlineObject, ObjectKind, ObjectMeta, SpecProblem } from "./spec.ts";
import { describeSuggestion } from "./suggest.ts";
import { validateObject } from "./validate-object.ts";

/** What an object gets when it does not say so itself. */
export interface ParseDefaults {
  /** Namespace of objects without one; `default` on files. */
  readonly namespace: string;
  /** The installation's Router. */
  readonly routerRef: { readonly namespace: string; readonly name: string };
  /** Identity and history, when the caller keeps them; else `metadata.uid` and `metadata.generation`, else "" and 1. */
  readonly uid?: string;
  readonly generation?: number;
  /** Milliseconds since 1970; 0 when the caller does not know. */
  readonly creationMs?: number;
}

/** The fields of `metadata` that Kubernetes defines: anything else is a typing error. */
const metadataFields: ReadonlySet<string> = new Set([
  "name",
  "namespace",
  "labels",
  "annotations",
  "uid",
  "generation",
  "resourceVersion",
  "creationTimestamp",
  "deletionTimestamp",
  "deletionGracePeriodSeconds",
  "finalizers",
  "generateName",
  "managedFields",
  "ownerReferences",
  "selfLink",
]);

/** What the name of an object may be; the schemas say the same in CEL. */
const nameFormats: Readonly<Record<ObjectKind, StringFormat>> = {
  RoutingPolicy: dnsSubdomain,
  Provider: shortDnsLabel,
  Tenant: dnsLabel,
  Router: shortDnsLabel,
  Pipeline: shortDnsLabel,
};

/**
 * Parses an object of kind RoutingPolicy, Provider, Tenant, Router or Pipeline. All problems are returned at once, with paths such
 * as `spec.providers[1].weight`. A Tenant is cluster-scoped: its `meta.namespace` is "". Never throws.
 */
export function parseObject(raw: unknown, defaults: ParseDefaults): Result<BeamlineObject, readonly SpecProblem[]> {
  const problems = new ProblemList();
  if (!isRecord(raw)) {
    problems.add(
      "",
      "type",
      "must be an object with apiVersion, kind, metadata and spec",
      raw === undefined ? null : raw,
    );
    return err(problems.toArray());
  }
  const kind = checkKind(raw, problems);
  const meta = readMetadata(raw.metadata, kind, defaults, problems);
  if (kind === undefined) return err(problems.toArray());
  const { schema } = objectDefinitions[kind];
  // The rules on the whole object are about its name, which has its problem already when there is no meta.
  const rules = meta === undefined ? { "x-kubernetes-validations": [] } : {};
  const value = validateObject({ ...schema, ...rules }, raw, problems);
  if (problems.size > 0 || meta === undefined || !isRecord(value)) return err(problems.toArray());
  const object = readObject(kind, meta, value.spec, defaults, listExplicitFields(raw.spec));
  if (object.kind === "RoutingPolicy") checkPolicyNames(object.meta, object.spec, problems);
  return problems.size > 0 ? err(problems.toArray()) : ok(object);
}

function readObject(
  kind: ObjectKind,
  meta: ObjectMeta,
  spec: unknown,
  defaults: ParseDefaults,
  explicit: readonly string[],
): BeamlineObject {
  switch (kind) {
    case "RoutingPolicy":
      return { kind, meta, spec: readRoutingPolicy(spec, meta, defaults.routerRef), explicit };
    case "Provider":
      return { kind, meta, spec: readProvider(spec, meta), explicit };
    case "Tenant":
      return { kind, meta, spec: readTenant(spec, meta.name), explicit };
    case "Router":
      return { kind, meta, spec: readRouter(spec), explicit };
    case "Pipeline":
      return { kind, meta, spec: readPipeline(spec, meta, defaults.routerRef), explicit };
  }
}

function checkKind(raw: Readonly<Record<string, unknown>>, problems: ProblemList): ObjectKind | undefined {
  const { apiVersion, kind } = raw;
  if (apiVersion !== API_VERSION) {
    problems.add("apiVersion", apiVersion === undefined ? "required" : "enum", `must be ${API_VERSION}`, apiVersion);
  }
  if (typeof kind === "string" && isObjectKind(kind)) return kind;
  const kinds = Object.keys(objectDefinitions);
  const hint = typeof kind === "string" ? describeSuggestion(kind, kinds) : "";
  problems.add("kind", kind === undefined ? "required" : "enum", `must be one of ${kinds.join(", ")}${hint}`, kind);
  return undefined;
}

function readMetadata(
  raw: unknown,
  kind: ObjectKind | undefined,
  defaults: ParseDefaults,
  problems: ProblemList,
): ObjectMeta | undefined {
  if (!isRecord(raw)) {
    problems.add("metadata", raw === undefined ? "required" : "type", "must be an object with a name", raw);
    return undefined;
  }
  for (const field of Object.keys(raw)) {
    if (metadataFields.has(field)) continue;
    const message = `unknown field${describeSuggestion(field, metadataFields)}`;
    problems.add(joinPath("metadata", field), "unknown_field", message, raw[field]);
  }
  const name = readName(raw.name, kind, problems);
  const namespace = readNamespace(raw.namespace, kind, defaults.namespace, problems);
  if (name === undefined || namespace === undefined) return undefined;
  const { uid, generation } = raw;
  return {
    namespace,
    name,
    uid: defaults.uid ?? (typeof uid === "string" ? uid : ""),
    generation:
      defaults.generation ?? (typeof generation === "number" && Number.isSafeInteger(generation) ? generation : 1),
    creationMs: defaults.creationMs ?? 0,
  };
}

function readName(name: unknown, kind: ObjectKind | undefined, problems: ProblemList): string | undefined {
  const format = kind === undefined ? dnsSubdomain : nameFormats[kind];
  if (typeof name === "string" && isFormat(format, name)) return name;
  problems.add("metadata.name", name === undefined ? "required" : format.name, `must be ${format.meaning}`, name);
  return undefined;
}

function readNamespace(
  namespace: unknown,
  kind: ObjectKind | undefined,
  fallback: string,
  problems: ProblemList,
): string | undefined {
  if (kind !== undefined && objectDefinitions[kind].scope === "Cluster") {
    if (namespace === undefined) return "";
    problems.add("metadata.namespace", "forbidden", `a ${kind} belongs to no namespace; remove the field`, namespace);
    return undefined;
  }
  if (namespace === undefined) return fallback;
  if (typeof namespace === "string" && isFormat(dnsLabel, namespace)) return namespace;
  problems.add("metadata.namespace", dnsLabel.name, `must be ${dnsLabel.meaning}`, namespace);
  return undefined;
}
