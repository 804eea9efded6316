// Where the API server serves our kinds.
import type { ObjectKind } from "../../../core/policy/spec.ts";
import { customResourceType } from "../../../kubernetes/custom-resource-type.ts";
import type { ResourceType } from "../../../kubernetes/object.ts";

export const RESOURCE_TYPES: Readonly<Record<ObjectKind, ResourceType>> = {
  RoutingPolicy: customResourceType("RoutingPolicy"),
  Provider: customResourceType("Provider"),
  Tenant: customResourceType("Tenant"),
  Router: customResourceType("Router"),
  Pipeline: customResourceType("Pipeline"),
};

export const OBJECT_KINDS = Object.keys(RESOURCE_TYPES) as readonly ObjectKind[];
