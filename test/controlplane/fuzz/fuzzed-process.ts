// The control plane that is fuzzed, as a process of its own: its ports, what it holds after garbage collection, and whether it lives.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What a process holds after garbage collection. */
export interface Reading {
  readonly heapBytes: number;
  readonly sockets: number;
  readonly timers: number;
  readonly files: number;
}

export interface FuzzedProcess {
  readonly port: number;
  readonly healthPort: number;
  read(): Promise<Reading>;
  /** Throws when it has ended by itself. */
  checkAlive(): void;
  /** What it wrote to its standard error. */
  errors(): string;
  stop(): Promise<void>;
}

const MAX_ERROR_CHARACTERS = 4_096;
const PROGRAM = join(import.meta.dirname, "..", "fixtures", "fuzzed-control-plane.ts");

export async function startFuzzedProcess(apiKeysFile: string): Promise<FuzzedProcess> {
  const child = spawn(process.execPath, ["--expose-gc", PROGRAM, apiKeysFile], { stdio: ["pipe", "pipe", "pipe"] });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    errors = (errors + text).slice(0, MAX_ERROR_CHARACTERS);
  });
  const exited = once(child, "exit");
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextLine = async (): Promise<unknown> => {
    const line = await lines.next();
    if (line.done === true) throw new Error(`the control plane ended with ${child.exitCode ?? child.signalCode}`);
    return JSON.parse(line.value);
  };
  const ports = (await nextLine()) as { readonly port: number; readonly healthPort: number };
  const checkAlive = (): void => {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the control plane ended with ${child.exitCode ?? child.signalCode}: ${errors}`);
  };
  return {
    ...ports,
    read: async () => {
      child.stdin.write("read\n");
      return (await nextLine()) as Reading;
    },
    checkAlive,
    errors: () => errors,
    stop: async () => {
      checkAlive();
      child.stdin.end();
      await exited;
    },
  };
}
