// What `beamline up` shall run, read from its flags and checked before anything is started.
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { BeamlineError } from "../runtime/errors.ts";
import type { Invocation, OptionTable } from "./command.ts";
import {
  DEFAULT_CONTROL_PLANE_PORT,
  DEFAULT_HTTP_PORT,
  DEFAULT_NATS_PORT,
  dataDirOf,
  readEndpoints,
} from "./endpoints.ts";
import { flagOption, integerOption, requiredOption, subjectsOption, textOption } from "./option-values.ts";
import { type NeededPort, requireFreePorts } from "./ports.ts";

const DEFAULT_ROUTERS = 2;
const MAX_ROUTERS = 32;
/** Health port of the first router; the next ones follow. */
const DEFAULT_HEALTH_PORT = 9100;
const MAX_PORT = 65_535;
/** Everything listens here: without `--secure` there is no lock on any of it. */
export const HOST = "127.0.0.1";

export const UP_OPTIONS: OptionTable = {
  policies: { type: "string", valueName: "DIR", description: "folder with the policies (required)" },
  routers: { type: "string", valueName: "N", description: `router processes (default ${DEFAULT_ROUTERS})` },
  worker: {
    type: "string",
    valueName: "SCRIPT",
    description: "worker to run as a child; gets NATS_URL and NATS_CREDS",
  },
  "nats-port": {
    type: "string",
    valueName: "PORT",
    description: `port of the nats-server that is started (default ${DEFAULT_NATS_PORT})`,
  },
  secure: {
    type: "boolean",
    description:
      "NATS with accounts: producers and workers log in and reach nothing but what is theirs; the control plane asks for a key",
  },
  "fixed-subject": {
    type: "string",
    multiple: true,
    valueName: "SUBJECT",
    description:
      "with --secure: fixed subject of a legacy provider, which its workers listen to; below beamline.ext., of a step",
  },
  "nats-server": {
    type: "string",
    valueName: "PROGRAM",
    description: "nats-server to start; default: found on PATH, in the cache, or obtained",
  },
  "http-port": {
    type: "string",
    valueName: "PORT",
    description: `port of status and metrics (default ${DEFAULT_HTTP_PORT})`,
  },
  "health-port": {
    type: "string",
    valueName: "PORT",
    description: `health port of the first router (default ${DEFAULT_HEALTH_PORT}); the next ones, then the control plane's, follow`,
  },
  "control-plane-port": {
    type: "string",
    valueName: "PORT",
    description: `gRPC port of the control plane (default ${DEFAULT_CONTROL_PLANE_PORT}); 0 runs none`,
  },
};

export interface UpSettings {
  readonly policiesDir: string;
  readonly dataDir: string;
  readonly routers: number;
  /** Absolute path of a script. */
  readonly worker: string | undefined;
  /** A server that runs already; undefined: one is started. */
  readonly natsUrl: string | undefined;
  readonly natsPort: number;
  readonly natsServer: string | undefined;
  /** Accounts and credentials for the nats-server that is started; undefined: everybody may do everything. */
  readonly secure: { readonly fixedSubjects: readonly string[] } | undefined;
  readonly httpPort: number;
  readonly healthPort: number;
  /** 0: no control plane. */
  readonly controlPlanePort: number;
}

