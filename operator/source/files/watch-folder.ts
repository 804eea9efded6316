// Tells when a folder has changed and has come to rest: by the system's notices, and by looking, since notices get lost.
import { type FSWatcher, watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { reasonOf } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";
import { type FileStamp, type FolderLook, isGone, lookAtFolder, MAX_FILE_BYTES, sameStamp } from "./scan-folder.ts";

/** A file's text, or why there is none. */
export type FileContent =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly reason: string };

export interface FolderChanges {
  readonly changed: ReadonlyMap<string, FileContent>;
  readonly removed: readonly string[];
}

/** Why something of the folder is not known: what it held stays in force. */
export interface FolderTrouble {
  /** Relative to the folder; `.` for itself. */
  readonly path: string;
  readonly rule: "folder_unreadable" | "folder_replaced";
  readonly message: string;
}

/** Whether a trouble is about this file: it was in the part that is not known. */
export function isHiddenBy({ path }: FolderTrouble, file: string): boolean {
  return path === ROOT || file === path || file.startsWith(`${path}/`);
}

const ROOT = ".";
const REPLACED =
  "another folder stands in its place, and it is empty, as where a volume is not mounted; what it held stays in force until a file is there";

/** A changed file is read when it has looked the same for this long: editors and copies write in several steps. */
export const SETTLE_MS = 50;
/** Looked at without any notice this often: network folders and mounted volumes send none, and a change shall be in force within a second. */
export const RESCAN_MS = 400;
/** A large folder is looked at less often: looking shall not take more than a tenth of the time. */
const RESCAN_SHARE = 10;

export interface FolderWatchOptions {
  readonly folder: string;
  readonly log: Logger;
  onChanges(changes: FolderChanges): void;
  /** Called with all of them when they have changed, before the changes of the same look. */
  onTroubles(troubles: readonly FolderTrouble[]): void;
}

export class FolderWatch {
  private readonly options: FolderWatchOptions;
  private identity = "";
  private troubles: readonly FolderTrouble[] = [];
  private known: ReadonlyMap<string, FileStamp> = new Map();
  /** Stamps that differ from `known`, as the last look saw them: taken when the next look sees the same. */
  private unsettled: ReadonlyMap<string, FileStamp | undefined> = new Map();
  private watcher: FSWatcher | undefined;
  private timer: NodeJS.Timeout | undefined;
  private looking: Promise<void> | undefined;
  /** A notice came during a look, which may have passed its file already. */
  private noticed = false;
  private stopped = false;

  constructor(options: FolderWatchOptions) {
    this.options = options;
  }

  /** Reads what is there now and then follows. Throws what `lookAtFolder` throws. */
  async start(): Promise<void> {
    const { stamps, unreadable, identity } = await lookAtFolder(this.options.folder);
    this.known = stamps;
    this.identity = identity;
    this.tell(unreadable.map(unreadableTrouble));
    this.options.onChanges(await this.read(stamps, []));
    this.listen();
    this.lookIn(RESCAN_MS);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    this.watcher?.close();
    await this.looking;
  }

  private listen(): void {
    const { folder, log } = this.options;
    try {
      this.watcher = watch(folder, { recursive: true, persistent: false }, () => this.notice());
      this.watcher.on("error", (error) => log.warn("folder notices ended", { folder, reason: reasonOf(error) }));
    } catch (error) {
      // Out of watches or not supported there: looking every second remains.
      log.warn("folder notices not available", { folder, reason: reasonOf(error) });
    }
  }

  private notice(): void {
    this.noticed = true;
    if (this.looking === undefined) this.lookIn(SETTLE_MS);
  }

