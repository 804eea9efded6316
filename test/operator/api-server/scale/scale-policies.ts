// The policies of the scale scenarios: ten teams' worth a thousand times over, each with two vendors, a stand-by and a rule.
import { API_VERSION } from "../../../../core/policy/schema.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";

/** Policies are spread over so many. */
export const SCALE_NAMESPACES = 500;
/** Each namespace has its own three, which its policies share. */
export const PROVIDERS_A_NAMESPACE = 3;

export function scaleNamespace(index: number): string {
  return `team-${index % SCALE_NAMESPACES}`;
}

/** `count` policies; those of another `series` have other names. */
export function scalePolicies(series: string, count: number): readonly KubernetesObject[] {
  return Array.from({ length: count }, (_, index) => scalePolicy(scaleNamespace(index), `${series}-${index}`));
}

function scalePolicy(namespace: string, name: string): KubernetesObject {
  return {
    apiVersion: API_VERSION,
    kind: "RoutingPolicy",
    metadata: { namespace, name },
    spec: {
      providers: [
        { name: "openai", weight: 70 },
        { name: "anthropic", weight: 30 },
        { name: "local", weight: 1, priority: 1 },
      ],
      rules: [{ name: "gold", when: "message.metadata.tier == 'gold'", prefer: ["anthropic"] }],
      sticky: { key: "context.session_id" },
    },
  };
}

export function nameOf({ metadata }: KubernetesObject): string {
  return `${metadata.namespace ?? ""}/${metadata.name}`;
}
