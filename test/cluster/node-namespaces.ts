// The node as one process: a mount and process-id namespace in the cluster's network namespace. When its first process is
// killed, the kernel ends all that runs in it (containerd, kubelet, every container) and undoes all of its mounts.
import { existsSync } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { BeamlineError } from "../../runtime/errors.ts";
import type { ClusterLayout } from "./cluster-layout.ts";
import { enterNetwork } from "./network.ts";
import { type LaunchOptions, launchServer, type ServerProcess, waitUntilReady } from "./server-process.ts";
import { systemEnvironment } from "./system-command.ts";

const READY_DEADLINE_MS = 20_000;

/** Written to by kubelet and containerd at fixed paths; each cluster gets its own behind them. */
const PRIVATE_DIRECTORIES = "lib/kubelet lib/cni log/pods log/containers";
/** $1 the folder with the private directories, $2 the file that says it is done, $3 the first process. */
const SET_UP = `set -e
mount -t tmpfs -o mode=755 tmpfs /run
for directory in ${PRIVATE_DIRECTORIES}; do
  mkdir -p "/var/$directory" "$1/$directory"
  mount --bind "$1/$directory" "/var/$directory"
done
mount --make-rshared /
: > "$2"
exec "$3"`;

export interface NodeNamespaces {
  /** Its end is the end of everything in the namespaces. */
  readonly process: ServerProcess;
  /** What to put before a command to run it on the node. */
  enter(): { readonly path: string; readonly arguments: readonly string[] };
}

/** Starts the node's first process, which does nothing but reap. `pause` is its program. */
export async function holdNamespaces(
  layout: ClusterLayout,
  pause: string,
  lifetime: LaunchOptions["lifetime"],
): Promise<NodeNamespaces> {
  const done = join(layout.stateDir, "node-is-set-up");
  await rm(done, { force: true });
  await mkdir(layout.stateDir, { recursive: true });
  const network = enterNetwork(layout);
  const unshare = ["unshare", "--mount", "--propagation=private", "--pid", "--fork", "--kill-child=SIGKILL"];
  const script = ["sh", "-c", SET_UP, "node", join(layout.stateDir, "var"), done, pause];
  const process = await launchServer({
    name: "node",
    path: network.path,
    arguments: [...network.arguments, ...unshare, "--mount-proc", ...script],
    logPath: join(layout.logDir, "node.log"),
    environment: systemEnvironment(),
    lifetime,
  });
  await waitUntilReady(process, async () => existsSync(done), READY_DEADLINE_MS);
  const first = await onlyChildOf(process.pid);
  return { process, enter: () => enterNode(first) };
}

/** The same for a node whose outer process is known by its id only. */
export async function enterNodeOf(outerPid: number): Promise<ReturnType<NodeNamespaces["enter"]>> {
  return enterNode(await onlyChildOf(outerPid));
}

function enterNode(pid: number): ReturnType<NodeNamespaces["enter"]> {
  return { path: "nsenter", arguments: [`--target=${pid}`, "--net", "--mount", "--pid", "--"] };
}

/** unshare stays outside and waits; its child is the first process inside. */
async function onlyChildOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8");
  const child = Number(text.trim().split(" ")[0]);
  if (Number.isInteger(child) && child > 0) return child;
  throw new BeamlineError("PROCESS_FAILED", `the node's outer process ${pid} has no child`);
}
