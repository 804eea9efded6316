// Objects from a folder of YAML, with the identity and the status that an API server would keep for them.
import { randomUUID } from "node:crypto";
import type { RouterKey } from "../../../core/config/entry.ts";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import { type Clock, systemClock } from "../../../runtime/clock.ts";
import type { Logger } from "../../../runtime/log.ts";
import type { ObjectSource, SourceObject, SourceSnapshot } from "../../interfaces.ts";
import type { FileStatus, StatusDocument } from "../../status-document.ts";
import { type Chance, encodeIdentity, type FileIdentity, parseIdentities } from "./identity.ts";
import { type LoadedFile, loadFile } from "./load-file.ts";
import { type FileView, type MergedFiles, mergeFiles } from "./merge-files.ts";
import { conditionsKey, readConditions, writeStatusFile } from "./status-file.ts";
import { type FileContent, type FolderChanges, type FolderTrouble, FolderWatch, isHiddenBy } from "./watch-folder.ts";

export interface FileSourceOptions {
  /** Folder of YAML and JSON files, with folders below it. */
  readonly folder: string;
  /** Folder for status.json. */
  readonly stateDir: string;
  readonly router: RouterKey;
  readonly log: Logger;
  readonly clock?: Clock;
}

export class FileSource implements ObjectSource {
  readonly statusUnit = "Document";
  private readonly options: FileSourceOptions;
  private readonly chance: Chance;
  private readonly watch: FolderWatch;
  private readonly views = new Map<string, FileView>();
  private conditions: ReadonlyMap<string, readonly Condition[]> = new Map();
  private writing: Promise<void> = Promise.resolve();
  private identities: ReadonlyMap<string, FileIdentity> = new Map();
  private current: SourceSnapshot = { objects: [], records: new Map(), files: [] };
  private troubles: readonly FolderTrouble[] = [];
  /** Before the first files are there, nothing may be merged: every object would be gone. */
  private hasFiles = false;
  private onChange: () => void = () => undefined;

  constructor(options: FileSourceOptions) {
    this.options = options;
    const clock = options.clock ?? systemClock;
    this.chance = { newUid: randomUUID, nowMs: () => Math.trunc(clock.nowMs()) };
    const { folder, log } = options;
    this.watch = new FolderWatch({
      folder,
      log,
      onChanges: (changes) => this.take(changes),
      onTroubles: (troubles) => this.takeTroubles(troubles),
    });
  }

  async start(kept: ReadonlyMap<string, Uint8Array>, onChange: () => void): Promise<void> {
    this.identities = parseIdentities(kept);
    this.conditions = await readConditions(this.options.stateDir);
    await this.watch.start();
    this.onChange = onChange;
  }

  snapshot(): SourceSnapshot {
    return this.current;
  }

  adopt(kept: ReadonlyMap<string, Uint8Array>): void {
    this.identities = parseIdentities(kept);
    this.merge();
  }

  /** One at a time, in the order of the calls: each write replaces the file through the same neighbour. */
  writeStatus(document: StatusDocument): Promise<void> {
    const write = this.writing.then(() => writeStatusFile(this.options.stateDir, document));
    // The caller of this write learns of its failure; the next write does not depend on it.
    this.writing = write.catch(() => undefined);
    return write;
  }

  yieldStatus(): void {
    // Its own file says of itself that another one writes the bus.
  }

  async stop(): Promise<void> {
    this.onChange = () => undefined;
    await this.watch.stop();
  }

  private take(changes: FolderChanges): void {
    for (const file of changes.removed) this.views.delete(file);
    for (const [file, content] of changes.changed) {
      const loaded = this.load(file, content);
      const lastGood = loaded.problems.length === 0 ? loaded : this.views.get(file)?.lastGood;
      this.views.set(file, { loaded, lastGood });
      for (const problem of loaded.problems) this.options.log.warn("file problem", { ...problem });
    }
    this.hasFiles = true;
    this.merge();
  }

  private takeTroubles(troubles: readonly FolderTrouble[]): void {
    this.troubles = troubles;
    if (this.hasFiles) this.merge();
  }

  private merge(): void {
    const isHidden = (file: string): boolean => this.troubles.some((trouble) => isHiddenBy(trouble, file));
    const merged = mergeFiles(this.views, this.identities, this.chance, isHidden);
    this.identities = new Map([...merged.objects].map(([key, { identity }]) => [key, identity]));
    this.current = this.toSnapshot(merged);
    this.onChange();
  }

  private load(file: string, content: FileContent): LoadedFile {
    if (content.kind === "text") return loadFile(content.text, file, this.options.router);
    const problem = { file, line: 1, column: 1, path: "", rule: "unreadable", message: content.reason };
    return { file, objects: [], problems: [problem] };
  }

  private toSnapshot(merged: MergedFiles): SourceSnapshot {
    const objects: SourceObject[] = [];
    const records = new Map<string, Uint8Array>();
    for (const [key, { identity, loaded }] of merged.objects) {
      const { kind, meta, spec } = identity;
      const conditions = this.conditions.get(conditionsKey(kind, meta)) ?? [];
      objects.push({ kind, meta, spec, conditions, ...(loaded === undefined ? {} : { origin: loaded.origin }) });
      records.set(key, encodeIdentity(identity));
    }
    return { objects, records, files: [...this.troubles.map(troubleStatus), ...merged.files] };
  }
}

function troubleStatus({ path, rule, message }: FolderTrouble): FileStatus {
  return { file: path, problems: [{ file: path, line: 1, column: 1, path: "", rule, message }] };
}
