// A Python with the packages of the foreign client, in the cache, and the messages compiled from proto/ for it.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { defaultCacheDir } from "../../cli/nats-server.ts";
import { reasonOf } from "../../runtime/errors.ts";
import { skipUnless } from "./skip.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const requirements = join(root, "test", "e2e", "foreign", "requirements.txt");
/** What a client over NATS reads and writes. */
const NATS_PROTOS = ["beamline/flow/v1/flow.proto", "beamline/worker/v1/worker.proto"];
/** Installing three wheels from an index. */
const INSTALL_TIMEOUT_MS = 300_000;

export interface ForeignPython {
  readonly program: string;
  /** Folder of the compiled messages, for `sys.path`. */
  readonly messages: string;
}

/** Makes it once a requirements file; skipped aloud where Python or its packages cannot be had. */
export async function foreignPython(
  context: Mocha.Context,
  outDir: string,
  protos: readonly string[] = NATS_PROTOS,
): Promise<ForeignPython> {
  const digest = createHash("sha256")
    .update(await readFile(requirements))
    .digest("hex")
    .slice(0, 16);
  const environment = join(defaultCacheDir(process.env), `python-${digest}`);
  const program = join(environment, "bin", "python");
  try {
    if (!existsSync(program)) await install(environment);
    await run(program, [
      "-m",
      "grpc_tools.protoc",
      `-I${join(root, "proto")}`,
      `--python_out=${outDir}`,
      `--grpc_python_out=${outDir}`,
      ...protos,
    ]);
  } catch (error) {
    const reason = `Python 3 with venv and the packages of ${requirements.slice(root.length + 1)} are needed: ${reasonOf(error)}`;
    skipUnless(context, false, reason);
  }
  return { program, messages: outDir };
}

/** A virtual environment keeps its own path in its scripts, but its interpreter may be moved: made aside, renamed when whole. */
async function install(environment: string): Promise<void> {
  const partial = `${environment}.${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await run("python3", ["-m", "venv", partial]);
    const python = join(partial, "bin", "python");
    await run(python, ["-m", "pip", "install", "--quiet", "-r", requirements], { timeout: INSTALL_TIMEOUT_MS });
    await rename(partial, environment);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}
