// What each component was told to run with: the desired configuration, and what the component said of it.
import { createHash } from "node:crypto";
import { type ComponentName, componentKey, parseComponentKey } from "../core/registry/component.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type CallFailure, fieldsInvalid } from "./call-failure.ts";
import type { Answer } from "./call-frame.ts";

/** The configuration of one component, as canonical JSON. */
export const MAX_CONFIGURATION_BYTES = 65_536;
/** Of all components together. */
export const MAX_CONFIGURATIONS_BYTES = 67_108_864;
const MAX_ERROR_CHARS = 1_024;

export interface DesiredConfiguration {
  /** Grows with each change of the component's configuration, over restarts too: milliseconds, when they are more. */
  readonly revision: number;
  /** SHA-256 of the canonical JSON, hexadecimal. */
  readonly digest: string;
  readonly value: Readonly<Record<string, unknown>>;
  readonly bytes: number;
  /** Why the component refused this revision. */
  readonly error: string | undefined;
}

/** Where configurations are shared with other replicas. */
export interface ConfigurationStore {
  /**
   * Stores `revision` when what stands there is `standing` (0 = nothing), so that of two replicas one is refused.
   * `conflict` has the revision that stands instead.
   */
  put(
    name: ComponentName,
    entry: StoredConfiguration,
    standing: number,
  ): Promise<Result<"stored", ConfigurationConflict>>;
}

export interface StoredConfiguration {
  readonly revision: number;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface ConfigurationConflict {
  readonly conflict: StoredConfiguration | undefined;
}

export type ConfigurationListener = (name: ComponentName) => void;

/** In how many rounds other replicas may be faster before a change without an expected revision is refused. */
const MAX_ROUNDS = 5;

/** In memory alone, whoever configures components writes again what a restarted control plane does not know. */
export class Configurations {
  private store: ConfigurationStore | undefined;
  private readonly byComponent = new Map<string, DesiredConfiguration>();
  private readonly listeners = new Map<string, Set<ConfigurationListener>>();
  private bytes = 0;

  get(name: ComponentName): DesiredConfiguration | undefined {
    return this.byComponent.get(componentKey(name));
  }

  /** Every configuration that is known. */
  all(): readonly { readonly name: ComponentName; readonly desired: DesiredConfiguration }[] {
    return [...this.byComponent].map(([key, desired]) => ({ name: parseComponentKey(key), desired }));
  }

  /** From here changes are stored before they are taken. */
  shareThrough(store: ConfigurationStore): void {
    this.store = store;
  }

  /**
   * Replaces the configuration, when it stands at `expectedRevision` (0 = at any). Throws UNAVAILABLE when it is shared and the
   * store is away: what one replica alone knew, another would undo.
   */
  set(
    name: ComponentName,
    value: Readonly<Record<string, unknown>>,
    options: { readonly expectedRevision: number; readonly nowMs: number },
  ): Answer<DesiredConfiguration> | Promise<Answer<DesiredConfiguration>> {
    const made = this.make(name, value, options);
    if (this.store === undefined && made.ok) this.take(name, made.value);
    return this.store === undefined || !made.ok ? made : this.setShared(this.store, name, value, options);
  }

  private async setShared(
    store: ConfigurationStore,
    name: ComponentName,
    value: Readonly<Record<string, unknown>>,
    options: { readonly expectedRevision: number; readonly nowMs: number },
  ): Promise<Answer<DesiredConfiguration>> {
    for (let round = 0; round < MAX_ROUNDS; round++) {
      const made = this.make(name, value, options);
      if (!made.ok) return made;
      const put = await store.put(name, made.value, this.get(name)?.revision ?? 0);
      if (put.ok) {
        this.take(name, made.value);
        return made;
      }
      const { conflict } = put.error;
      if (conflict === undefined) this.remove(name);
      else this.adopt(name, conflict);
    }
    return err(conflictWith(this.get(name)?.revision ?? 0, options.expectedRevision));
  }

  /** Takes what another replica stored; what is older than what stands is past. */
  adopt(name: ComponentName, { revision, value }: StoredConfiguration): void {
    if (revision <= (this.get(name)?.revision ?? 0)) return;
    const { text, bytes } = measure(value);
    const digest = createHash("sha256").update(text).digest("hex");
    this.take(name, { revision, digest, value, bytes, error: undefined });
  }

  private make(
    name: ComponentName,
    value: Readonly<Record<string, unknown>>,
    { expectedRevision, nowMs }: { readonly expectedRevision: number; readonly nowMs: number },
  ): Answer<DesiredConfiguration> {
    const standing = this.get(name);
    if (expectedRevision !== 0 && expectedRevision !== (standing?.revision ?? 0))
      return err(conflictWith(standing?.revision ?? 0, expectedRevision));
    const { text, bytes } = measure(value);
    const total = this.bytes - (standing?.bytes ?? 0) + bytes;
    if (bytes > MAX_CONFIGURATION_BYTES) {
      const message = `has ${bytes} bytes as JSON; at most ${MAX_CONFIGURATION_BYTES} are allowed`;
      return err(fieldsInvalid([{ field: "configuration", rule: "too_long", message }]));
    }
    if (total > MAX_CONFIGURATIONS_BYTES) {
      return err({ cause: "REGISTRY_FULL", message: `all configurations together would have ${total} bytes` });
    }
    const revision = Math.max(Math.floor(nowMs), (standing?.revision ?? 0) + 1);
    const digest = createHash("sha256").update(text).digest("hex");
    return ok({ revision, digest, value, bytes, error: undefined });
  }

  private take(name: ComponentName, desired: DesiredConfiguration): void {
    const standing = this.get(name);
    if (standing !== undefined && standing.revision >= desired.revision) return;
    this.bytes += desired.bytes - (standing?.bytes ?? 0);
    this.byComponent.set(componentKey(name), desired);
    this.tell(name);
  }

  /** The component refused a revision; that of an older one is past. */
  refused(name: ComponentName, revision: number, error: string): void {
    const standing = this.get(name);
    if (standing === undefined || standing.revision !== revision) return;
    this.byComponent.set(componentKey(name), { ...standing, error: error.slice(0, MAX_ERROR_CHARS) || "refused" });
  }

  /** The component is gone, and its configuration with it. */
  remove(name: ComponentName): void {
    this.bytes -= this.get(name)?.bytes ?? 0;
    this.byComponent.delete(componentKey(name));
    this.tell(name);
  }

  /** Called after each change of the component's configuration and when the component is gone; gives back what ends it. */
  onChange(name: ComponentName, listener: ConfigurationListener): () => void {
    const key = componentKey(name);
    const listeners = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.listeners.delete(key);
    };
  }

  private tell(name: ComponentName): void {
    for (const listener of this.listeners.get(componentKey(name)) ?? []) listener(name);
  }
}

function conflictWith(standing: number, expected: number): CallFailure {
  const message = `the configuration stands at revision ${standing}, not at ${expected}`;
  return { cause: "REVISION_CONFLICT", message, values: { revision: String(standing) } };
}

function measure(value: Readonly<Record<string, unknown>>): { readonly text: string; readonly bytes: number } {
  const text = canonicalJson(value);
  return { text, bytes: Buffer.byteLength(text) };
}

/** JSON with the keys of every object in order, so that equal configurations have equal digests. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  });
}
