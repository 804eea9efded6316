// The image of the Dockerfile, made without Docker, and one of nats-server: what the chart runs on the test cluster.
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { formatVersion, TESTED_NATS_VERSION } from "../../runtime/nats/version.ts";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { testNatsServer } from "../support/nats.ts";
import { programWithLibraries, writeImage } from "./image.ts";
import { runCommand } from "./system-command.ts";

const root = join(import.meta.dirname, "..", "..");
/** Folders of compiled code, below dist/ and below /app. */
export const CODE_FOLDERS = [
  "core",
  "runtime",
  "kubernetes",
  "router",
  "operator",
  "controlplane",
  "cli",
  "proto/gen",
] as const;
/** What goes into /app as it is. */
export const PLAIN_CONTENT = ["package.json", "crds"] as const;
/** TypeScript projects that the code comes from. */
export const PROJECTS: readonly string[] = CODE_FOLDERS.map((folder) => folder.split("/", 1)[0] ?? folder);
export const APP_DIR = "/app";
/** Where an image of Node has it. */
export const NODE_PATH = "/usr/local/bin/node";
const NATS_SERVER_PATH = "/usr/local/bin/nats-server";
const PATH = "/usr/local/bin:/usr/bin:/bin";
/** What runs; not the types and source maps that the compiler writes beside it. */
const KEPT = /\.js$|\/package\.json$/;
const VERSION_FILE = "runtime/product-version.js";

/** As the chart's values name them, so that it installs as it stands. */
export const PRODUCT_REPOSITORY = "beamline/beamline";
export const NATS_REPOSITORY = "nats";
export const PRODUCT_REFERENCE = `${PRODUCT_REPOSITORY}:${PRODUCT_VERSION}`;
export const NATS_REFERENCE = `${NATS_REPOSITORY}:${formatVersion(TESTED_NATS_VERSION)}-alpine`;

export interface ProductImageOptions {
  /** With a host and a tag; the release's own when absent. */
  readonly reference?: string;
  /** What the processes call themselves, for a test that upgrades; the release's own when absent. */
  readonly version?: string;
  /** What is different in its compiled code, for a test of two releases that judge differently. */
  readonly change?: CodeChange;
}

export interface CodeChange {
  /** Below the application's folder. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Compiles the product and writes its image to `tarPath`. Throws BeamlineError PROCESS_FAILED when it does not compile. */
export async function buildProductImage(tarPath: string, options: ProductImageOptions = {}): Promise<void> {
  const { reference = PRODUCT_REFERENCE, version, change } = options;
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc");
  await runCommand(process.execPath, compiler, "-b", ...PROJECTS.map((project) => join(root, project)));
  const directory = await mkdtemp(join(tmpdir(), "beamline-product-"));
  // Not the temporary folder itself, which nobody else may enter: in the image that would be so, too.
  const app = join(directory, "app");
  try {
    await copyContent(app);
    if (version !== undefined) {
      await changeCode(app, { file: VERSION_FILE, from: JSON.stringify(PRODUCT_VERSION), to: JSON.stringify(version) });
    }
    if (change !== undefined) await changeCode(app, change);
    await writeImage(tarPath, {
      reference,
      files: { ...(await programWithLibraries(process.execPath, NODE_PATH)), [APP_DIR]: app },
      entrypoint: ["node"],
      environment: { PATH, NODE_ENV: "production" },
      workingDir: APP_DIR,
    });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function copyContent(directory: string): Promise<void> {
  await mkdir(directory);
  for (const name of PLAIN_CONTENT) await cp(join(root, name), join(directory, name), { recursive: true });
  for (const folder of CODE_FOLDERS) await copyCode(folder, directory);
  for (const path of await productionPackages()) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await cp(join(root, path), join(directory, path), { recursive: true });
  }
}

/** Only what the sources of now compile to: dist/ keeps the output of files that are gone. */
async function copyCode(folder: string, directory: string): Promise<void> {
  const listed = await runCommand("git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard", folder);
  const outputs = listed
    .split("\n")
    .map((path) => path.replace(/(?<!\.d)\.ts$/, ".js"))
    .filter((path) => KEPT.test(path));
  for (const path of outputs) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await cp(join(root, "dist", path), join(directory, path));
  }
}

interface LockEntry {
  readonly dev?: boolean;
  readonly link?: boolean;
}

/** Folders below node_modules that `npm ci --omit=dev` installs, as the lock file says. */
export async function productionPackages(): Promise<readonly string[]> {
  const lock = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Readonly<Record<string, LockEntry>>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, link }]) => path.startsWith("node_modules/") && dev !== true && link !== true)
    .map(([path]) => path);
}

async function changeCode(app: string, { file, from, to }: CodeChange): Promise<void> {
  const path = join(app, file);
  const text = await readFile(path, "utf8");
  if (!text.includes(from)) throw new Error(`${path} does not say ${from}`);
  await writeFile(path, text.replace(from, to));
}

/** Writes an image of the nats-server that tests use. */
export async function writeNatsImage(tarPath: string, reference = NATS_REFERENCE): Promise<void> {
  const { path } = await testNatsServer();
  await writeImage(tarPath, {
    reference,
    files: await programWithLibraries(path, NATS_SERVER_PATH),
    entrypoint: ["nats-server"],
    environment: { PATH },
  });
}
