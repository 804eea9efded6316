// Where the system runs that a command shall talk to: said by a flag, by the environment, by a running `beamline up`, or
// the defaults, in this order.
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { RoleName } from "../core/trust/trust.ts";
import { credentialsPath } from "./accounts/account-folder.ts";
import type { Invocation } from "./command.ts";
import { textOption } from "./option-values.ts";

export const DEFAULT_DATA_DIR = ".beamline";
export const DEFAULT_NATS_PORT = 4222;
export const DEFAULT_HTTP_PORT = 8080;
export const DEFAULT_CONTROL_PLANE_PORT = 50_051;
/** Written by `up` into its data folder for as long as it runs. */
const ENDPOINTS_FILE = "endpoints.json";

export interface Endpoints {
  readonly natsUrl: string;
  readonly httpUrl: string;
  /** Folder of the credentials that its NATS asks for; absent where it asks for none. */
  readonly accountsDir?: string;
  /** Absent when it runs without one. */
  readonly controlPlane?: ControlPlaneEndpoint;
}

export interface ControlPlaneEndpoint {
  /** host:port of its gRPC server. */
  readonly address: string;
  /** File with the API key that it asks for; absent where it asks for none. */
  readonly tokenFile?: string;
}

interface EndpointsFile extends Endpoints {
  readonly pid: number;
}

export function dataDirOf(invocation: Invocation): string {
  return resolve(invocation.cwd, textOption(invocation.values, "data-dir") ?? DEFAULT_DATA_DIR);
}

/** Endpoints for a command; `source` says where the NATS URL comes from, for the message when nothing answers there. */
export async function findEndpoints(invocation: Invocation): Promise<Endpoints & { readonly source: string }> {
  const running = await readEndpoints(dataDirOf(invocation));
  const httpUrl = running?.httpUrl ?? `http://127.0.0.1:${DEFAULT_HTTP_PORT}`;
  const flag = textOption(invocation.values, "nats-url");
  if (flag !== undefined) return { natsUrl: flag, httpUrl, source: "--nats-url" };
  const variable = invocation.env.BEAMLINE_NATS_URL;
  if (variable !== undefined && variable !== "") return { natsUrl: variable, httpUrl, source: "BEAMLINE_NATS_URL" };
  if (running !== undefined) return { ...running, source: `a running beamline up (process ${running.pid})` };
  return { natsUrl: `nats://127.0.0.1:${DEFAULT_NATS_PORT}`, httpUrl, source: "the default" };
}

/** The .creds file for what a command does in this role: named, or that of the running `up` if it is its NATS. */
export async function findCredentials(invocation: Invocation, role: RoleName): Promise<string | undefined> {
  const named = textOption(invocation.values, "nats-credentials") ?? invocation.env.BEAMLINE_NATS_CREDENTIALS_FILE;
  if (named !== undefined && named !== "") return resolve(invocation.cwd, named);
  const running = await readEndpoints(dataDirOf(invocation));
  if (running?.accountsDir === undefined) return undefined;
  const { natsUrl } = await findEndpoints(invocation);
  return natsUrl === running.natsUrl ? credentialsPath(running.accountsDir, role) : undefined;
}

/** Publishes the endpoints for other commands; a reader never sees half a file. */
export async function writeEndpoints(dataDir: string, endpoints: Endpoints): Promise<void> {
  const file: EndpointsFile = { ...endpoints, pid: process.pid };
  const temporary = join(dataDir, `${ENDPOINTS_FILE}.${process.pid}`);
  await mkdir(dataDir, { recursive: true });
  await writeFile(temporary, `${JSON.stringify(file, null, 2)}\n`);
  await rename(temporary, join(dataDir, ENDPOINTS_FILE));
}

export async function removeEndpoints(dataDir: string): Promise<void> {
  await rm(join(dataDir, ENDPOINTS_FILE), { force: true });
}

/** The endpoints of the `up` that runs on this data folder; a file that a killed one left behind does not count. */
export async function readEndpoints(dataDir: string): Promise<EndpointsFile | undefined> {
  let text: string;
  try {
    text = await readFile(join(dataDir, ENDPOINTS_FILE), "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  const file = JSON.parse(text) as EndpointsFile;
  return isRunning(file.pid) ? file : undefined;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

function isRunning(pid: number): boolean {
  try {
    // Signal 0 asks whether the process is there and sends nothing.
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
