// Runs a short command of the system to its end, with its last words as the error.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import { SYSTEM_DIRECTORIES } from "./requirements.ts";

const TIMEOUT_MS = 60_000;
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
const run = promisify(execFile);

/** PATH with the system folders that an ordinary user's leaves out. */
export function systemEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, PATH: [process.env.PATH ?? "", ...SYSTEM_DIRECTORIES].join(":") };
}

/** What it printed. Throws BeamlineError PROCESS_FAILED with what it said on standard error. */
export async function runCommand(program: string, ...commandArguments: readonly string[]): Promise<string> {
  const limits = { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES, env: systemEnvironment() };
  try {
    const { stdout } = await run(program, [...commandArguments], limits);
    return stdout;
  } catch (error) {
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : "";
    const message = `${[program, ...commandArguments].join(" ")}: ${said || reasonOf(error)}`;
    throw new BeamlineError("PROCESS_FAILED", message, { cause: error });
  }
}
