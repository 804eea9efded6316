// A control plane as a process of its own, as it is deployed: to be killed, stopped and started again on the same port.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { eventually } from "./await.ts";
import { freePort } from "./router-process.ts";

const MAIN = join(import.meta.dirname, "..", "..", "controlplane", "main.ts");
const START_DEADLINE_MS = 20_000;
/** Kept of the log for the failure of a start. */
const MAX_LOG_CHARACTERS = 16_384;

export interface ControlPlaneProcess {
  readonly pid: number;
  readonly address: string;
  readonly healthUrl: string;
  /** The end of what it logged. */
  log(): string;
  /** Resolves when the process is gone, to its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts it and waits until it is ready. `environment` is added to that of the test. */
export async function startControlPlaneProcess(
  environment: Readonly<Record<string, string>>,
  port?: number,
): Promise<ControlPlaneProcess> {
  const address = `127.0.0.1:${port ?? (await freePort())}`;
  const healthPort = await freePort();
  const child = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      BEAMLINE_CONTROLPLANE_ADDRESS: address,
      BEAMLINE_HEALTH_PORT: String(healthPort),
      // The endpoints that tests register are nobody's.
      BEAMLINE_CONTROLPLANE_ASK_COMPONENTS: "false",
      // It ends with the test, however the test ends.
      BEAMLINE_PARENT_PIPE: "true",
      ...environment,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-MAX_LOG_CHARACTERS);
    });
  }
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  await eventually(async () => isReady(child, healthUrl), {
    deadlineMs: START_DEADLINE_MS,
    describe: () => `the control plane is ready\n${log}`,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the control plane could not be started");
  return {
    pid,
    address,
    healthUrl,
    log: () => log,
    end: async (signal) => {
      const exited = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill(signal);
      await exited;
      return child.exitCode;
    },
  };
}

async function isReady(child: ChildProcess, healthUrl: string): Promise<boolean> {
  if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`);
  return (await fetch(`${healthUrl}/readyz`)).ok;
}
