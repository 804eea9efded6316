// Who else writes the fields of a policy, and the answer that names them.
import { ADMIN_FIELD_MANAGER } from "../../core/admin/admin-policy.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import type { CallFailure } from "../call-failure.ts";

/** Of the spec, each once. */
export function managersOf({ metadata }: KubernetesObject): readonly string[] {
  const entries = metadata.managedFields ?? [];
  const ofSpec = entries.filter(({ fieldsV1, subresource }) => subresource === undefined && fieldsV1?.["f:spec"]);
  return [...new Set(ofSpec.map(({ manager }) => manager ?? "unknown"))];
}

/** `fields` are those of the request that would not become what was asked for. */
export function heldByOthers(
  { metadata }: KubernetesObject,
  managers: readonly string[],
  verb: "store" | "delete",
  fields: readonly string[] = [],
): CallFailure {
  const others = managers.filter((manager) => manager !== ADMIN_FIELD_MANAGER);
  const named = others.length === 0 ? "somebody else" : others.join(", ");
  const what = fields.length === 0 ? "" : `, and ${fields.join(", ")} would not be what was asked for`;
  const message = `could not ${verb} RoutingPolicy ${metadata.namespace}/${metadata.name}: ${named} manages it${what}`;
  return { cause: "POLICY_HELD", message, values: { managers: others.join(",") } };
}
