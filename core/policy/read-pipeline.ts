// A valid spec of a Pipeline, as written and with the schema's defaults, -> plain data.
import { readMs } from "./read-spec.ts";
import type { ObjectMeta, PipelineSpec } from "./spec.ts";
import type { WrittenPipeline } from "./written.ts";

export function readPipeline(
  validated: unknown,
  meta: ObjectMeta,
  router: { readonly namespace: string; readonly name: string },
): PipelineSpec {
  const { routerRef, tenantId, source, processors, consumers, onFailure } = validated as WrittenPipeline;
  return {
    tenantId: tenantId ?? meta.namespace,
    routerRef:
      routerRef === undefined ? router : { namespace: routerRef.namespace ?? router.namespace, name: routerRef.name },
    source,
    processors: (processors ?? []).map(({ name, id, timeout, retry }) => ({
      name,
      id: id ?? name,
      timeoutMs: readMs(timeout),
      retry,
    })),
    consumers: consumers.map(({ name, id }) => ({ name, id: id ?? name })),
    onFailure,
  };
}
