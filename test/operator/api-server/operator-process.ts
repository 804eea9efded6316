// An operator as its own process on a real API server and a real nats-server; its routers are processes beside it.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../../support/await.ts";
import { freePort } from "../../support/router-process.ts";
import { OWN_NAMESPACE } from "./world.ts";

const MAIN = join(import.meta.dirname, "..", "..", "..", "operator", "kubernetes-main.ts");
/** An operator starts in half a second; the rest is for a busy machine. */
const START_DEADLINE_MS = 60_000;

export interface OperatorProcessOptions {
  readonly kubeconfigPath: string;
  readonly natsUrl: string;
  /** Where its log and those of its routers go. */
  readonly folder: string;
  /** Unique among the operators of one API server. */
  readonly name: string;
  /** Ports of the health pages of its routers: this and the next ones. */
  readonly routerHealthPort: number;
  readonly environment?: Readonly<Record<string, string>>;
}

export type LogLine = Readonly<Record<string, unknown>>;

export interface OperatorProcess {
  readonly name: string;
  readonly pid: number;
  readonly httpUrl: string;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  signal(signal: NodeJS.Signals): void;
  running(): boolean;
  isLeading(): Promise<boolean>;
  /** Lines of its log so far, parsed. */
  log(): readonly LogLine[];
  /** Whether it says that it is ready, and why not. */
  readiness(): Promise<{ readonly ready: boolean; readonly text: string }>;
  /** A metric's samples, by series. */
  metrics(): Promise<ReadonlyMap<string, number>>;
}

/** Starts it and waits until it answers; whether it leads is another matter. */
export async function startOperatorProcess(options: OperatorProcessOptions): Promise<OperatorProcess> {
  const { name, folder } = options;
  const httpPort = await freePort();
  const logPath = join(folder, `${name}.log`);
  const child = spawn(process.execPath, [MAIN], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      BEAMLINE_KUBECONFIG: options.kubeconfigPath,
      BEAMLINE_NATS_URL: options.natsUrl,
      BEAMLINE_NAMESPACE: OWN_NAMESPACE,
      BEAMLINE_POD_NAME: name,
      BEAMLINE_INFRASTRUCTURE: "Processes",
      BEAMLINE_HTTP_PORT: String(httpPort),
      BEAMLINE_ROUTER_HEALTH_PORT: String(options.routerHealthPort),
      BEAMLINE_ROUTER_LOG_DIR: join(folder, "routers"),
      // A test process that is killed takes its operators with it.
      BEAMLINE_PARENT_PIPE: "true",
      ...options.environment,
    },
  });
  const file = createWriteStream(logPath, { flags: "a" });
  child.stdout?.pipe(file, { end: false });
  child.stderr?.pipe(file, { end: false });
  const operator = describeOperator(child, { name, httpUrl: `http://127.0.0.1:${httpPort}`, logPath });
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(readFileSync(logPath, "utf8"));
      return (await fetch(`${operator.httpUrl}/livez`)).ok;
    },
    { deadlineMs: START_DEADLINE_MS, describe: () => `${name} answers: ${tail(logPath)}`, everyMs: 50 },
  );
  return operator;
}

function describeOperator(
  child: ChildProcess,
  { name, httpUrl, logPath }: { readonly name: string; readonly httpUrl: string; readonly logPath: string },
): OperatorProcess {
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("close", (code, signal) => resolve(code ?? signal ?? 0)),
  );
  return {
    name,
    pid: child.pid ?? 0,
    httpUrl,
    exited,
    signal: (signal) => void child.kill(signal),
    running: () => child.exitCode === null && child.signalCode === null,
    isLeading: async () => (await samples(httpUrl)).get("operator_leading") === 1,
    log: () => readFileSync(logPath, "utf8").split("\n").flatMap(parseLine),
    readiness: async () => {
      const response = await fetch(`${httpUrl}/readyz`);
      return { ready: response.ok, text: await response.text() };
    },
    metrics: () => samples(httpUrl),
  };
}

function parseLine(line: string): readonly LogLine[] {
  return line.startsWith("{") ? [JSON.parse(line) as LogLine] : [];
}

async function samples(httpUrl: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${httpUrl}/metrics`)).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

const TAIL_CHARACTERS = 4_000;

function tail(path: string): string {
  return readFileSync(path, "utf8").slice(-TAIL_CHARACTERS);
}
