// Which head each object has to be acknowledged at, and which removed keys still stand as marks.
import type { ConfigEntry } from "../core/config/entry.ts";
import type { ProgrammedTarget } from "../core/config/programmed.ts";
import { LayeredMap } from "../core/layered-map.ts";

/** A removed key: it stays as a mark until every router has acknowledged the head without it. */
export interface Removal {
  readonly key: string;
  readonly revision: number;
  readonly epoch: string;
}

/** A head that has been written. */
export interface WrittenHead {
  readonly revision: number;
  readonly epoch: string;
}

export class ProgrammedTargets {
  private entries: LayeredMap<ConfigEntry> = LayeredMap.empty();
  private targets: LayeredMap<ProgrammedTarget> = LayeredMap.empty();
  private epoch = "";
  private readonly removals = new Map<string, Removal>();

  /** By key; another map after each change. */
  get all(): LayeredMap<ProgrammedTarget> {
    return this.targets;
  }

  get(key: string): ProgrammedTarget | undefined {
    return this.targets.get(key);
  }

  /**
   * The target of what this head is the first to include is this head. Of what stood there when this process began, the
   * first head is not known: this one includes it, so nothing is called programmed too early.
   */
  headWritten(entries: LayeredMap<ConfigEntry>, { revision, epoch }: WrittenHead): void {
    const keys =
      epoch === this.epoch ? entries.changedSince(this.entries) : [...entries.keys(), ...this.targets.keys()];
    const changes = new Map<string, ProgrammedTarget | undefined>();
    for (const key of keys) {
      const entry = entries.get(key);
      const target = this.targets.get(key);
      const isSame =
        entry !== undefined &&
        target?.uid === entry.uid &&
        target.generation === entry.generation &&
        target.epoch === epoch &&
        (this.entries.get(key)?.current ?? entry.current) === entry.current;
      if (entry === undefined) changes.set(key, undefined);
      else if (!isSame) {
        const { uid, generation } = entry;
        changes.set(key, { key, uid, generation, epoch, revision });
      }
    }
    this.targets = this.targets.with(changes);
    this.entries = entries;
    this.epoch = epoch;
  }

  /** Removed keys whose marks still stand. */
  pendingRemovals(): readonly Removal[] {
    return this.removals.size === 0 ? NO_REMOVALS : [...this.removals.values()];
  }

  /** A mark stands at this key, and this head does not include it. */
  markStands(key: string, { revision, epoch }: WrittenHead): void {
    if (this.removals.get(key)?.epoch !== epoch) this.removals.set(key, { key, revision, epoch });
  }

  markIsGone(key: string): void {
    this.removals.delete(key);
  }
}

const NO_REMOVALS: readonly Removal[] = [];
