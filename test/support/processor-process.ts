// A silent processor as its own process, so that it can be killed with a message in its hands.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "./await.ts";

export interface ProcessorProcess {
  /** host:port */
  readonly address: string;
  taken(): number;
  kill(): void;
}

const START_MS = 20_000;
const main = join(import.meta.dirname, "..", "router", "fixtures", "silent-processor.ts");

export async function startSilentProcessor(): Promise<ProcessorProcess> {
  const child = spawn(process.execPath, [main], { stdio: ["pipe", "pipe", "inherit"] });
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const address = await eventually(() => lines[0], { deadlineMs: START_MS, describe: "the processor listens" });
  return { address, taken: () => lines.length - 1, kill: () => void child.kill("SIGKILL") };
}
