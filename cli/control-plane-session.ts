// One visit to the control plane for a command: where it is, who calls, and its failures in the command's own words.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { CallProblem } from "../controlplane/client/call-problem.ts";
import { Connection } from "../controlplane/client/connection.ts";
import { type ControlPlaneOptions, checkOptions, type TlsOptions } from "../controlplane/client/options.ts";
import { BeamlineError, type ErrorCode, reasonOf } from "../runtime/errors.ts";
import type { Invocation, OptionTable } from "./command.ts";
import { DEFAULT_CONTROL_PLANE_PORT, dataDirOf, readEndpoints } from "./endpoints.ts";
import { flagOption, textOption } from "./option-values.ts";

/** Flags of every command that calls the control plane. */
export const CONTROL_PLANE_OPTIONS: OptionTable = {
  address: {
    type: "string",
    valueName: "HOST:PORT",
    description:
      "control plane, or several with commas between; default: BEAMLINE_CONTROLPLANE_ADDRESS, else that of a running `beamline up`, else 127.0.0.1:50051",
  },
  token: {
    type: "string",
    valueName: "TOKEN",
    description: "API key or bearer token; others on this machine may see it: BEAMLINE_CONTROLPLANE_TOKEN is better",
  },
  "token-file": { type: "string", valueName: "FILE", description: "file with the API key or bearer token" },
  tls: { type: "boolean", description: "speak TLS, trusting the authorities of this machine" },
  "tls-ca": { type: "string", valueName: "FILE", description: "speak TLS, trusting these authorities (PEM)" },
  "tls-cert": { type: "string", valueName: "FILE", description: "client certificate (PEM), with --tls-key" },
  "tls-key": { type: "string", valueName: "FILE", description: "key of the client certificate (PEM)" },
  "tls-server-name": { type: "string", valueName: "NAME", description: "name that the server's certificate is for" },
};

export const CALL_TIMEOUT_MS = 10_000;

/** Runs `visit` on a connection that is closed afterwards. Failures of calls become BeamlineErrors. */
export async function visitControlPlane<T>(
  invocation: Invocation,
  visit: (connection: Connection, address: string) => Promise<T>,
): Promise<T> {
  const { options, source } = await findControlPlane(invocation);
  const address = options.addresses.join(",");
  try {
    checkOptions(options);
  } catch (error) {
    throw new BeamlineError("USAGE_INVALID", `control plane ${address} (from ${source}): ${reasonOf(error)}`);
  }
  const connection = new Connection(options);
  try {
    return await visit(connection, address);
  } catch (error) {
    throw error instanceof CallProblem ? commandError(error, `${address} (from ${source})`) : error;
  } finally {
    connection.close();
  }
}

/** What is said by flags and environment counts before a running `up`, whose key goes to its own control plane only. */
export async function findControlPlane(
  invocation: Invocation,
): Promise<{ readonly options: ControlPlaneOptions; readonly source: string }> {
  const { values, env } = invocation;
  const running = (await readEndpoints(dataDirOf(invocation)))?.controlPlane;
  const flag = textOption(values, "address");
  const variable = env.BEAMLINE_CONTROLPLANE_ADDRESS || undefined;
  const standard = `127.0.0.1:${DEFAULT_CONTROL_PLANE_PORT}`;
  const named = flag ?? variable ?? running?.address ?? standard;
  const source =
    flag !== undefined
      ? "--address"
      : variable !== undefined
        ? "BEAMLINE_CONTROLPLANE_ADDRESS"
        : running === undefined
          ? "the default"
          : "a running beamline up";
  const ownKey = named === running?.address ? running.tokenFile : undefined;
  const token = await findToken(invocation, ownKey);
  const tls = tlsOf(invocation);
  const options = {
    addresses: named.split(","),
    ...(token === undefined ? {} : { token }),
    ...(tls === undefined ? {} : { tls }),
  };
  return { options, source };
}

async function findToken({ values, env, cwd }: Invocation, ownKey: string | undefined): Promise<string | undefined> {
  const named = textOption(values, "token") ?? (env.BEAMLINE_CONTROLPLANE_TOKEN || undefined);
  const file = textOption(values, "token-file") ?? (named === undefined ? ownKey : undefined);
  if (file === undefined) return named;
  return (await readInput(resolve(cwd, file))).trim();
}

function tlsOf({ values, cwd }: Invocation): TlsOptions | undefined {
  const file = (name: string): string | undefined => {
    const path = textOption(values, name);
    return path === undefined ? undefined : resolve(cwd, path);
  };
  const [caFile, certFile, keyFile] = [file("tls-ca"), file("tls-cert"), file("tls-key")];
  const serverName = textOption(values, "tls-server-name");
  if (!flagOption(values, "tls") && [caFile, certFile, keyFile, serverName].every((one) => one === undefined))
    return undefined;
  return {
    ...(caFile === undefined ? {} : { caFile }),
    ...(certFile === undefined ? {} : { certFile }),
    ...(keyFile === undefined ? {} : { keyFile }),
    ...(serverName === undefined ? {} : { serverName }),
  };
}

async function readInput(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `${path} cannot be read: ${reasonOf(error)}`, { cause: error });
  }
}

/** Statuses with an exit code of their own; the others say that the server cannot do it now. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  INVALID_ARGUMENT: "INPUT_INVALID",
  NOT_FOUND: "INPUT_MISSING",
  DEADLINE_EXCEEDED: "DEADLINE_EXCEEDED",
  UNAUTHENTICATED: "PERMISSION_DENIED",
  PERMISSION_DENIED: "PERMISSION_DENIED",
};

const HINTS: Readonly<Record<string, string>> = {
  NOT_FOUND: "See: npx beamline components list",
  UNAVAILABLE: "Start one with npm start, or name it with --address.",
  UNAUTHENTICATED: "Give an API key or a token: --token-file FILE, or BEAMLINE_CONTROLPLANE_TOKEN.",
};

export function commandError(problem: CallProblem, where: string): BeamlineError {
  const code = CODES[problem.code] ?? "UNAVAILABLE";
  const hint = HINTS[problem.code];
  const violations = problem.violations.map(({ field, description }) => `${field}: ${description}`);
  const said = violations.length > 0 ? violations.join("; ") : problem.message;
  const message = code === "UNAVAILABLE" ? `control plane ${where}: ${problem.code}: ${said}` : said;
  return new BeamlineError(code, message, { ...(hint === undefined ? {} : { hint }), cause: problem });
}
