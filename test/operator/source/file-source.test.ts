// What happens in real folders: half-written files, folders that come and go, names that are none of ours.
import assert from "node:assert/strict";
import { appendFile, chmod, mkdir, rename, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { FileSource } from "../../../operator/source/files/file-source.ts";
import { MAX_FILE_BYTES } from "../../../operator/source/files/scan-folder.ts";
import { STATUS_FILE, writeStatusFile } from "../../../operator/source/files/status-file.ts";
import { BeamlineError } from "../../../runtime/errors.ts";
import { createLogger } from "../../../runtime/log.ts";
import { eventually } from "../../support/await.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";

const DEADLINE_MS = 5_000;
const router = { namespace: "beamline-system", name: "default" };
const log = createLogger({ service: "test", level: "silent" });

function policy(name: string): string {
  return `apiVersion: beamline.dev/v1alpha1\nkind: RoutingPolicy\nmetadata: {name: ${name}}\nspec: {providers: [{name: openai}]}\n`;
}

/** Root may read everything: for as long as this takes, it is not root. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(NOBODY);
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}

const NOBODY = 65_534;

describe("folder of policies", () => {
  let folder: TempDir;
  let state: TempDir;
  let source: FileSource;

  const names = (): string[] =>
    source
      .snapshot()
      .objects.map(({ meta }) => meta.name)
      .sort();
  const whenNames = (expected: readonly string[]): Promise<unknown> =>
    eventually(() => JSON.stringify(names()) === JSON.stringify(expected), {
      deadlineMs: DEADLINE_MS,
      describe: () => `objects ${expected.join(", ")}; there are ${names().join(", ")}`,
    });
  const open = async (path = folder.path, kept: ReadonlyMap<string, Uint8Array> = new Map()): Promise<void> => {
    source = new FileSource({ folder: path, stateDir: state.path, router, log });
    await source.start(kept, () => undefined);
  };
  const troubles = (): readonly string[] =>
    source.snapshot().files.flatMap(({ file, problems }) => problems.map(({ rule }) => `${file}: ${rule}`));
  const whenTroubles = (expected: readonly string[]): Promise<unknown> =>
    eventually(() => troubles().join() === expected.join(), {
      deadlineMs: DEADLINE_MS,
      describe: () => `problems ${expected.join()}; there are ${troubles().join()}`,
    });

  beforeEach(async () => {
    folder = await makeTempDir();
    state = await makeTempDir();
  });
  afterEach(async () => {
    await source.stop();
    await folder.remove();
    await state.remove();
  });

  it("takes .yaml, .yml and .json at any depth, and nothing else", async () => {
    await mkdir(join(folder.path, "a", "b"), { recursive: true });
    await mkdir(join(folder.path, ".hidden"));
    await writeFile(join(folder.path, "a", "b", "deep.yml"), policy("deep"));
    const json = { apiVersion: "beamline.dev/v1alpha1", kind: "Provider", metadata: { name: "p" }, spec: {} };
    await writeFile(join(folder.path, "p.json"), JSON.stringify(json));
    for (const other of ["notes.txt", ".swp.yaml", "policy.yaml~", ".hidden/x.yaml"]) {
      await writeFile(join(folder.path, other), policy("wrong"));
    }
    await open();
    assert.deepEqual(names(), ["deep", "p"]);
  });

  it("follows folders that are made, moved and removed while it runs", async () => {
    await open();
    await mkdir(join(folder.path, "team"));
    await writeFile(join(folder.path, "team", "x.yaml"), policy("x"));
    await whenNames(["x"]);
    const uid = source.snapshot().objects[0]?.meta.uid;
    await rename(join(folder.path, "team"), join(folder.path, "moved"));
    await eventually(() => source.snapshot().objects[0]?.origin?.file === "moved/x.yaml", {
      deadlineMs: DEADLINE_MS,
      describe: "the object is where it was moved",
    });
    assert.equal(source.snapshot().objects[0]?.meta.uid, uid, "a moved file holds the same object");
    await rm(join(folder.path, "moved"), { recursive: true });
    await whenNames([]);
  });

  it("waits for a file that is being written", async () => {
    const path = join(folder.path, "x.yaml");
    const seen: string[][] = [];
    source = new FileSource({ folder: folder.path, stateDir: state.path, router, log });
    await source.start(new Map(), () => seen.push(names()));
    const text = `${policy("first")}---\n${policy("second")}`;
    for (const line of text.split("\n")) await appendFile(path, `${line}\n`);
    await whenNames(["first", "second"]);
    assert.ok(
      seen.every((objects) => objects.length !== 1),
      "never half of the file",
    );
  });

  it("keeps what an emptied file held", async () => {
    await writeFile(join(folder.path, "x.yaml"), policy("x"));
    await open();
    await writeFile(join(folder.path, "x.yaml"), "");
    await eventually(() => source.snapshot().files[0]?.problems[0]?.rule === "empty_file", {
      deadlineMs: DEADLINE_MS,
      describe: "the empty file is a problem",
    });
    assert.deepEqual(names(), ["x"]);
  });

  it("follows links, as mounted configuration has them, and passes over those that lead nowhere", async () => {
    await mkdir(join(folder.path, "..data-1"));
    await writeFile(join(folder.path, "..data-1", "x.yaml"), policy("one"));
    await symlink("..data-1", join(folder.path, "..data"));
    await symlink("..data/x.yaml", join(folder.path, "x.yaml"));
    await symlink("nowhere", join(folder.path, "y.yaml"));
    await open();
    assert.deepEqual(names(), ["one"]);
    await mkdir(join(folder.path, "..data-2"));
    await writeFile(join(folder.path, "..data-2", "x.yaml"), policy("two"));
    await symlink("..data-2", join(folder.path, "..data.next"));
    await rename(join(folder.path, "..data.next"), join(folder.path, "..data"));
    await whenNames(["two"]);
  });

  it("keeps everything in force while the folder is away, and follows the one that comes back", async () => {
    const inner = join(folder.path, "inner");
    await mkdir(inner);
    await writeFile(join(inner, "x.yaml"), policy("x"));
    const warnings: string[] = [];
    const recording = { ...log, warn: (message: string) => warnings.push(message) };
    source = new FileSource({ folder: inner, stateDir: state.path, router, log: recording });
    await source.start(new Map(), () => undefined);
    await rename(inner, join(folder.path, "away"));
    await eventually(() => warnings.includes("folder not readable"), {
      deadlineMs: DEADLINE_MS,
      describe: "the missing folder is noticed",
    });
    assert.deepEqual(names(), ["x"]);
    assert.deepEqual(troubles(), [".: folder_unreadable"]);
    await mkdir(inner);
    await writeFile(join(inner, "y.yaml"), policy("y"));
    await whenNames(["y"]);
    assert.deepEqual(troubles(), []);
  });

  it("keeps everything in force when an empty folder stands in its place, and says so", async () => {
    const inner = join(folder.path, "inner");
    await mkdir(inner);
    await writeFile(join(inner, "x.yaml"), policy("x"));
    await open(inner);
    // As a volume that is unmounted: the folder under it is another one.
    await mkdir(join(folder.path, "under"));
    await rename(inner, join(folder.path, "mounted"));
    await rename(join(folder.path, "under"), inner);
    await whenTroubles([".: folder_replaced"]);
    assert.deepEqual(names(), ["x"]);
    await rename(inner, join(folder.path, "under"));
    await rename(join(folder.path, "mounted"), inner);
    await whenTroubles([]);
    assert.deepEqual(names(), ["x"]);
    await rm(join(inner, "x.yaml"));
    await whenNames([]);
  });

  it("keeps what a part of it held that cannot be read any more, over a restart too, and says which part", async () => {
    await mkdir(join(folder.path, "team"));
    await writeFile(join(folder.path, "team", "x.yaml"), policy("x"));
    await writeFile(join(folder.path, "y.yaml"), policy("y"));
    await open();
    const { records } = source.snapshot();
    for (const path of [folder.path, state.path]) await chmod(path, 0o755);
    await chmod(join(folder.path, "team"), 0);
    await asNobody(async () => {
      await whenTroubles(["team: folder_unreadable"]);
      assert.deepEqual(names(), ["x", "y"]);
      await source.stop();
      await open(folder.path, records);
      assert.deepEqual(troubles(), ["team: folder_unreadable"]);
      assert.deepEqual(names(), ["x", "y"]);
    });
    await rm(join(folder.path, "y.yaml"));
    await whenNames(["x"]);
    await chmod(join(folder.path, "team"), 0o755);
    await whenTroubles([]);
    assert.deepEqual(names(), ["x"]);
  });

  it("refuses a file that is too large by its size, and keeps what it held", async () => {
    const path = join(folder.path, "x.yaml");
    await writeFile(path, policy("x"));
    await open();
    // A hole: reading a gigabyte of it would be seen in the memory of the process.
    await truncate(path, 1024 * MAX_FILE_BYTES);
    const before = process.memoryUsage().arrayBuffers;
    await eventually(() => source.snapshot().files[0]?.problems[0]?.message.startsWith("is larger than"), {
      deadlineMs: DEADLINE_MS,
      describe: "the size is a problem",
    });
    assert.ok(process.memoryUsage().arrayBuffers - before < MAX_FILE_BYTES);
    assert.deepEqual(names(), ["x"]);
  });

  for (const text of ["null", "7", '"text"', "[null]", '{"policies": 1}', '{"policies": [null, {"name": 1}]}', "{"]) {
    it(`starts with a status file that holds ${text}`, async () => {
      await writeFile(join(state.path, STATUS_FILE), text);
      await writeFile(join(folder.path, "x.yaml"), policy("x"));
      await open();
      assert.deepEqual(source.snapshot().objects[0]?.conditions, []);
    });
  }

  it("that does not exist is an error which names it", async () => {
    source = new FileSource({ folder: join(folder.path, "missing"), stateDir: state.path, router, log });
    await assert.rejects(
      source.start(new Map(), () => undefined),
      (error: unknown) =>
        error instanceof BeamlineError && error.code === "INPUT_MISSING" && /missing/.test(error.message),
    );
  });

  it("has its status in a folder that can be written, or says which cannot", async () => {
    await open();
    await writeFile(join(state.path, "file"), "");
    const document = {
      revision: 1,
      epoch: "",
      router: { ...router, generation: 1, desiredRouters: 0, updatedRouters: 0, conditions: [] },
      routers: [],
      policies: [],
      providers: [],
      tenants: [],
      pipelines: [],
      files: [],
      unfenced: true,
    };
    await assert.rejects(
      writeStatusFile(join(state.path, "file"), document),
      (error: unknown) => error instanceof BeamlineError && error.message.includes(state.path),
    );
  });
});
