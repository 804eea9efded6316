// What a status document says of an object -> the object's `.status`, in the fields of `core/crd/status-schema.ts`.
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { Status } from "../../../kubernetes/status-diff.ts";
import type {
  PipelineStatus,
  PolicyStatus,
  ProviderStatus,
  RouterObjectStatus,
  RouterStatus,
  TenantStatus,
} from "../../status-document.ts";

export function policyStatus(policy: PolicyStatus, router: string): Status {
  const { observedGeneration, tenantId, policyId, providers, conditions } = policy;
  const named = providers === undefined ? {} : { providers };
  return { observedGeneration, tenantId, policyId, router, ...named, conditions };
}

/** Conditions and processors are what all Routers that use it say. */
export function providerStatus(
  provider: ProviderStatus,
  { conditions, processors }: Pick<ProviderStatus, "conditions" | "processors">,
): Status {
  const { observedGeneration, providerId, consumer } = provider;
  return {
    observedGeneration,
    providerId,
    ...(consumer === undefined ? {} : { consumer }),
    ...(processors === undefined ? {} : { processors }),
    conditions,
  };
}

export function pipelineStatus(pipeline: PipelineStatus, router: string): Status {
  const { observedGeneration, tenantId, input, consumers, conditions } = pipeline;
  return { observedGeneration, tenantId, router, input, consumers, conditions };
}

export function tenantStatus(tenant: TenantStatus, conditions: readonly Condition[]): Status {
  return { observedGeneration: tenant.observedGeneration, tenantId: tenant.tenantId, conditions };
}

export function routerStatus(router: RouterObjectStatus, routers: readonly RouterStatus[]): Status {
  const { generation, updatedRouters, selector, conditions } = router;
  return {
    observedGeneration: generation,
    replicas: routers.length,
    readyReplicas: routers.filter(({ ready }) => ready).length,
    updatedReplicas: updatedRouters,
    ...(selector === undefined ? {} : { selector }),
    conditions,
  };
}
