// `npm run cluster -- up|down|status|kubectl …|helm …|load-image …|build-image`: a Kubernetes on this machine, for trying things by hand.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { BeamlineError, describeError, exitCodeOf } from "../../runtime/errors.ts";
import { type Cluster, openCluster, startCluster } from "./cluster.ts";
import { layoutOf } from "./cluster-layout.ts";
import { clusterNames, readRecord, removeCluster } from "./cluster-record.ts";
import { EXAMPLES_REFERENCE, writeExamplesImage } from "./examples-image.ts";
import { findClient } from "./find-program.ts";
import { stillRuns } from "./process-record.ts";
import { buildProductImage, NATS_REFERENCE, PRODUCT_REFERENCE, writeNatsImage } from "./product-image.ts";

const DEFAULT_NAME = "beamline";
const USAGE = `npm run cluster -- <command> [--name <cluster>]

  up                   starts a cluster with one node; builds what it needs first, and keeps that in the cache
  down                 ends it and removes all of it but its logs
  status               which clusters there are, and which of their processes run
  kubectl <arguments>  kubectl as the cluster's administrator
  helm <arguments>     helm likewise
  build-image          makes the images of this checkout, its examples and nats-server, and makes them known to the node
  load-image <tar>     makes a container image (docker save, or test/cluster/image.ts) known to the node
  kubeconfig           prints the path of the administrator's kubeconfig

The cluster's name is "${DEFAULT_NAME}" unless --name or BEAMLINE_CLUSTER says otherwise.`;

const progress = (line: string): void => console.error(line);

async function up(name: string): Promise<void> {
  const startMs = performance.now();
  const cluster = await startCluster({ name, progress, lifetime: "detached" });
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  progress(`${name} is up (${seconds} s); logs in ${cluster.logDir}`);
  console.log(`export KUBECONFIG=${cluster.kubeconfigPath}`);
}

async function down(name: string): Promise<void> {
  const layout = layoutOf(name);
  const known = readRecord(layout) !== undefined;
  await removeCluster(layout);
  progress(known ? `${name} is gone; its logs stay in ${layout.logDir}` : `there is no cluster named ${name}`);
}

async function status(): Promise<void> {
  const names = await clusterNames();
  if (names.length === 0) console.log("no clusters");
  for (const name of names) {
    const record = readRecord(layoutOf(name));
    console.log(`${name}  ${record?.url}  logs in ${layoutOf(name).logDir}`);
    for (const each of record?.processes ?? []) {
      console.log(`  ${each.name.padEnd(24)} ${String(each.pid).padStart(7)}  ${stillRuns(each) ? "runs" : "ended"}`);
    }
  }
}

async function requireCluster(name: string): Promise<Cluster> {
  const cluster = await openCluster(name);
  if (cluster !== undefined) return cluster;
  throw new BeamlineError("UNAVAILABLE", `no cluster named ${name} is up`, {
    hint: `Start it with \`npm run cluster -- up${name === DEFAULT_NAME ? "" : ` --name ${name}`}\`.`,
  });
}

/** Becomes that program as far as that is possible: its input, its output, its exit code. */
async function become(program: "kubectl" | "helm", name: string, programArguments: readonly string[]): Promise<void> {
  const { kubeconfigPath } = await requireCluster(name);
  const path = await findClient(program, { progress });
  const child = spawn(path, [...programArguments], {
    stdio: "inherit",
    env: { ...process.env, KUBECONFIG: kubeconfigPath },
  });
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code ?? 1));
  });
}

async function buildImages(name: string): Promise<void> {
  const cluster = await requireCluster(name);
  const directory = await mkdtemp(join(tmpdir(), "beamline-images-"));
  try {
    for (const [reference, write] of [
      [PRODUCT_REFERENCE, buildProductImage],
      [NATS_REFERENCE, writeNatsImage],
      [EXAMPLES_REFERENCE, writeExamplesImage],
    ] as const) {
      const path = join(directory, "image.tar");
      await write(path);
      await cluster.loadImage(path);
      progress(`${reference} is loaded`);
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function loadImages(name: string, paths: readonly string[]): Promise<void> {
  if (paths.length === 0) throw new BeamlineError("USAGE_INVALID", "load-image needs the path of a tar file");
  const cluster = await requireCluster(name);
  for (const path of paths) {
    await cluster.loadImage(path);
    progress(`${path} is loaded`);
  }
}

async function run(commandLine: readonly string[]): Promise<void> {
  const environmentName = process.env.BEAMLINE_CLUSTER || DEFAULT_NAME;
  const [command, ...rest] = commandLine;
  // Everything behind it is that program's, which has options of its own.
  if (command === "kubectl" || command === "helm") return become(command, environmentName, rest);
  const { values, positionals } = parseCommand(rest);
  const name = values.name ?? environmentName;
  if (command === "up") return up(name);
  if (command === "down") return down(name);
  if (command === "status") return status();
  if (command === "build-image") return buildImages(name);
  if (command === "load-image") return loadImages(name, positionals);
  if (command === "kubeconfig") return console.log((await requireCluster(name)).kubeconfigPath);
  if (command === "help" || command === "--help") return console.log(USAGE);
  throw new BeamlineError("USAGE_INVALID", command === undefined ? "no command" : `no command named ${command}`, {
    hint: USAGE,
  });
}

function parseCommand(rest: readonly string[]): { values: { name?: string }; positionals: string[] } {
  try {
    const options = { name: { type: "string" } } as const;
    const { values, positionals } = parseArgs({ args: [...rest], options, allowPositionals: true });
    return { values: { ...values }, positionals };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new BeamlineError("USAGE_INVALID", reason, { hint: USAGE, cause: error });
  }
}

try {
  await run(process.argv.slice(2));
} catch (error) {
  console.error(describeError(error));
  process.exitCode = exitCodeOf(error);
}
