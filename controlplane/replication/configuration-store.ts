// Configurations of components in the shared bucket: written by compare-and-set, taken over from other replicas.
import { REGISTRY_BUCKET } from "../../core/handover/subjects.ts";
import type { ComponentName } from "../../core/registry/component.ts";
import { decodeConfiguration, encodeConfiguration, entryKey, parseEntryKey } from "../../core/registry/entries.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import { KvMirror } from "../../runtime/nats/kv-mirror.ts";
import type {
  ConfigurationConflict,
  ConfigurationStore,
  Configurations,
  StoredConfiguration,
} from "../configurations.ts";

const PREFIX = "configuration.";

export interface SharedConfigurationsOptions {
  readonly link: NatsLink;
  readonly configurations: Configurations;
  readonly countIgnored: () => void;
  /** The bucket has been read, from the start or again: it may be another one. */
  readonly onRead: () => void;
  readonly log: Logger;
}

export class SharedConfigurations implements ConfigurationStore {
  private readonly options: SharedConfigurationsOptions;
  private readonly mirror: KvMirror;
  private incarnation: number | undefined;
  private tidying = false;

  constructor(options: SharedConfigurationsOptions) {
    this.options = options;
    const { link, log } = options;
    this.mirror = new KvMirror({
      link,
      bucket: REGISTRY_BUCKET,
      keys: `${PREFIX}>`,
      log,
      onChange: () => this.learn(),
      // Whoever keeps the bucket makes it anew.
      onMissing: () => undefined,
    });
  }

  start(): void {
    this.mirror.start();
  }

  stop(): void {
    this.mirror.stop();
  }

  /** Throws UNAVAILABLE when the bucket cannot be asked. */
  async put(
    name: ComponentName,
    entry: StoredConfiguration,
    standing: number,
  ): Promise<Result<"stored", ConfigurationConflict>> {
    const { mirror } = this;
    if (!mirror.isWhole()) throw storeAway("it has not been read");
    const key = entryKey(nodeCodec, "configuration", name);
    const before = this.read(key);
    if ((before?.revision ?? 0) > standing) return err({ conflict: before });
    try {
      await mirror.put(key, encodeConfiguration(nodeCodec, entry), mirror.incarnation);
      return ok("stored");
    } catch (error) {
      // Another replica was faster, and what it stored is known now; or nobody answered.
      const after = mirror.isWhole() ? this.read(key) : undefined;
      if (after !== undefined && after.revision !== before?.revision) return err({ conflict: after });
      throw storeAway(reasonOf(error));
    }
  }

  /** For the leader: puts back what a bucket made anew lacks, and takes out what belongs to nobody. One round at a time. */
  async tidy(isKnown: (name: ComponentName) => boolean): Promise<void> {
    const { configurations, log } = this.options;
    if (this.tidying || !this.mirror.isWhole()) return;
    this.tidying = true;
    try {
      for (const { name, desired } of configurations.all()) {
        const key = entryKey(nodeCodec, "configuration", name);
        if (this.mirror.get(key)?.value === undefined && isKnown(name))
          await this.mirror.put(key, encodeConfiguration(nodeCodec, desired), this.mirror.incarnation);
      }
      for (const [key, { value }] of [...this.mirror.entries(PREFIX)]) {
        const name = value === undefined ? undefined : parseEntryKey(nodeCodec, key)?.name;
        if (name !== undefined && !isKnown(name)) await this.mirror.purge(key);
      }
    } catch (error) {
      // Another replica writes, or nobody answers: the next time is soon.
      log.debug("configurations not tidied", { reason: reasonOf(error) });
    } finally {
      this.tidying = false;
    }
  }

  private read(key: string): StoredConfiguration | undefined {
    const value = this.mirror.get(key)?.value;
    return value === undefined ? undefined : decodeConfiguration(nodeCodec, value);
  }

  private learn(): void {
    const touched = this.mirror.takeTouched();
    const isAnew = this.incarnation !== this.mirror.incarnation;
    this.incarnation = this.mirror.incarnation;
    const keys = isAnew ? [...this.mirror.entries(PREFIX)].map(([key]) => key) : touched;
    for (const key of keys) this.take(key);
    if (isAnew) this.options.onRead();
  }

  private take(key: string): void {
    if (this.mirror.get(key)?.value === undefined) return;
    const name = parseEntryKey(nodeCodec, key)?.name;
    const entry = this.read(key);
    if (name === undefined || entry === undefined) this.options.countIgnored();
    else this.options.configurations.adopt(name, entry);
  }
}

function storeAway(reason: string): BeamlineError {
  return new BeamlineError("UNAVAILABLE", `the configuration cannot be stored: ${reason}`, {
    hint: "Try again when NATS answers.",
  });
}
