// The bucket that control planes share, as one replica follows it: every entry goes to the part that it belongs to.
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { ComponentName } from "../../core/registry/component.ts";
import { type EntryKind, LEADER_KEY, parseEntryKey } from "../../core/registry/entries.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { Logger } from "../../runtime/log.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { type BucketEntry, type BucketWatch, type WatchState, watchBucket } from "../../runtime/nats/watch-bucket.ts";

/** One part of the bucket. */
export interface EntryReader {
  /** Undefined: the key is gone. Returns whether the value could be read. */
  take(name: ComponentName, value: Uint8Array | undefined): boolean;
  /** Everything is told again. */
  forget(): void;
}

export interface SharedBucketOptions {
  readonly link: NatsLink;
  readonly readers: Readonly<Partial<Record<EntryKind, EntryReader>>>;
  onCaughtUp(): void;
  onReset(): void;
  countIgnored(): void;
  readonly log: Logger;
}

export class SharedBucket {
  private readonly options: SharedBucketOptions;
  private watch: BucketWatch | undefined;

  constructor(options: SharedBucketOptions) {
    this.options = options;
  }

  start(): void {
    const { link, log, onCaughtUp, onReset, readers } = this.options;
    this.watch = watchBucket(link, {
      bucket: REGISTRY_BUCKET,
      log,
      onEntry: (entry) => this.take(entry),
      onReset: () => {
        for (const reader of Object.values(readers)) reader.forget();
        onReset();
      },
      onCaughtUp,
    });
  }

  stop(): void {
    this.watch?.stop();
  }

  state(): WatchState {
    return this.watch?.state() ?? "loading";
  }

  private take({ key, value }: BucketEntry): void {
    if (key === LEADER_KEY) return;
    const { readers, countIgnored, log } = this.options;
    const parsed = parseEntryKey(nodeCodec, key);
    // Entries that another part of this process follows.
    if (parsed !== undefined && readers[parsed.entry] === undefined) return;
    if (parsed !== undefined && readers[parsed.entry]?.take(parsed.name, value) === true) return;
    countIgnored();
    log.warn("entry of the shared bucket not readable, ignored", { key });
  }
}