/** Throws USAGE_INVALID for a flag, INPUT_MISSING for a folder or script that is not there. */
export async function readUpSettings(invocation: Invocation): Promise<UpSettings> {
  const { values, cwd } = invocation;
  if (invocation.positionals.length > 0) {
    const hint = "Name the folder with --policies.";
    throw new BeamlineError("USAGE_INVALID", `unexpected argument "${invocation.positionals[0]}"`, { hint });
  }
  const port = (name: string, fallback: number): number =>
    integerOption(values, name, { min: 1, max: MAX_PORT, fallback });
  const policiesDir = resolve(cwd, requiredOption(values, "policies", "examples/quickstart"));
  await requireKind(policiesDir, "--policies", "folder");
  const worker = textOption(values, "worker");
  const script = worker === undefined ? undefined : resolve(cwd, worker);
  if (script !== undefined) await requireKind(script, "--worker", "file");
  const routers = integerOption(values, "routers", { min: 1, max: MAX_ROUTERS, fallback: DEFAULT_ROUTERS });
  const natsUrl = textOption(values, "nats-url") ?? invocation.env.BEAMLINE_NATS_URL;
  return {
    policiesDir,
    dataDir: dataDirOf(invocation),
    routers,
    worker: script,
    natsUrl: natsUrl === "" ? undefined : natsUrl,
    natsPort: port("nats-port", DEFAULT_NATS_PORT),
    natsServer: textOption(values, "nats-server"),
    secure: readSecure(invocation, natsUrl),
    httpPort: port("http-port", DEFAULT_HTTP_PORT),
    healthPort: integerOption(values, "health-port", {
      min: 1,
      max: MAX_PORT - routers,
      fallback: DEFAULT_HEALTH_PORT,
    }),
    controlPlanePort: integerOption(values, "control-plane-port", {
      min: 0,
      max: MAX_PORT,
      fallback: DEFAULT_CONTROL_PLANE_PORT,
    }),
  };
}

function readSecure({ values }: Invocation, natsUrl: string | undefined): UpSettings["secure"] {
  const fixedSubjects = subjectsOption(values, "fixed-subject");
  const secure = flagOption(values, "secure");
  if (secure && natsUrl !== undefined && natsUrl !== "") {
    const hint = "Make accounts with npx beamline nats-accounts, give them to that server, and name the credentials.";
    throw new BeamlineError("USAGE_INVALID", "--secure is for a nats-server that is started here", { hint });
  }
  if (!secure && fixedSubjects.length > 0)
    throw new BeamlineError("USAGE_INVALID", "--fixed-subject has no effect without --secure");
  return secure ? { fixedSubjects } : undefined;
}

/** Throws PORT_IN_USE, or CONFIG_INVALID when another `up` runs on the same data folder: two servers would ruin its streams. */
export async function requireUnused(settings: UpSettings): Promise<void> {
  const running = await readEndpoints(settings.dataDir);
  if (running !== undefined) {
    throw new BeamlineError(
      "CONFIG_INVALID",
      `data folder ${settings.dataDir} is used by process ${running.pid} (beamline up)`,
      {
        hint: "Stop that one, or choose another folder with --data-dir (and other ports).",
      },
    );
  }
  const nats: NeededPort = { what: "NATS", port: settings.natsPort, flag: "--nats-port" };
  const routers = Array.from({ length: settings.routers }, (_, index) => ({
    what: `health of router ${index}`,
    port: settings.healthPort + index,
    flag: "--health-port",
  }));
  const http: NeededPort = { what: "HTTP (status, metrics)", port: settings.httpPort, flag: "--http-port" };
  const needed = [...(settings.natsUrl === undefined ? [nats] : []), http, ...routers, ...controlPlanePorts(settings)];
  await requireFreePorts(HOST, needed);
}

function controlPlanePorts({ controlPlanePort, healthPort, routers }: UpSettings): readonly NeededPort[] {
  if (controlPlanePort === 0) return [];
  return [
    { what: "control plane (gRPC)", port: controlPlanePort, flag: "--control-plane-port" },
    { what: "health of the control plane", port: healthPort + routers, flag: "--health-port" },
  ];
}

async function requireKind(path: string, flag: string, kind: "folder" | "file"): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (kind === "folder" ? found?.isDirectory() : found?.isFile()) return;
  const state = found === undefined ? "does not exist" : `is not a ${kind}`;
  throw new BeamlineError("INPUT_MISSING", `${flag} names ${path}, which ${state}`, {
    hint: `Name a ${kind} that exists.`,
  });
}
