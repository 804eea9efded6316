// Where the API server serves our kinds, from the definitions that their CRDs are generated from.
import { objectDefinitions } from "../../../core/policy/object-definitions.ts";
import { API_GROUP, API_VERSION } from "../../../core/policy/schema.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { ResourceType } from "../../../kubernetes/object.ts";

export const RESOURCE_TYPES: Readonly<Record<ObjectKind, ResourceType>> = {
  RoutingPolicy: resourceType("RoutingPolicy"),
  Provider: resourceType("Provider"),
  Tenant: resourceType("Tenant"),
  Router: resourceType("Router"),
};

export const OBJECT_KINDS = Object.keys(RESOURCE_TYPES) as readonly ObjectKind[];

function resourceType(kind: ObjectKind): ResourceType {
  const { plural, scope } = objectDefinitions[kind];
  const version = API_VERSION.slice(API_GROUP.length + 1);
  return { group: API_GROUP, version, kind, plural, namespaced: scope === "Namespaced" };
}
