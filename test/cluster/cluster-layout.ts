// Where everything of one cluster is: its folders, its namespaces, its addresses.
import { join } from "node:path";
import { defaultCacheDir } from "../../cli/nats-server.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { Environment } from "./executable.ts";

/**
 * All clusters have the same addresses, each in a network namespace of its own. 198.18.0.0/15 is reserved for benchmarks
 * (RFC 2544), so none of them is anybody else's.
 */
export const NODE_ADDRESS = "198.18.0.1";
export const NODE_SUBNET_BITS = 24;
export const POD_SUBNET = "198.18.1.0/24";
/** The API server's port in the network namespace. */
export const API_PORT = 6443;
export const ETCD_PORT = 2379;

export interface ClusterLayout {
  readonly name: string;
  /** Everything that goes when the cluster goes. */
  readonly stateDir: string;
  /** One log a process; kept when the cluster goes, replaced when one of that name comes up. */
  readonly logDir: string;
  readonly pkiDir: string;
  readonly configDir: string;
  /** For whoever uses the cluster from outside the network namespace. */
  readonly kubeconfigPath: string;
  readonly recordPath: string;
  /** Connections into the network namespace go through this Unix socket. */
  readonly relaySocket: string;
  /** As `ip netns` names it. */
  readonly networkNamespace: string;
  readonly networkNamespacePath: string;
  /** Below the root of every cgroup hierarchy. */
  readonly cgroup: string;
}

/** Also the node's name and part of the relay's socket path, which may have 107 bytes. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/;

export function clustersDir(environment: Environment = process.env): string {
  return join(defaultCacheDir(environment), "clusters");
}

/** Throws BeamlineError USAGE_INVALID for a name that is no DNS label of at most 32. */
export function layoutOf(name: string, environment: Environment = process.env): ClusterLayout {
  if (!NAME.test(name)) {
    throw new BeamlineError("USAGE_INVALID", `"${name}" is no name for a cluster`, {
      hint: "Use at most 32 small letters, digits and hyphens, with none of these at either end.",
    });
  }
  const stateDir = join(clustersDir(environment), name);
  const networkNamespace = `beamline-${name}`;
  return {
    name,
    stateDir,
    logDir: join(defaultCacheDir(environment), "logs", name),
    pkiDir: join(stateDir, "pki"),
    configDir: join(stateDir, "config"),
    kubeconfigPath: join(stateDir, "kubeconfig"),
    recordPath: join(stateDir, "cluster.json"),
    relaySocket: `/run/${networkNamespace}.sock`,
    networkNamespace,
    networkNamespacePath: `/run/netns/${networkNamespace}`,
    cgroup: networkNamespace,
  };
}
