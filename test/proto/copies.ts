// Copies of the protos in temporary folders, for tests that plant changes or build the seed's files.

import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { FileRegistry } from "@bufbuild/protobuf";
import { buildRegistry, protoDir } from "../../proto/scripts/buf.ts";

const seedDir = join(import.meta.dirname, "seed");

async function withTemporaryDir<T>(use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), "beamline-proto-test-"));
  try {
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs `use` with a copy of proto/ that stands, like the original, beside a node_modules. */
export function withProtoCopy<T>(use: (dir: string) => Promise<T>): Promise<T> {
  return withTemporaryDir(async (root) => {
    const dir = join(root, "proto");
    await cp(protoDir, dir, { recursive: true });
    await symlink(join(dirname(protoDir), "node_modules"), join(root, "node_modules"));
    return await use(dir);
  });
}

/** Replaces `before`, which must stand exactly once in the file, by `after`. */
export async function plant(dir: string, path: string, before: string, after: string): Promise<void> {
  const text = await readFile(join(dir, path), "utf8");
  const parts = text.split(before);
  if (parts.length !== 2) throw new Error(`${path} contains ${JSON.stringify(before)} ${parts.length - 1} times`);
  await writeFile(join(dir, path), parts.join(after));
}

/** The descriptors of the seed's files as they stood at a checkpoint: test/proto/seed/<checkpoint>/*.txt. */
export function buildSeed(checkpoint: "cp1" | "cp2"): Promise<FileRegistry> {
  return withTemporaryDir(async (dir) => {
    await writeFile(join(dir, "buf.yaml"), "version: v2\n");
    for (const name of await readdir(join(seedDir, checkpoint))) {
      await cp(join(seedDir, checkpoint, name), join(dir, name.replace(/\.txt$/, ".proto")));
    }
    return await buildRegistry(dir);
  });
}
