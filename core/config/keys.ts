// Names of the keys in `beamline-config` and `beamline-acks` (architecture.md "Configuration"): a wire contract.
import type { ObjectKind } from "../policy/spec.ts";
import type { ConfigEntry, RouterKey } from "./entry.ts";

/** What a key of one router's part of the bucket stands for. */
export type ParsedConfigKey =
  | { readonly kind: "head" }
  | { readonly kind: "RoutingPolicy"; readonly namespace: string; readonly name: string }
  | { readonly kind: "Provider"; readonly namespace: string; readonly name: string }
  | { readonly kind: "Pipeline"; readonly namespace: string; readonly name: string }
  | { readonly kind: "Tenant"; readonly name: string };

/**
 * Says which Router owns the bus: create-only, {namespace, name, uid}. No namespace begins with `_`, so neither this key nor
 * the next ones can land in a router's part of the bucket.
 */
export const BUS_OWNER_KEY = "_bus.owner";
/** Says which operator writes the bucket: {instance, session, host, pid}; goes by itself when it is not renewed. */
export const BUS_LEASE_KEY = "_bus.lease";
/** Random text made together with the bucket: create-only; another one means another bucket. */
export const BUCKET_EPOCH_KEY = "_bus.epoch";
/** Identity of objects that come from files, which no API server keeps: `_files.<kind>.<ns>.<name>`. */
export const FILE_OBJECT_PREFIX = "_files";

const POLICY = "policy";
const PROVIDER = "provider";
const TENANT = "tenant";
const PIPELINE = "pipeline";
const HEAD = "head";
/** Characters that a KV key may hold (NATS KV, ADR-8), without the separator. */
const TOKEN = /^[-/_=a-zA-Z0-9]+$/;
/** Kubernetes names may hold dots (DNS subdomains), so the last part of a key may be several tokens. */
const NAME = /^[-/_=a-zA-Z0-9]+(\.[-/_=a-zA-Z0-9]+)*$/;

function prefixOf(router: RouterKey): string {
  return `${router.namespace}.${router.name}`;
}

export function policyKey(router: RouterKey, namespace: string, name: string): string {
  return `${prefixOf(router)}.${POLICY}.${namespace}.${name}`;
}

export function providerKey(router: RouterKey, namespace: string, name: string): string {
  return `${prefixOf(router)}.${PROVIDER}.${namespace}.${name}`;
}

export function tenantKey(router: RouterKey, tenantId: string): string {
  return `${prefixOf(router)}.${TENANT}.${tenantId}`;
}

export function pipelineKey(router: RouterKey, namespace: string, name: string): string {
  return `${prefixOf(router)}.${PIPELINE}.${namespace}.${name}`;
}

export function headKey(router: RouterKey): string {
  return `${prefixOf(router)}.${HEAD}`;
}

/** Key of a pod's acknowledgement, in `beamline-acks`. */
export function ackKey(router: RouterKey, pod: string): string {
  return `${prefixOf(router)}.${pod}`;
}

/** Pattern of every key of one router, in either bucket: for the filter of a watch. */
export function routerKeyPattern(router: RouterKey): string {
  return `${prefixOf(router)}.>`;
}

/** Key of an entry's object. */
export function entryKey(router: RouterKey, entry: Pick<ConfigEntry, "kind" | "namespace" | "name">): string {
  switch (entry.kind) {
    case "RoutingPolicy":
      return policyKey(router, entry.namespace, entry.name);
    case "Provider":
      return providerKey(router, entry.namespace, entry.name);
    case "Tenant":
      return tenantKey(router, entry.name);
    case "Pipeline":
      return pipelineKey(router, entry.namespace, entry.name);
  }
}

/** Key of the identity record of an object that comes from a file. A cluster-scoped object has no namespace: `_` stands there. */
export function fileObjectKey(object: { kind: ObjectKind; namespace: string; name: string }): string {
  return `${FILE_OBJECT_PREFIX}.${object.kind}.${object.namespace || "_"}.${object.name}`;
}

/** What `key` stands for, or undefined when it is none of this router's. */
export function parseConfigKey(router: RouterKey, key: string): ParsedConfigKey | undefined {
  const prefix = `${prefixOf(router)}.`;
  if (!key.startsWith(prefix)) return undefined;
  const rest = key.slice(prefix.length);
  if (rest === HEAD) return { kind: "head" };
  const [kind, first, ...others] = rest.split(".");
  if (kind === TENANT) {
    const name = [first ?? "", ...others].join(".");
    return NAME.test(name) ? { kind: "Tenant", name } : undefined;
  }
  const name = others.join(".");
  if (first === undefined || !TOKEN.test(first) || !NAME.test(name)) return undefined;
  if (kind === POLICY) return { kind: "RoutingPolicy", namespace: first, name };
  if (kind === PROVIDER) return { kind: "Provider", namespace: first, name };
  if (kind === PIPELINE) return { kind: "Pipeline", namespace: first, name };
  return undefined;
}
