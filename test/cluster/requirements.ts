// What a machine must have for the test cluster, asked before anything starts, so that what lacks is said all at once.
import { access } from "node:fs/promises";
import { type Environment, findOnPath } from "./executable.ts";
import { locateProgram } from "./find-program.ts";
import { API_SERVER_PROGRAMS, NODE_PROGRAMS, type ProgramName } from "./programs.ts";

/** One thing that the machine lacks, as a sentence with the way out. */
export type Missing = string;

/** System folders that the PATH of an ordinary user leaves out. */
export const SYSTEM_DIRECTORIES = ["/usr/sbin", "/sbin", "/usr/local/sbin"];
/** Where the CNI plug-ins are: Debian's package, and the usual place of everybody else. */
export const CNI_DIRECTORIES = ["/usr/lib/cni", "/opt/cni/bin"];
const CNI_PLUGINS = ["ptp", "host-local", "loopback"];

interface SystemProgram {
  readonly name: string;
  readonly debianPackage: string;
  readonly why: string;
}

const OPENSSL: SystemProgram = { name: "openssl", debianPackage: "openssl", why: "makes the certificates" };
const NODE_SYSTEM_PROGRAMS: readonly SystemProgram[] = [
  OPENSSL,
  { name: "ip", debianPackage: "iproute2", why: "makes the network namespace" },
  { name: "nsenter", debianPackage: "util-linux", why: "starts programs in it" },
  { name: "unshare", debianPackage: "util-linux", why: "keeps the node's mounts and processes apart" },
  { name: "containerd", debianPackage: "containerd", why: "runs the containers" },
  { name: "ctr", debianPackage: "containerd", why: "loads images" },
  { name: "runc", debianPackage: "runc", why: "runs the containers" },
  { name: "nft", debianPackage: "nftables", why: "carries the Services" },
  { name: "conntrack", debianPackage: "conntrack", why: "carries the Services" },
];

/** What lacks for `startApiServer`; empty when it can run. */
export async function missingForApiServer(
  environment: Environment = process.env,
  programs: readonly ProgramName[] = API_SERVER_PROGRAMS,
): Promise<Missing[]> {
  return [...(await missingPrograms(programs, environment)), ...(await missingSystemPrograms([OPENSSL], environment))];
}

/** What lacks for a whole node with pods; empty when it can run. */
export async function missingForNode(environment: Environment = process.env): Promise<Missing[]> {
  if (process.platform !== "linux") return [`a node needs Linux, and this is ${process.platform}`];
  const root = process.getuid?.() === 0 ? [] : ["a node needs root (namespaces, cgroups, mounts): run it with sudo -E"];
  return [
    ...root,
    ...(await missingPrograms(NODE_PROGRAMS, environment)),
    ...(await missingSystemPrograms(NODE_SYSTEM_PROGRAMS, environment)),
    ...(await missingPlugins()),
  ];
}

/** The folder that has all of the CNI plug-ins that the cluster uses. */
export async function findCniDirectory(): Promise<string | undefined> {
  for (const directory of CNI_DIRECTORIES) {
    if ((await absentOf(CNI_PLUGINS.map((plugin) => `${directory}/${plugin}`))).length === 0) return directory;
  }
  return undefined;
}

async function missingPlugins(): Promise<Missing[]> {
  if ((await findCniDirectory()) !== undefined) return [];
  return [
    `the CNI plug-ins ${CNI_PLUGINS.join(", ")} are not in ${CNI_DIRECTORIES.join(" or ")}: ` +
      "apt-get install containernetworking-plugins",
  ];
}

async function missingPrograms(names: readonly ProgramName[], environment: Environment): Promise<Missing[]> {
  const absent: ProgramName[] = [];
  for (const name of names) if ((await locateProgram(name, environment)) === undefined) absent.push(name);
  if (absent.length === 0 || (await findOnPath("go", environment)) !== undefined) return [];
  return [
    `${absent.join(", ")}: neither in KUBEBUILDER_ASSETS nor in the cache, and there is no Go to build them ` +
      "(install Go, https://go.dev/dl/)",
  ];
}

async function missingSystemPrograms(wanted: readonly SystemProgram[], environment: Environment): Promise<Missing[]> {
  const missing: Missing[] = [];
  for (const { name, debianPackage, why } of wanted) {
    if ((await findOnPath(name, environment, SYSTEM_DIRECTORIES)) !== undefined) continue;
    missing.push(`${name}, which ${why}, is not installed: apt-get install ${debianPackage}`);
  }
  return missing;
}

async function absentOf(paths: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  );
  return paths.filter((_path, index) => found[index] === false);
}
