// What every source of objects owes the operator. Each implementation brings a harness that does what its users do.
import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, afterEach, beforeEach, describe, it } from "mocha";
import type { ObjectSource, SourceObject } from "../../operator/interfaces.ts";
import { FileSource } from "../../operator/source/files/file-source.ts";
import { STATUS_FILE } from "../../operator/source/files/status-file.ts";
import type { StatusDocument } from "../../operator/status-document.ts";
import { createLogger } from "../../runtime/log.ts";
import { eventually } from "../support/await.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

interface Harness {
  /** A source on what the user has written; one at a time. */
  open(): ObjectSource;
  apply(name: string, weight: number): Promise<void>;
  /** Something that no source can take, in the place of the object. */
  breakObject(name: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** The status as a user would read it. */
  readStatus(): Promise<unknown>;
  close(): Promise<void>;
}

/** A change must be seen within this. */
const DEADLINE_MS = 5_000;
const ROUTER = { namespace: "beamline-system", name: "default" };
const log = createLogger({ service: "test", level: "silent" });

async function fileHarness(): Promise<Harness> {
  const folder: TempDir = await makeTempDir("beamline-source-");
  const state = await makeTempDir("beamline-state-");
  // Files in folders below, replaced by rename as editors do.
  const write = async (name: string, text: string): Promise<void> => {
    const path = join(folder.path, "team", `${name}.yaml`);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(`${path}.tmp`, text);
    await rename(`${path}.tmp`, path);
  };
  return {
    open: () => new FileSource({ folder: folder.path, stateDir: state.path, router: ROUTER, log }),
    apply: (name, weight) => write(name, policyText(name, weight)),
    breakObject: (name) => write(name, "kind: RoutingPolicy\nspec: ["),
    remove: (name) => rm(join(folder.path, "team", `${name}.yaml`)),
    readStatus: async () => JSON.parse(await readFile(join(state.path, STATUS_FILE), "utf8")),
    close: async () => {
      await folder.remove();
      await state.remove();
    },
  };
}

function policyText(name: string, weight: number): string {
  return `apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: ${name}, namespace: demo}
spec:
  providers: [{name: openai, weight: ${weight}}]
`;
}

function document(revision: number): StatusDocument {
  return {
    revision,
    epoch: "e",
    router: { ...ROUTER, generation: 1, desiredRouters: 0, updatedRouters: 0, conditions: [] },
    routers: [],
    policies: [],
    providers: [],
    tenants: [],
    pipelines: [],
    files: [],
    unfenced: true,
  };
}

const implementations: readonly { readonly name: string; make(): Promise<Harness> }[] = [
  { name: "files", make: fileHarness },
];

for (const { name: implementation, make } of implementations) {
  describe(`object source: ${implementation}`, () => {
    let harness: Harness;
    let source: ObjectSource | undefined;
    const open: Harness[] = [];

    beforeEach(async () => {
      harness = await make();
      open.push(harness);
    });
    afterEach(async () => {
      await source?.stop();
      source = undefined;
    });
    after(() => Promise.all(open.map((one) => one.close())));

    const start = async (kept: ReadonlyMap<string, Uint8Array> = new Map()): Promise<ObjectSource> => {
      source = harness.open();
      await source.start(kept, () => undefined);
      return source;
    };
    const find = (from: ObjectSource, name: string): SourceObject | undefined =>
      from.snapshot().objects.find(({ meta }) => meta.name === name);
    const weightOf = (object: SourceObject | undefined): unknown =>
      (object?.spec as { providers: { weight: number }[] } | undefined)?.providers[0]?.weight;

    it("has everything when it has started", async () => {
      await harness.apply("chat", 1);
      const { kind, meta } = find(await start(), "chat") ?? {};
      assert.deepEqual([kind, meta?.namespace, meta?.generation], ["RoutingPolicy", "demo", 1]);
      assert.ok(meta?.uid !== "" && (meta?.creationMs ?? 0) > 0);
    });

    it("tells of changes: a new object, another spec, an object that is gone", async () => {
      let changes = 0;
      source = harness.open();
      const opened = source;
      await opened.start(new Map(), () => changes++);
      await harness.apply("chat", 1);
      await eventually(() => find(opened, "chat"), { deadlineMs: DEADLINE_MS, describe: "the new object is seen" });
      const uid = find(opened, "chat")?.meta.uid;
      await harness.apply("chat", 2);
      await eventually(() => weightOf(find(opened, "chat")) === 2, {
        deadlineMs: DEADLINE_MS,
        describe: "the edit is seen",
      });
      assert.deepEqual([find(opened, "chat")?.meta.uid, find(opened, "chat")?.meta.generation], [uid, 2]);
      await harness.remove("chat");
      await eventually(() => find(opened, "chat") === undefined, { deadlineMs: DEADLINE_MS, describe: "it is gone" });
      assert.ok(changes >= 3, `${changes} changes told`);
    });

    it("keeps an object in force while what was written is broken, and says where", async () => {
      await harness.apply("chat", 1);
      await harness.apply("other", 1);
      const opened = await start();
      await harness.breakObject("chat");
      const problems = await eventually(
        () => opened.snapshot().files.find((file) => file.problems.length > 0)?.problems,
        { deadlineMs: DEADLINE_MS, describe: "the problem is reported" },
      );
      assert.match(problems[0]?.file ?? "", /chat/);
      assert.ok((problems[0]?.line ?? 0) > 0 && problems[0]?.message !== "");
      assert.equal(weightOf(find(opened, "chat")), 1);
      assert.equal(weightOf(find(opened, "other")), 1);
      await harness.apply("chat", 3);
      await eventually(() => weightOf(find(opened, "chat")) === 3, {
        deadlineMs: DEADLINE_MS,
        describe: "it is mended",
      });
      assert.ok(opened.snapshot().files.every((file) => file.problems.length === 0));
    });

    it("keeps identities over a restart, and gives a new one to what came back", async () => {
      await harness.apply("chat", 1);
      const first = await start();
      const before = find(first, "chat")?.meta;
      const kept = first.snapshot().records;
      await first.stop();
      await harness.apply("chat", 2);
      const second = await start(kept);
      assert.deepEqual(find(second, "chat")?.meta, { ...before, generation: 2 });
      await harness.remove("chat");
      await eventually(() => find(second, "chat") === undefined, { deadlineMs: DEADLINE_MS, describe: "it is gone" });
      await harness.apply("chat", 2);
      const again = await eventually(() => find(second, "chat"), { deadlineMs: DEADLINE_MS, describe: "it is back" });
      assert.notEqual(again.meta.uid, before?.uid);
      assert.equal(again.meta.generation, 1);
    });

    it("writes the status whole, and has its conditions at the next start", async () => {
      await harness.apply("chat", 1);
      const first = await start();
      const condition = {
        type: "Ready",
        status: "True",
        reason: "Ready",
        message: "m",
        observedGeneration: 1,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      } as const;
      const policy = {
        namespace: "demo",
        name: "chat",
        uid: "0d1e",
        generation: 1,
        observedGeneration: 1,
        conditions: [condition],
        problems: [],
        tenantId: "demo",
        policyId: "chat",
      };
      await first.writeStatus({ ...document(1), policies: [policy] }, new Set());
      await first.writeStatus({ ...document(2), policies: [policy] }, new Set());
      assert.deepEqual(await harness.readStatus(), { ...document(2), policies: [policy] });
      await first.stop();
      assert.deepEqual(find(await start(first.snapshot().records), "chat")?.conditions, [condition]);
    });
  });
}
