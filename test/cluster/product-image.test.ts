// The image of the product: the same content as the Dockerfile's, and enough to run on.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import {
  APP_DIR,
  buildProductImage,
  CODE_FOLDERS,
  PLAIN_CONTENT,
  PROJECTS,
  productionPackages,
} from "./product-image.ts";
import { runCommand } from "./system-command.ts";

const root = join(import.meta.dirname, "..", "..");
const dockerfile = readFileSync(join(root, "Dockerfile"), "utf8");
const finalStage = dockerfile.slice(dockerfile.lastIndexOf("\nFROM "));
const BUILD_TIMEOUT_MS = 120_000;

function copies(stage: string, from: string): string[] {
  return [...stage.matchAll(/^COPY (.+)$/gm)]
    .map(([, line = ""]) => line)
    .filter((line) => (from === "" ? !line.startsWith("--from=") : line.startsWith(`--from=${from} `)));
}

describe("product image", function () {
  this.timeout(BUILD_TIMEOUT_MS);
  let temp: TempDir;
  let layer: string;

  before(async () => {
    temp = await makeTempDir();
    const tar = join(temp.path, "image.tar");
    await buildProductImage(tar, { version: "9.8.7" });
    await runCommand("tar", "-C", temp.path, "-xf", tar);
    layer = join(temp.path, "layer");
    await mkdir(layer);
    await runCommand("tar", "-C", layer, "-xf", join(temp.path, "layer.tar"));
  });
  after(() => temp?.remove());

  it("has the folders that the Dockerfile copies, and no others", () => {
    const code = CODE_FOLDERS.map((folder) => `--from=build /src/dist/${folder} ${folder}/`);
    assert.deepEqual(copies(finalStage, "build").sort(), [...code].sort());
    assert.deepEqual(copies(finalStage, "dependencies"), [`--from=dependencies ${APP_DIR}/node_modules node_modules/`]);
    const plain = PLAIN_CONTENT.map((name) => (name.includes(".") ? `${name} ./` : `${name} ${name}/`));
    assert.deepEqual(copies(finalStage, "").sort(), [...plain].sort());
    assert.ok(dockerfile.includes(`RUN npx tsc -b ${PROJECTS.join(" ")} `));
    for (const project of PROJECTS) assert.ok(dockerfile.includes(`\nCOPY ${project} ${project}/\n`), project);
  });

  it("takes the same Node and the same user as the Dockerfile", async () => {
    assert.ok(dockerfile.includes(`NODE_IMAGE=node:${process.versions.node}-`));
    assert.match(finalStage, /^USER 65532:65532$/m);
    assert.match(finalStage, /^ENTRYPOINT \["node"\]$/m);
    const [{ Config = "" } = {}] = JSON.parse(readFileSync(join(temp.path, "manifest.json"), "utf8")) as {
      Config: string;
    }[];
    const { config } = JSON.parse(readFileSync(join(temp.path, Config), "utf8")) as {
      config: { User: string; Entrypoint: string[] };
    };
    assert.deepEqual([config.User, config.Entrypoint], ["65532:65532", ["node"]]);
  });

  it("leaves nothing out of the Docker build that it needs", () => {
    const kept = readFileSync(join(root, ".dockerignore"), "utf8").split("\n");
    const needed = [...PROJECTS, ...PLAIN_CONTENT, "package-lock.json", ".npmrc", "tsconfig.base.json"];
    assert.deepEqual(kept.filter((line) => line.startsWith("!")).sort(), needed.map((name) => `!${name}`).sort());
  });

  it("carries production packages only, and nothing that is not JavaScript of ours", async () => {
    const app = join(layer, APP_DIR);
    for (const path of await productionPackages()) assert.ok(existsSync(join(app, path, "package.json")), path);
    for (const name of ["typescript", "mocha", "node"]) assert.ok(!existsSync(join(app, "node_modules", name)), name);
    const ours = await runCommand("find", ...CODE_FOLDERS.map((folder) => join(app, folder)), "-type", "f");
    const strangers = ours.split("\n").filter((path) => path !== "" && !/\.js$|\/package\.json$/.test(path));
    assert.deepEqual(strangers, []);
  });

  it("runs on nothing else", async () => {
    const node = join(layer, "usr", "local", "bin", "node");
    const main = join(layer, APP_DIR, "cli", "main.js");
    assert.match(
      await runCommand(node, main, "version"),
      new RegExp(`^beamline ${PRODUCT_VERSION.replaceAll(".", "\\.")}$`, "m"),
    );
    const failure = await runCommand(
      "env",
      "BEAMLINE_LOG_LEVEL=loud",
      node,
      join(layer, APP_DIR, "router", "main.js"),
    ).then(
      () => "",
      (error: Error) => error.message,
    );
    assert.match(failure, /BEAMLINE_LOG_LEVEL/, "the router's modules are all there, and it reads its settings");
  });

  it("calls itself by another version when a test asks for that", () => {
    const text = readFileSync(join(layer, APP_DIR, "runtime", "product-version.js"), "utf8");
    assert.match(text, /PRODUCT_VERSION = "9\.8\.7"/);
  });
});
