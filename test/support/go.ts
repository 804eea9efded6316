// The foreign component in Go, built in the cache from test/e2e/foreign-go/ and what protoc-gen-go makes of proto/.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { defaultCacheDir } from "../../cli/nats-server.ts";
import { reasonOf } from "../../runtime/errors.ts";
import { skipUnless } from "./skip.ts";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");
const source = join(root, "test", "e2e", "foreign-go");
const SOURCES = ["main.go", "go.mod", "go.sum"] as const;
const MODULE = "beamline.test/components";
const PLUGINS = [
  "google.golang.org/protobuf/cmd/protoc-gen-go@v1.36.11",
  "google.golang.org/grpc/cmd/protoc-gen-go-grpc@v1.6.0",
] as const;
/** Each file with the Go package that its code becomes. */
const PROTOS: Readonly<Record<string, string>> = {
  "controlplane/controlplane.proto": "controlplane",
  "flowctl/v1/common.proto": "flowctl/v1;flowctlv1",
  "flowctl/v1/control_plane.proto": "flowctl/v1;flowctlv1",
  "beamline/control/v1/registry.proto": "beamline/control/v1;controlv1",
};
/** Modules from a proxy and two builds. */
const BUILD_TIMEOUT_MS = 300_000;

/** Path of the program. Made once for each state of its sources; skipped aloud where Go or its modules cannot be had. */
export async function foreignGo(context: Mocha.Context): Promise<string> {
  const folder = join(defaultCacheDir(process.env), `go-components-${await digestOfSources()}`);
  const program = join(folder, "components");
  try {
    if (!existsSync(program)) await build(folder);
  } catch (error) {
    skipUnless(context, false, `Go and the modules of test/e2e/foreign-go/go.mod are needed: ${reasonOf(error)}`);
  }
  return program;
}

async function digestOfSources(): Promise<string> {
  const hash = createHash("sha256").update(PLUGINS.join(" "));
  for (const name of SOURCES) hash.update(await readFile(join(source, name)));
  for (const name of Object.keys(PROTOS)) hash.update(await readFile(join(root, "proto", name)));
  return hash.digest("hex").slice(0, 16);
}

/** Made aside and renamed when whole. */
async function build(folder: string): Promise<void> {
  const partial = `${folder}.${process.pid}`;
  const bin = join(partial, "bin");
  const environment = { ...process.env, GOBIN: bin, GOFLAGS: "" };
  const options = { cwd: partial, env: environment, timeout: BUILD_TIMEOUT_MS };
  await mkdir(bin, { recursive: true });
  try {
    for (const plugin of PLUGINS) await run("go", ["install", plugin], options);
    for (const name of SOURCES) await cp(join(source, name), join(partial, name));
    await generate(partial, bin);
    await run("go", ["build", "-o", join(partial, "components"), "."], options);
    await rename(partial, folder);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
}

async function generate(folder: string, bin: string): Promise<void> {
  const packages = Object.entries(PROTOS).map(([proto, name]) => `M${proto}=${MODULE}/gen/${name}`);
  const opt = ["paths=source_relative", ...packages];
  const out = join(folder, "gen");
  const plugins = ["protoc-gen-go", "protoc-gen-go-grpc"].map((name) => ({ local: join(bin, name), out, opt }));
  const template = join(folder, "buf.gen.json");
  await writeFile(template, JSON.stringify({ version: "v2", plugins }));
  const paths = Object.keys(PROTOS).flatMap((proto) => ["--path", join(root, "proto", proto)]);
  const buf = join(root, "node_modules", ".bin", "buf");
  await run(buf, ["generate", join(root, "proto"), "--template", template, ...paths], { timeout: BUILD_TIMEOUT_MS });
}
