// The Deployment of a Router: one new pod at a time, and none goes before the new one serves.
import type { Codec } from "../../codec.ts";
import { API_GROUP } from "../../policy/schema.ts";
import { ownedMetadata, podLabels } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";
import { podTemplate } from "./pod-template.ts";

/** Set while an autoscaler of ours has the number of routers, so that it can be taken back when the autoscaler goes. */
export const AUTOSCALED_ANNOTATION = `${API_GROUP}/autoscaled`;
/**
 * A router is ready when its configuration is in force. This is how long it has to stay so before the next one is replaced:
 * two readiness probes, and time for its acknowledgement to hold a roll-out.
 */
const MIN_READY_SECONDS = 5;
/** A pull of the image on a new node is part of it. */
const PROGRESS_DEADLINE_SECONDS = 300;
const KEPT_REVISIONS = 3;

export function deploymentManifest(workload: RouterWorkload, name: string, codec: Codec): Manifest {
  const { paused, replicas, router, spec } = workload;
  const metadata = ownedMetadata(workload, name);
  const autoscaled = spec.autoscaling === undefined ? {} : { annotations: { [AUTOSCALED_ANNOTATION]: "true" } };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { ...metadata, ...autoscaled },
    spec: {
      ...(replicas === undefined ? {} : { replicas }),
      ...(paused ? { paused } : {}),
      minReadySeconds: MIN_READY_SECONDS,
      progressDeadlineSeconds: PROGRESS_DEADLINE_SECONDS,
      revisionHistoryLimit: KEPT_REVISIONS,
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: podLabels(router) },
      template: podTemplate(workload, name, codec),
    },
  };
}
