// Access by a kubeconfig file: the current context's cluster and user. What we do not support is refused by name.
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parse } from "yaml";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { ClusterAccess, Credentials } from "./cluster-access.ts";
import { type ExecPlugin, runExecPlugin } from "./exec-credential.ts";

type Fields = Readonly<Record<string, unknown>>;

export interface KubeconfigOptions {
  readonly path: string;
  /** `current-context` of the file when absent. */
  readonly context?: string;
}

/** `KUBECONFIG` (its first file, when it names several), else the file in the home folder that kubectl uses. */
export function defaultKubeconfigPath(env: Readonly<Record<string, string | undefined>>): string {
  const first = env.KUBECONFIG?.split(":").find((path) => path !== "");
  return first ?? join(env.HOME ?? homedir(), ".kube", "config");
}

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])$/;
/** Fields of a user that would change who we are; ignoring one would act as somebody else. */
const REFUSED_OF_USER = [
  "auth-provider",
  "username",
  "password",
  "as",
  "as-groups",
  "as-uid",
  "as-user-extra",
] as const;

/** Reads a kubeconfig file. Throws BeamlineError INPUT_MISSING or CONFIG_INVALID, naming the field. */
export async function readKubeconfigAccess({ path, context }: KubeconfigOptions): Promise<ClusterAccess> {
  const config = await readConfig(path);
  const fail = (message: string): never => {
    throw new BeamlineError("CONFIG_INVALID", `${path}: ${message}`);
  };
  const find = (list: string, name: unknown, field: string): Fields => {
    const entries = Array.isArray(config[list]) ? (config[list] as readonly Fields[]) : [];
    const found = entries.find((entry) => entry.name === name)?.[field];
    return typeof found === "object" && found !== null ? (found as Fields) : fail(`${list} has no ${String(name)}`);
  };
  const chosen = find("contexts", context ?? config["current-context"], "context");
  const cluster = find("clusters", chosen.cluster, "cluster");
  const user = chosen.user === undefined || chosen.user === "" ? {} : find("users", chosen.user, "user");
  if (cluster["proxy-url"] !== undefined) fail("cluster.proxy-url is not supported");
  for (const field of REFUSED_OF_USER) if (user[field] !== undefined) fail(`user.${field} is not supported`);
  const server = URL.parse(text(cluster.server) ?? "") ?? fail("cluster.server is no URL");
  if (server.protocol !== "https:" && !(server.protocol === "http:" && LOOPBACK.test(server.hostname))) {
    fail(`cluster.server is ${server.origin}, but must be https, or http on this machine`);
  }
  const tlsServerName = text(cluster["tls-server-name"]);
  return {
    server,
    ...(tlsServerName === undefined ? {} : { tlsServerName }),
    insecureSkipTlsVerify: cluster["insecure-skip-tls-verify"] === true,
    namespace: text(chosen.namespace) ?? "default",
    origin: path,
    readCredentials: () => readCredentials(dirname(path), cluster, user),
  };
}

async function readConfig(path: string): Promise<Fields> {
  let source: string;
  try {
    source = await readFile(path, "utf8");
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `cannot read ${path}: ${reasonOf(error)}`, {
      hint: "Set KUBECONFIG, or run in a pod.",
      cause: error,
    });
  }
  try {
    const config: unknown = parse(source);
    if (typeof config === "object" && config !== null) return config as Fields;
    throw new Error("it is empty");
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `${path} is no kubeconfig: ${reasonOf(error)}`, { cause: error });
  }
}

/** Inline data wins over a file, and a token over a token file, as in kubectl. */
async function readCredentials(directory: string, cluster: Fields, user: Fields): Promise<Credentials> {
  const pem = (fields: Fields, name: string): Promise<string | undefined> => readPem(directory, fields, name);
  const plugin = readExecPlugin(directory, user.exec);
  const token = text(user.token) ?? (await readIfNamed(directory, text(user.tokenFile)))?.trim();
  const caPem = await pem(cluster, "certificate-authority");
  const certPem = await pem(user, "client-certificate");
  const keyPem = await pem(user, "client-key");
  return {
    ...(caPem === undefined ? {} : { caPem }),
    ...(certPem === undefined ? {} : { certPem }),
    ...(keyPem === undefined ? {} : { keyPem }),
    ...(token === undefined ? {} : { token }),
    ...(plugin === undefined ? {} : await runExecPlugin(plugin)),
  };
}

async function readPem(directory: string, fields: Fields, name: string): Promise<string | undefined> {
  const data = text(fields[`${name}-data`]);
  if (data !== undefined) return Buffer.from(data, "base64").toString("utf8");
  return readIfNamed(directory, text(fields[name]));
}

async function readIfNamed(directory: string, path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  const absolute = resolve(directory, path);
  try {
    return await readFile(absolute, "utf8");
  } catch (error) {
    throw new BeamlineError("CONFIG_INVALID", `cannot read ${absolute}: ${reasonOf(error)}`, { cause: error });
  }
}

function readExecPlugin(directory: string, exec: unknown): ExecPlugin | undefined {
  if (typeof exec !== "object" || exec === null) return undefined;
  const { apiVersion, command, args, env, installHint } = exec as Fields;
  const name = text(command) ?? "";
  const pairs = (Array.isArray(env) ? env : []) as readonly { readonly name: string; readonly value: string }[];
  const hint = text(installHint);
  return {
    apiVersion: text(apiVersion) ?? "",
    // A bare name is looked for on PATH; a relative path is relative to the file (as kubectl does).
    command: name.includes("/") ? resolve(directory, name) : name,
    args: Array.isArray(args) ? args.map(String) : [],
    env: Object.fromEntries(pairs.map((pair) => [pair.name, pair.value])),
    ...(hint === undefined ? {} : { installHint: hint }),
  };
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