  private lookIn(delayMs: number): void {
    if (this.stopped) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.noticed = false;
      const startMs = performance.now();
      this.looking = this.look().finally(() => {
        this.looking = undefined;
        const soon = this.noticed || this.unsettled.size > 0;
        this.lookIn(soon ? SETTLE_MS : Math.max(RESCAN_MS, (performance.now() - startMs) * RESCAN_SHARE));
      });
    }, delayMs);
  }

  private async look(): Promise<void> {
    const { folder } = this.options;
    try {
      const look = await lookAtFolder(folder);
      if (this.isReplaced(look)) {
        this.tell([{ path: ROOT, rule: "folder_replaced", message: REPLACED }]);
        return;
      }
      this.follow(look.identity);
      const troubles = look.unreadable.map(unreadableTrouble);
      this.tell(troubles);
      const different = differences(this.known, look.stamps, troubles);
      const settled = [...different].filter(([file, stamp]) => this.isSettled(file, stamp)).map(([file]) => file);
      this.unsettled = new Map([...different].filter(([file]) => !settled.includes(file)));
      if (settled.length > 0) await this.take(settled, look.stamps);
    } catch (error) {
      // What is in force stays so: a folder that cannot be read says nothing about what should be.
      this.tell([unreadableTrouble({ path: ROOT, reason: reasonOf(error) })]);
    }
  }

  /** Files that are removed from the folder are gone; files that went with the folder may only be out of sight. */
  private isReplaced({ identity, stamps }: FolderLook): boolean {
    return identity !== this.identity && stamps.size === 0 && this.known.size > 0;
  }

  /** Notices come from the folder that was there when they were asked for. */
  private follow(identity: string): void {
    if (identity === this.identity) return;
    this.identity = identity;
    this.watcher?.close();
    this.listen();
  }

  private tell(troubles: readonly FolderTrouble[]): void {
    if (JSON.stringify(troubles) === JSON.stringify(this.troubles)) return;
    this.troubles = troubles;
    const { folder, log, onTroubles } = this.options;
    for (const trouble of troubles) log.warn("folder not readable", { folder, ...trouble });
    if (!this.stopped) onTroubles(troubles);
  }

  private isSettled(file: string, stamp: FileStamp | undefined): boolean {
    return this.unsettled.has(file) && sameStamp(this.unsettled.get(file), stamp);
  }

  private async take(settled: readonly string[], now: ReadonlyMap<string, FileStamp>): Promise<void> {
    const known = new Map(this.known);
    for (const file of settled) {
      const stamp = now.get(file);
      if (stamp === undefined) known.delete(file);
      else known.set(file, stamp);
    }
    const present = new Map([...now].filter(([file]) => settled.includes(file)));
    const changes = await this.read(
      present,
      settled.filter((file) => !now.has(file)),
    );
    this.known = known;
    if (!this.stopped) this.options.onChanges(changes);
  }

  private async read(files: ReadonlyMap<string, FileStamp>, removed: readonly string[]): Promise<FolderChanges> {
    const changed = new Map<string, FileContent>();
    const gone = [...removed];
    for (const [file, { size }] of files) {
      const content = size > MAX_FILE_BYTES ? TOO_LARGE : await readContent(join(this.options.folder, file));
      if (content === undefined) gone.push(file);
      else changed.set(file, content);
    }
    return { changed, removed: gone };
  }
}

function differences(
  known: ReadonlyMap<string, FileStamp>,
  now: ReadonlyMap<string, FileStamp>,
  troubles: readonly FolderTrouble[],
): ReadonlyMap<string, FileStamp | undefined> {
  const different = new Map<string, FileStamp | undefined>();
  for (const [file, stamp] of now) if (!sameStamp(known.get(file), stamp)) different.set(file, stamp);
  for (const file of known.keys()) {
    if (!now.has(file) && !troubles.some((trouble) => isHiddenBy(trouble, file))) different.set(file, undefined);
  }
  return different;
}

function unreadableTrouble({ path, reason }: { readonly path: string; readonly reason: string }): FolderTrouble {
  return { path, rule: "folder_unreadable", message: `${reason}; what it held stays in force` };
}

const TOO_LARGE: FileContent = { kind: "unreadable", reason: `is larger than ${MAX_FILE_BYTES} bytes` };

/** Undefined when the file has gone. */
async function readContent(path: string): Promise<FileContent | undefined> {
  try {
    const bytes = await readFile(path);
    // It may have grown since its stamp was taken.
    if (bytes.length > MAX_FILE_BYTES) return TOO_LARGE;
    return { kind: "text", text: bytes.toString("utf8") };
  } catch (error) {
    return isGone(error) ? undefined : { kind: "unreadable", reason: reasonOf(error) };
  }
}
