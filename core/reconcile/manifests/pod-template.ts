// The pod of a router: restricted Pod Security, spread over nodes and zones, enough time to drain, and the Router's overlay.
import type { Codec } from "../../codec.ts";
import { routerContainer } from "./container.ts";
import { ownedLabels, podLabels } from "./labels.ts";
import type { RouterWorkload } from "./manifest.ts";
import { secretVolumes } from "./nats-secrets.ts";
import { HASH_VERSION, HASH_VERSION_ANNOTATION, SPEC_HASH_ANNOTATION, specHash } from "./spec-hash.ts";

/** "nonroot" of the common base images. */
const USER_ID = 65_532;
/** What a stop takes besides the drain: closing connections, and a node that is slow to begin it. */
const STOP_MARGIN_SECONDS = 15;
const MS_PER_SECOND = 1_000;
const SPREAD_OVER = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"] as const;

export interface PodTemplate {
  readonly metadata: {
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly spec: object;
}

/** With the hash of all that is in it: a pod is up to date exactly when it carries the hash of the newest template. */
export function podTemplate(workload: RouterWorkload, accountName: string, codec: Codec): PodTemplate {
  const { router, installation, spec } = workload;
  const metadata = {
    labels: { ...spec.pod.labels, ...ownedLabels(router, installation) },
    annotations: { ...spec.pod.annotations },
  };
  const template = { metadata, spec: podSpec(workload, accountName) };
  const hash = { [SPEC_HASH_ANNOTATION]: specHash(template, codec), [HASH_VERSION_ANNOTATION]: HASH_VERSION };
  return { ...template, metadata: { ...metadata, annotations: { ...metadata.annotations, ...hash } } };
}

function podSpec(workload: RouterWorkload, accountName: string): object {
  const { installation, router, secrets, spec } = workload;
  const { affinity, nodeSelector, tolerations } = spec.pod;
  return {
    serviceAccountName: accountName,
    automountServiceAccountToken: false,
    // The variables that tell of Services would be one more thing that differs between pods, and nothing reads them.
    enableServiceLinks: false,
    terminationGracePeriodSeconds: Math.ceil(spec.drainTimeoutMs / MS_PER_SECOND) + STOP_MARGIN_SECONDS,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER_ID,
      runAsGroup: USER_ID,
      // Makes the files of Secrets readable.
      fsGroup: USER_ID,
      seccompProfile: { type: "RuntimeDefault" },
    },
    topologySpreadConstraints: SPREAD_OVER.map((topologyKey) => ({
      topologyKey,
      maxSkew: 1,
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: { matchLabels: podLabels(router) },
      // Else the pods that a roll-out is about to end would push the new ones aside.
      matchLabelKeys: ["pod-template-hash"],
    })),
    containers: [routerContainer(workload)],
    volumes: secretVolumes(secrets),
    ...(installation.imagePullSecrets.length === 0
      ? {}
      : { imagePullSecrets: installation.imagePullSecrets.map((name) => ({ name })) }),
    ...(affinity === undefined ? {} : { affinity }),
    ...(nodeSelector === undefined ? {} : { nodeSelector }),
    ...(tolerations === undefined ? {} : { tolerations }),
  };
}
