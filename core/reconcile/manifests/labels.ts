// Labels of everything that a Router owns, and the selector of its pods.
import type { RouterKey } from "../../config/entry.ts";
import { API_GROUP } from "../../policy/schema.ts";
import type { Manifest, RouterInstallation, RouterWorkload } from "./manifest.ts";

const ROUTER_LABEL = `${API_GROUP}/router`;
const NAME_LABEL = "app.kubernetes.io/name";
const APPLICATION = "beamline-router";
const OPERATOR = "beamline-operator";

/** Selects the pods of one Router. A Deployment's selector can never be changed, so no setting is part of it. */
export function podLabels({ name }: RouterKey): Readonly<Record<string, string>> {
  return { [NAME_LABEL]: APPLICATION, [ROUTER_LABEL]: name };
}

/** The same as `kubectl get -l` takes it. */
export function podSelector(router: RouterKey): string {
  return Object.entries(podLabels(router))
    .map(([key, value]) => `${key}=${value}`)
    .join(",");
}

export function ownedLabels(router: RouterKey, installation: RouterInstallation): Readonly<Record<string, string>> {
  return {
    ...podLabels(router),
    "app.kubernetes.io/component": "router",
    "app.kubernetes.io/instance": installation.instance,
    "app.kubernetes.io/managed-by": OPERATOR,
    "app.kubernetes.io/part-of": installation.partOf,
  };
}

/** Metadata of an owned object. */
export function ownedMetadata({ router, installation }: RouterWorkload, name: string): Manifest["metadata"] {
  return { namespace: router.namespace, name, labels: ownedLabels(router, installation) };
}
