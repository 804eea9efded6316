// From files to objects: identity, what a broken file keeps, and whose object it is when two files have it.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { encodeIdentity, type FileIdentity, parseIdentities } from "../../../operator/source/files/identity.ts";
import { loadFile } from "../../../operator/source/files/load-file.ts";
import { type FileView, type MergedFiles, mergeFiles } from "../../../operator/source/files/merge-files.ts";

function policy(name: string, weight = 1): string {
  return `apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: ${name}, namespace: demo}
spec: {providers: [{name: openai, weight: ${weight}}]}
---
`;
}

/** A folder over time: what `FileSource` keeps between two looks, without the file system. */
class Folder {
  private readonly views = new Map<string, FileView>();
  private identities: ReadonlyMap<string, FileIdentity>;
  private uids = 0;
  merged: MergedFiles = { objects: new Map(), files: [] };

  constructor(kept: ReadonlyMap<string, Uint8Array> = new Map()) {
    this.identities = parseIdentities(kept);
  }

  write(file: string, text: string): this {
    return this.writeAll({ [file]: text });
  }

  writeAll(texts: Readonly<Record<string, string>>): this {
    for (const [file, text] of Object.entries(texts)) {
      const loaded = loadFile(text, file);
      const lastGood = loaded.problems.length === 0 ? loaded : this.views.get(file)?.lastGood;
      this.views.set(file, { loaded, lastGood });
    }
    return this.merge();
  }

  remove(file: string): this {
    this.views.delete(file);
    return this.merge();
  }

  records(): ReadonlyMap<string, Uint8Array> {
    return new Map([...this.merged.objects].map(([key, { identity }]) => [key, encodeIdentity(identity)]));
  }

  /** `<name>: <uid> <generation> <file>` */
  shown(): string[] {
    return [...this.merged.objects.values()]
      .map(({ identity: { meta, file } }) => `${meta.name}: ${meta.uid} ${meta.generation} ${file}`)
      .sort();
  }

  problems(): string[] {
    return this.merged.files.flatMap(({ file, problems }) => problems.map(({ rule }) => `${file}: ${rule}`));
  }

  private merge(): this {
    const chance = { newUid: () => `u${++this.uids}`, nowMs: () => 1_000 };
    this.merged = mergeFiles(this.views, this.identities, chance);
    this.identities = new Map([...this.merged.objects].map(([key, { identity }]) => [key, identity]));
    return this;
  }
}

describe("objects of a folder", () => {
  it("keep uid and generation while their spec means the same", () => {
    const folder = new Folder().write("a.yaml", policy("chat", 1));
    assert.deepEqual(folder.shown(), ["chat: u1 1 a.yaml"]);
    folder.write("a.yaml", policy("chat", 1).replace("{name: openai, weight: 1}", "{weight: 1, name: openai}"));
    assert.deepEqual(folder.shown(), ["chat: u1 1 a.yaml"]);
    assert.deepEqual(folder.write("a.yaml", policy("chat", 2)).shown(), ["chat: u1 2 a.yaml"]);
  });

  it("are new ones when they come back", () => {
    const folder = new Folder().write("a.yaml", policy("chat")).remove("a.yaml");
    assert.deepEqual(folder.shown(), []);
    assert.deepEqual(folder.write("a.yaml", policy("chat")).shown(), ["chat: u2 1 a.yaml"]);
  });

  it("stay as they were while their file is broken, whatever else is in it", () => {
    const folder = new Folder().write("a.yaml", policy("chat") + policy("other"));
    folder.write("a.yaml", policy("chat", 2) + policy("third") + policy("other", -1));
    assert.deepEqual(folder.shown(), ["chat: u1 1 a.yaml", "other: u2 1 a.yaml"]);
    assert.equal(folder.problems().length, 1);
    folder.write("a.yaml", policy("chat", 2));
    assert.deepEqual(folder.shown(), ["chat: u1 2 a.yaml"]);
    assert.deepEqual(folder.problems(), []);
  });

  it("go with their file, broken or not", () => {
    const folder = new Folder().write("a.yaml", policy("chat")).write("a.yaml", "kind: [");
    assert.deepEqual(folder.remove("a.yaml").shown(), []);
  });

  it("belong to the file that had them first, until it gives them up", () => {
    const folder = new Folder().write("b.yaml", policy("chat", 1)).write("a.yaml", policy("chat", 2));
    assert.deepEqual(folder.shown(), ["chat: u1 1 b.yaml"]);
    assert.deepEqual(folder.problems(), ["a.yaml: duplicate_object"]);
    folder.remove("b.yaml");
    assert.deepEqual(folder.shown(), ["chat: u1 2 a.yaml"], "it was never gone, so it is the same object");
    assert.deepEqual(folder.problems(), []);
  });

  it("survive a restart: the same uid, and a file that is broken by then keeps what it held", () => {
    const before = new Folder().write("a.yaml", policy("chat", 1)).write("b.yaml", policy("other", 1));
    const after = new Folder(before.records()).writeAll({ "a.yaml": "kind: [", "b.yaml": policy("other", 2) });
    assert.deepEqual(after.shown(), ["chat: u1 1 a.yaml", "other: u2 2 b.yaml"]);
    const gone = new Folder(before.records()).write("b.yaml", policy("other", 1));
    assert.deepEqual(gone.shown(), ["other: u2 1 b.yaml"]);
  });

  it("are new ones when what was kept of them cannot be read", () => {
    const before = new Folder().write("a.yaml", policy("chat", 1));
    const kept = new Map([...before.records()].map(([key]) => [key, Buffer.from('{"kind":"RoutingPolicy"}')]));
    assert.deepEqual(new Folder(kept).write("a.yaml", policy("chat", 1)).shown(), ["chat: u1 1 a.yaml"]);
  });
});
