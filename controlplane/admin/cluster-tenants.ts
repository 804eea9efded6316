// Where the policies of a tenant are in a cluster, and which Provider objects have the ids of its providers.
import { compareText } from "../../core/compare-text.ts";
import { parseObject } from "../../core/policy/parse.ts";
import { dnsLabel, isFormat } from "../../core/policy/schema-formats.ts";
import { err, ok } from "../../core/result.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { customResourceType } from "../../kubernetes/custom-resource-type.ts";
import { listObjects } from "../../kubernetes/list-objects.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { Answer } from "../call-frame.ts";
import type { CallTime } from "../call-time.ts";
import { fromApi } from "./api-failure.ts";
import { ANY_ROUTER } from "./stored-policy.ts";

const TENANT = customResourceType("Tenant");
const PROVIDER = customResourceType("Provider");

/** The first namespace of the Tenant with this id, else the one of the same name. Of two Tenants with one id the older stands. */
export async function namespaceOfTenant(
  client: KubernetesClient,
  tenantId: string,
  { signal }: CallTime,
): Promise<Answer<string>> {
  const listed = await listObjects(client, TENANT, undefined, { signal });
  if (!listed.ok) return err(fromApi(listed.error, "list Tenants"));
  const tenants = listed.value
    .map((raw) => ({ raw, parsed: parse(raw, "") }))
    .filter(({ parsed }) => parsed?.kind === "Tenant" && parsed.spec.tenantId === tenantId)
    .sort((left, right) => compareAge(left.raw, right.raw));
  const [first] = tenants;
  if (first === undefined) {
    if (isFormat(dnsLabel, tenantId)) return ok(tenantId);
    return err(
      unknownTenant(tenantId, `there is no Tenant with the id "${tenantId}", and no namespace can have that name`),
    );
  }
  const namespace = first.parsed?.kind === "Tenant" ? first.parsed.spec.namespaces[0] : undefined;
  if (namespace !== undefined) return ok(namespace);
  return err(unknownTenant(tenantId, `Tenant ${first.raw.metadata.name} lists no namespace`));
}

export function unknownTenant(tenantId: string, message: string) {
  return { cause: "TENANT_UNKNOWN" as const, message, values: { tenant_id: tenantId } };
}

/** Names of the Providers of a namespace by their ids. Of two with one id the one of that name, else the older. */
export async function providerObjects(
  client: KubernetesClient,
  namespace: string,
  { signal }: CallTime,
): Promise<Answer<ReadonlyMap<string, string>>> {
  const listed = await listObjects(client, PROVIDER, namespace, { signal });
  if (!listed.ok) return err(fromApi(listed.error, `list Providers of namespace ${namespace}`));
  const names = new Map<string, string>();
  for (const raw of [...listed.value].sort(compareAge)) {
    const parsed = parse(raw, namespace);
    if (parsed?.kind !== "Provider") continue;
    const { providerId } = parsed.spec;
    if (!names.has(providerId) || providerId === parsed.meta.name) names.set(providerId, parsed.meta.name);
  }
  return ok(names);
}

/** Undefined for an object that this release does not understand: the operator says why in its status. */
export function parse({ apiVersion, kind, metadata, spec }: KubernetesObject, namespace: string) {
  const { name, namespace: own } = metadata;
  const plain = { apiVersion, kind, metadata: own === undefined ? { name } : { name, namespace: own }, spec };
  const parsed = parseObject(plain, { namespace, routerRef: ANY_ROUTER });
  return parsed.ok ? parsed.value : undefined;
}

export function compareAge({ metadata: left }: KubernetesObject, { metadata: right }: KubernetesObject): number {
  const byTime = compareText(left.creationTimestamp ?? "", right.creationTimestamp ?? "");
  return byTime || compareText(left.name, right.name);
}
