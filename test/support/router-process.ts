// A router as its own process, to be killed, stopped and started again by a test.
import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { eventually } from "./await.ts";

export interface RouterProcess {
  readonly name: string;
  readonly healthUrl: string;
  readonly pid: number;
  signal(signal: NodeJS.Signals): void;
  /** Resolves to the exit code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  ready(): Promise<boolean>;
}

export interface RouterProcessOptions {
  readonly name: string;
  readonly natsUrl: string;
  readonly healthPort: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** Where its log goes. */
  readonly logFile: string;
}

const READY_DEADLINE_MS = 30_000;
const main = join(import.meta.dirname, "..", "..", "router", "main.ts");

/** A loopback port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Starts a router and waits until it is ready. */
export async function startRouterProcess(options: RouterProcessOptions): Promise<RouterProcess> {
  const { name, natsUrl, healthPort, logFile } = options;
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const child = spawn(process.execPath, [main], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      BEAMLINE_NATS_URL: natsUrl,
      BEAMLINE_POD_NAME: name,
      BEAMLINE_HEALTH_PORT: String(healthPort),
      // A test process that is killed takes its routers with it.
      BEAMLINE_PARENT_PIPE: "true",
      ...options.environment,
    },
  });
  const log = createWriteStream(logFile, { flags: "a" });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const exited = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once("exit", (code, signal) => resolve(code ?? signal ?? 0)),
  );
  const router = describeRouter(child, { name, healthUrl, exited });
  await eventually(
    async () => {
      if (child.exitCode !== null) throw new Error(`the router ended with ${child.exitCode}; see ${logFile}`);
      return await router.ready();
    },
    { deadlineMs: READY_DEADLINE_MS, describe: `router ${name} is ready`, everyMs: 50 },
  );
  return router;
}

function describeRouter(
  child: ChildProcess,
  about: Pick<RouterProcess, "name" | "healthUrl" | "exited">,
): RouterProcess {
  const { pid } = child;
  if (pid === undefined) throw new Error(`router ${about.name} could not be started`);
  return {
    ...about,
    pid,
    signal: (signal) => {
      child.kill(signal);
    },
    ready: async () => {
      const response = await fetch(`${about.healthUrl}/readyz`).catch(() => undefined);
      return response?.status === 200;
    },
  };
}
