// What may reach routers and what they may reach: scrapers and probes in; DNS, NATS and processors out.
import { METRICS_PORT } from "./container.ts";
import { ownedMetadata, podLabels } from "./labels.ts";
import type { Manifest, RouterWorkload } from "./manifest.ts";

/** The second is where DNS pods of some distributions listen behind the Service's port 53. */
const DNS_PORTS = [53, 5353] as const;
/** Pods that routers may call, in whichever namespace: those of processors carry it. */
const PROCESSOR_POD_LABELS = { "beamline.dev/processor": "true" } as const;
const DEFAULT_NATS_PORT = 4222;
/** `host`, `host:port` or `[ip6]:port`, after the scheme and a login. */
const ADDRESS_PORT = /:(\d{1,5})$/;

export function networkPolicyManifest(workload: RouterWorkload, name: string): Manifest {
  const { environment, installation, router } = workload;
  const natsPorts = [...natsPortsOf(environment.BEAMLINE_NATS_URL ?? ""), ...installation.natsPorts];
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: ownedMetadata(workload, name),
    spec: {
      podSelector: { matchLabels: podLabels(router) },
      policyTypes: ["Ingress", "Egress"],
      ingress: [{ ports: [tcp(METRICS_PORT)] }],
      egress: [
        { ports: DNS_PORTS.flatMap((port) => [{ port, protocol: "UDP" }, tcp(port)]) },
        { ports: [...new Set(natsPorts)].sort((left, right) => left - right).map(tcp) },
        // On any port: endpoints are registered, not configured. More is for a NetworkPolicy of whoever runs the processors.
        { to: [{ namespaceSelector: {}, podSelector: { matchLabels: PROCESSOR_POD_LABELS } }] },
      ],
    },
  };
}

function tcp(port: number): { readonly port: number; readonly protocol: "TCP" } {
  return { port, protocol: "TCP" };
}

/** Ports of a comma-separated list of server addresses; the default one where an address names none. */
function natsPortsOf(url: string): readonly number[] {
  return url
    .split(",")
    .map((server) => server.trim().replace(/\/+$/, ""))
    .map((server) => Number(ADDRESS_PORT.exec(server)?.[1] ?? DEFAULT_NATS_PORT));
}
