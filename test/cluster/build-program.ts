// Builds one program with Go into the cache: one build at a time on the machine, with progress, its log kept.
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { defaultCacheDir } from "../../cli/nats-server.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { withBuildLock } from "./build-lock.ts";
import { type Environment, isExecutable, type Progress } from "./executable.ts";
import { PROGRAMS, type ProgramName } from "./programs.ts";

export interface BuildProgramOptions {
  /** The file that the program becomes. */
  readonly target: string;
  readonly environment: Environment;
  readonly progress: Progress;
}

const PROGRESS_EVERY_MS = 10_000;
/** kube-apiserver with all of its modules to fetch, on one slow core. */
const BUILD_TIMEOUT_MS = 1_800_000;
const MAX_REASON_LINES = 5;

/**
 * Builds `name` from the versions that its go.mod and go.sum pin. Does nothing but wait when another process builds it
 * already. Throws BeamlineError PROCESS_FAILED with Go's last words and the log's path.
 */
export async function buildProgram(name: ProgramName, options: BuildProgramOptions): Promise<void> {
  const lockPath = join(defaultCacheDir(options.environment), "bin", ".build.lock");
  await mkdir(dirname(options.target), { recursive: true });
  await withBuildLock(lockPath, options.progress, async () => {
    // The owner of the lock that we waited for may have built this very program.
    if (await isExecutable(options.target)) return;
    await build(name, options);
  });
}

async function build(name: ProgramName, options: BuildProgramOptions): Promise<void> {
  const { version, buildSeconds } = PROGRAMS[name];
  const logPath = join(dirname(options.target), "build.log");
  const partial = `${options.target}.${process.pid}`;
  options.progress(`building ${name} ${version} with Go, about ${buildSeconds} s on two cores the first time`);
  const startMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startMs) / 1000);
  const ticker = setInterval(() => options.progress(`  still building ${name} (${seconds()} s)`), PROGRESS_EVERY_MS);
  try {
    const failure = await runGoBuild(name, partial, logPath, options.environment);
    if (failure !== undefined) {
      const reason = lastLines(await readFile(logPath, "utf8")) || failure;
      throw new BeamlineError("PROCESS_FAILED", `${name} ${version} could not be built: ${reason}`, {
        hint: `Go's whole output is in ${logPath}.`,
      });
    }
    await chmod(partial, 0o755);
    await rename(partial, options.target);
    options.progress(`${name} ${version} is now at ${options.target} (${seconds()} s)`);
  } finally {
    clearInterval(ticker);
    await rm(partial, { force: true });
  }
}

/** Runs Go with its output in the log; undefined when it succeeded, else how it ended. */
async function runGoBuild(
  name: ProgramName,
  output: string,
  logPath: string,
  environment: Environment,
): Promise<string | undefined> {
  const { moduleDir, goPackage, linkerFlags } = PROGRAMS[name];
  const log = createWriteStream(logPath);
  const flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", ["-s", "-w", ...linkerFlags].join(" ")];
  const child = spawn("go", ["build", ...flags, "-o", output, goPackage], {
    cwd: moduleDir,
    // Without cgo the programs are static: they run on any machine, and inside images.
    env: { ...environment, CGO_ENABLED: "0", GOWORK: "off" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: BUILD_TIMEOUT_MS,
  });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const failure = await new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", (code, signal) =>
      resolve(code === 0 ? undefined : `go ended with ${signal ?? `exit ${code}`}`),
    );
  });
  log.end();
  await finished(log);
  return failure;
}

function lastLines(text: string): string {
  return text.trim().split("\n").slice(-MAX_REASON_LINES).join("; ");
}
