// The network namespace that a cluster lives in: nothing outside reaches it, and it reaches nothing outside.
import { existsSync } from "node:fs";
import { type ClusterLayout, NODE_ADDRESS, NODE_SUBNET_BITS } from "./cluster-layout.ts";
import { runCommand } from "./system-command.ts";

const BRIDGE = "node0";

/** Makes the namespace with the node's address in it. The kernel may have no dummy device; a bridge without ports will do. */
export async function makeNetwork(layout: ClusterLayout): Promise<void> {
  await runCommand("ip", "netns", "add", layout.networkNamespace);
  const ip = (...words: readonly string[]): Promise<string> =>
    runCommand("ip", "-netns", layout.networkNamespace, ...words);
  await ip("link", "set", "lo", "up");
  await ip("link", "add", BRIDGE, "type", "bridge");
  await ip("address", "add", `${NODE_ADDRESS}/${NODE_SUBNET_BITS}`, "dev", BRIDGE);
  await ip("link", "set", BRIDGE, "up");
  // Addresses of Services have no route of their own: kube-proxy rewrites them on the way to this one.
  await ip("route", "add", "default", "dev", BRIDGE);
  const enter = enterNetwork(layout);
  await runCommand(enter.path, ...enter.arguments, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
}

export async function removeNetwork(layout: ClusterLayout): Promise<void> {
  if (existsSync(layout.networkNamespacePath)) await runCommand("ip", "netns", "delete", layout.networkNamespace);
}

/** What to put before a command to run it in the namespace. `ip netns exec` would mount another /sys, without cgroups. */
export function enterNetwork(layout: ClusterLayout): { readonly path: string; readonly arguments: readonly string[] } {
  return { path: "nsenter", arguments: [`--net=${layout.networkNamespacePath}`] };
}
