// Credentials from a program, as cloud providers' kubeconfigs want it (client.authentication.k8s.io ExecCredential).
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Credentials } from "./cluster-access.ts";

export interface ExecPlugin {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What the author of the kubeconfig says to whoever lacks the program. */
  readonly installHint?: string;
}

const run = promisify(execFile);
const EXEC_TIMEOUT_MS = 30_000;
const MAX_OUTPUT_BYTES = 1_048_576;
const API_VERSIONS = new Set(["client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"]);

/** Runs the program without a terminal and reads what it prints. Throws BeamlineError PERMISSION_DENIED or CONFIG_INVALID. */
export async function runExecPlugin(plugin: ExecPlugin): Promise<Credentials> {
  if (!API_VERSIONS.has(plugin.apiVersion)) {
    const known = [...API_VERSIONS].join(" or ");
    throw new BeamlineError("CONFIG_INVALID", `exec.apiVersion is ${plugin.apiVersion}, but must be ${known}`);
  }
  const info = { apiVersion: plugin.apiVersion, kind: "ExecCredential", spec: { interactive: false } };
  const env = { ...process.env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) };
  try {
    const { stdout } = await run(plugin.command, [...plugin.args], {
      env,
      timeout: EXEC_TIMEOUT_MS,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return readExecCredential(JSON.parse(stdout));
  } catch (error) {
    throw new BeamlineError("PERMISSION_DENIED", `${plugin.command} gave no credentials: ${reasonOf(error)}`, {
      hint: plugin.installHint ?? "Run the command of the kubeconfig's user by hand.",
      cause: error,
    });
  }
}

function readExecCredential(credential: unknown): Credentials {
  const { status } = credential as { readonly status?: Readonly<Record<string, unknown>> };
  const text = (field: string): string | undefined => {
    const value = status?.[field];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const token = text("token");
  const certPem = text("clientCertificateData");
  const keyPem = text("clientKeyData");
  const expiresAtMs = Date.parse(text("expirationTimestamp") ?? "");
  if (token === undefined && (certPem === undefined || keyPem === undefined)) {
    throw new Error("its status has neither a token nor a certificate with its key");
  }
  return {
    ...(token === undefined ? {} : { token }),
    ...(certPem === undefined ? {} : { certPem }),
    ...(keyPem === undefined ? {} : { keyPem }),
    ...(Number.isNaN(expiresAtMs) ? {} : { expiresAtMs }),
  };
}
