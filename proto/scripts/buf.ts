// Runs the buf of this checkout, offline, and reads the descriptors it builds.

import { execFile } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** The folder `proto/` of this checkout. */
export const protoDir = dirname(dirname(fileURLToPath(import.meta.url)));

const binDir = join(dirname(protoDir), "node_modules", ".bin");
const bufTimeoutMs = 60_000;
const maxOutputBytes = 64 * 1024 * 1024;

/** What one run of buf said; `problems` is empty exactly when it succeeded. */
export interface BufRun {
  readonly problems: readonly string[];
  readonly stdout: Buffer;
}

/**
 * Runs `buf <args>` with the folder `dir` as the module.
 * Never rejects: a buf that is absent, killed or over time is a problem in the result like any other.
 */
export function runBuf(args: readonly string[], dir: string): Promise<BufRun> {
  // The plugin is a Node script: the pinned Node comes first on its path.
  const env = { ...process.env, PATH: `${binDir}${delimiter}${process.env.PATH ?? ""}` };
  const options = { cwd: dir, env, timeout: bufTimeoutMs, maxBuffer: maxOutputBytes, encoding: "buffer" } as const;
  return new Promise((resolve) => {
    execFile(join(binDir, "buf"), [...args], options, (error, stdout, stderr) => {
      if (error === null) {
        resolve({ problems: [], stdout });
        return;
      }
      const lines = `${stdout.toString("utf8")}\n${stderr.toString("utf8")}`.split("\n").filter((line) => line !== "");
      resolve({ problems: lines.length > 0 ? lines : [describeFailure(error)], stdout });
    });
  });
}

function describeFailure(error: Error & { code?: unknown; killed?: boolean }): string {
  if (error.code === "ENOENT") return "buf is not installed in this checkout: run `npm ci`";
  if (error.killed === true) return `buf gave no answer within ${bufTimeoutMs} ms`;
  return `buf failed: ${error.message}`;
}

/**
 * Builds the descriptors of all files of the module in `dir`, imports included.
 * Throws an Error with buf's own words when the files do not compile.
 */
export async function buildRegistry(dir: string): Promise<FileRegistry> {
  const run = await runBuf(["build", "--output", "-"], dir);
  if (run.problems.length > 0) throw new Error(`the .proto files do not compile:\n${run.problems.join("\n")}`);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, run.stdout));
}
