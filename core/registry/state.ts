// The registry's state: immutable, and shared with the state before but for what changed.
import { LayeredMap } from "../layered-map.ts";
import { PersistentArray } from "../persistent-array.ts";
import { type Component, type ComponentName, componentKey } from "./component.ts";
import { bucketAt, type Check, NO_CHECKS } from "./deadlines.ts";
import type { Notice } from "./event.ts";
import { DEFAULT_MAX_COMPONENTS, DEFAULT_TTL_MS } from "./limits.ts";

export interface RegistrySettings {
  /** Replicas that share this registry. 1 = alone: nobody else hears anything, and nobody else can agree. */
  readonly replicas: number;
  /** Window of the guard, and time to live of whoever asks for none. */
  readonly ttlMs: number;
  readonly maxComponents: number;
}

export const DEFAULT_SETTINGS: RegistrySettings = {
  replicas: 1,
  ttlMs: DEFAULT_TTL_MS,
  maxComponents: DEFAULT_MAX_COMPONENTS,
};

/** A free place, and those below it. */
export interface FreeSlot {
  readonly slot: number;
  readonly next: FreeSlot | undefined;
}

export interface Removal {
  readonly key: string;
  readonly seq: number;
}

/** How many components are in each state. */
export interface LivenessCounts {
  readonly live: number;
  readonly late: number;
  readonly lost: number;
  /** Of the late ones, those that the guard keeps. */
  readonly held: number;
}

export interface Registry {
  /** Random text: notices are numbered within it. */
  readonly epoch: string;
  /** This replica's name, unlike that of any other and of its own former processes. */
  readonly self: string;
  readonly settings: RegistrySettings;
  /** The latest time that any event told. */
  readonly nowMs: number;
  readonly slots: LayeredMap<number>;
  readonly components: PersistentArray<Component>;
  readonly freeSlots: FreeSlot | undefined;
  readonly counts: LivenessCounts;
  readonly checks: readonly (Check | undefined)[];
  readonly sweptBucket: number;
  readonly sequence: number;
  readonly log: PersistentArray<Notice>;
  /** By component, the greatest `seq` that was removed. */
  readonly removals: LayeredMap<number>;
  readonly removalLog: PersistentArray<Removal>;
  readonly removalCount: number;
  /** Silence before this is no evidence: this process was not there to hear, or the others could not tell it. */
  readonly hearingSinceMs: number;
  readonly lastTickMs: number;
  readonly deafSinceMs: number | undefined;
  readonly storeLost: boolean;
  /** When the newest own report that came back over the bus was sent. */
  readonly busProvenAtMs: number;
  /** When it was last shown that clients can reach this process. */
  readonly connectivityProvenAtMs: number;
  /** By replica, when it was last heard of. */
  readonly peers: ReadonlyMap<string, number>;
  /** Components whose silence the other replicas should hear of. */
  readonly silent: LayeredMap<true>;
  /** Losses without evidence, by second; oldest first. */
  readonly losses: readonly { readonly second: number; readonly count: number }[];
  readonly guardTripped: boolean;
}

/** @param epoch random text, unlike that of any registry before */
export function createRegistry(input: {
  readonly epoch: string;
  readonly self: string;
  readonly nowMs: number;
  readonly settings?: Partial<RegistrySettings>;
}): Registry {
  const { epoch, self, nowMs } = input;
  return {
    epoch,
    self,
    settings: { ...DEFAULT_SETTINGS, ...input.settings },
    nowMs,
    slots: LayeredMap.empty(),
    components: PersistentArray.empty(),
    freeSlots: undefined,
    counts: { live: 0, late: 0, lost: 0, held: 0 },
    checks: NO_CHECKS,
    sweptBucket: bucketAt(nowMs),
    sequence: 0,
    log: PersistentArray.empty(),
    removals: LayeredMap.empty(),
    removalLog: PersistentArray.empty(),
    removalCount: 0,
    hearingSinceMs: nowMs,
    lastTickMs: nowMs,
    deafSinceMs: undefined,
    storeLost: false,
    busProvenAtMs: nowMs,
    connectivityProvenAtMs: Number.NEGATIVE_INFINITY,
    peers: new Map(),
    silent: LayeredMap.empty(),
    losses: [],
    guardTripped: false,
  };
}

export function findComponent(
  registry: Pick<Registry, "slots" | "components">,
  name: ComponentName,
): Component | undefined {
  const slot = registry.slots.get(componentKey(name));
  return slot === undefined ? undefined : registry.components.get(slot);
}
