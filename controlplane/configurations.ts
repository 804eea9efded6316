// What each component was told to run with: the desired configuration, and what the component said of it.
import { createHash } from "node:crypto";
import { type ComponentName, componentKey } from "../core/registry/component.ts";
import { err, ok, type Result } from "../core/result.ts";
import { type CallFailure, fieldsInvalid } from "./call-failure.ts";

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

export type ConfigurationListener = (name: ComponentName) => void;

/** Kept in memory: whoever configures components writes again what a restarted control plane does not know. */
export class Configurations {
  private readonly byComponent = new Map<string, DesiredConfiguration>();
  private readonly listeners = new Map<string, Set<ConfigurationListener>>();
  private bytes = 0;

  get(name: ComponentName): DesiredConfiguration | undefined {
    return this.byComponent.get(componentKey(name));
  }

  /** Replaces the configuration, when it stands at `expectedRevision` (0 = at any). */
  set(
    name: ComponentName,
    value: Readonly<Record<string, unknown>>,
    options: { readonly expectedRevision: number; readonly nowMs: number },
  ): Result<DesiredConfiguration, CallFailure> {
    const standing = this.get(name);
    const { expectedRevision, nowMs } = options;
    if (expectedRevision !== 0 && expectedRevision !== (standing?.revision ?? 0)) {
      const message = `the configuration stands at revision ${standing?.revision ?? 0}, not at ${expectedRevision}`;
      return err({ cause: "REVISION_CONFLICT", message, values: { revision: String(standing?.revision ?? 0) } });
    }
    const text = canonicalJson(value);
    const bytes = Buffer.byteLength(text);
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
    const desired = { revision, digest, value, bytes, error: undefined };
    this.bytes = total;
    this.byComponent.set(componentKey(name), desired);
    this.tell(name);
    return ok(desired);
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

/** JSON with the keys of every object in order, so that equal configurations have equal digests. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).toSorted(([left], [right]) => (left < right ? -1 : 1)));
  });
}
