// Container images without Docker and without a registry: a layer of files from this machine, in the docker-archive form that
// `ctr images import` takes.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCommand } from "./system-command.ts";

export interface ImageOptions {
  /** With a host and a tag: `beamline.test/worker:1`. */
  readonly reference: string;
  /** Path in the image (absolute) to the file or folder of this machine that it is a copy of. */
  readonly files: Readonly<Record<string, string>>;
  /** Path in the image to what it points to. */
  readonly links?: Readonly<Record<string, string>>;
  readonly entrypoint: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  /** Numeric, because the kubelet must see that it is not root. */
  readonly user?: string;
}

/** The user of distroless images, too. */
const NON_ROOT_USER = "65532:65532";
/** The same bytes from the same files: nothing of who built it and when. */
const TAR_FLAGS = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0", "--format=gnu"];

/** Writes an image to `path` (a tar file). */
export async function writeImage(path: string, options: ImageOptions): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "beamline-image-"));
  try {
    await fillRoot(join(directory, "root"), options);
    await runCommand("tar", "-C", join(directory, "root"), ...TAR_FLAGS, "-cf", join(directory, "layer.tar"), ".");
    const config = imageConfig(options, await sha256OfFile(join(directory, "layer.tar")));
    const configName = `${createHash("sha256").update(config).digest("hex")}.json`;
    await writeFile(join(directory, configName), config);
    const manifest = [{ Config: configName, RepoTags: [options.reference], Layers: ["layer.tar"] }];
    await writeFile(join(directory, "manifest.json"), JSON.stringify(manifest));
    await mkdir(dirname(path), { recursive: true });
    await runCommand("tar", "-C", directory, ...TAR_FLAGS, "-cf", path, "manifest.json", configName, "layer.tar");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function fillRoot(root: string, { files, links = {} }: ImageOptions): Promise<void> {
  await mkdir(join(root, "tmp"), { recursive: true });
  for (const [target, source] of Object.entries(files)) {
    await mkdir(dirname(join(root, target)), { recursive: true });
    await cp(source, join(root, target), { recursive: true, dereference: (await stat(source)).isFile() });
  }
  for (const [target, value] of Object.entries(links)) {
    await mkdir(dirname(join(root, target)), { recursive: true });
    await symlink(value, join(root, target));
  }
}

function imageConfig(options: ImageOptions, layerDigest: string): string {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  return JSON.stringify({
    architecture,
    os: "linux",
    config: {
      Entrypoint: options.entrypoint,
      Env: Object.entries(options.environment ?? {}).map(([name, value]) => `${name}=${value}`),
      WorkingDir: options.workingDir ?? "/",
      User: options.user ?? NON_ROOT_USER,
    },
    rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
  });
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

/** A program of this machine and the shared libraries that it needs, as `files` of an image, each at its own path. */
export async function programWithLibraries(program: string, target = program): Promise<Record<string, string>> {
  const files: Record<string, string> = { [target]: program };
  const isStatic = !(await readFile(program)).includes("/ld-linux") && !(await readFile(program)).includes("/ld-musl");
  if (isStatic) return files;
  for (const line of (await runCommand("ldd", program)).split("\n")) {
    // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`, and the loader itself without an arrow.
    const path = /(?:=>\s*|^\s*)(\/\S+)/.exec(line)?.[1];
    if (path !== undefined) files[path] = path;
  }
  return files;
}
