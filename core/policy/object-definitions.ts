// The kinds of objects there are, each with its scope and schema.
import type { ObjectDefinition } from "./schema.ts";
import { pipelineDefinition } from "./schema-pipeline-object.ts";
import { providerDefinition } from "./schema-provider.ts";
import { routerDefinition } from "./schema-router.ts";
import { routingPolicyDefinition } from "./schema-routing-policy.ts";
import { tenantDefinition } from "./schema-tenant.ts";
import type { ObjectKind } from "./spec.ts";

export const objectDefinitions: Readonly<Record<ObjectKind, ObjectDefinition>> = {
  RoutingPolicy: routingPolicyDefinition,
  Provider: providerDefinition,
  Tenant: tenantDefinition,
  Router: routerDefinition,
  Pipeline: pipelineDefinition,
};

/** Whether a text names a kind of ours. */
export function isObjectKind(kind: string): kind is ObjectKind {
  return Object.hasOwn(objectDefinitions, kind);
}
