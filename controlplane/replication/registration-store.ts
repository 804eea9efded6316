// Registrations and removals in the shared bucket: what this replica knows better is written there, what it learns there is taken.
import { type ComponentName, componentKey } from "../../core/registry/component.ts";
import {
  decodeRegistrationEntry,
  encodeRegistrationEntry,
  entryKey,
  parseEntryKey,
  type RegistrationEntry,
} from "../../core/registry/entries.ts";
import type { Notice, SharedRegistration } from "../../core/registry/event.ts";
import { forgetAtMs } from "../../core/registry/liveness.ts";
import { compareRegistrations } from "../../core/registry/merge.ts";
import { betterEntry, isNewerEntry, nameOfEntry } from "../../core/registry/shared-entry.ts";
import { findComponent } from "../../core/registry/state.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { LiveRegistry } from "../live-registry.ts";
import type { Wanted } from "./bucket-writer.ts";

/** A removal must outlive every replica that was cut off and still knows the component. */
const REMOVAL_TTL_MS = 86_400_000;

export interface RegistrationStoreOptions {
  readonly registry: LiveRegistry;
  /** Asks the writer to look at a key. */
  write(key: string): void;
  /** Whether this replica takes out of the bucket what everybody has forgotten. */
  isLeading(): boolean;
}

export class RegistrationStore {
  private readonly options: RegistrationStoreOptions;
  /** What stands in the bucket, by `componentKey`, as far as it was read. */
  private readonly standing = new Map<string, RegistrationEntry>();
  /** On their way there, by key. */
  private readonly sending = new Map<string, RegistrationEntry>();

  constructor(options: RegistrationStoreOptions) {
    this.options = options;
  }

  /** What the bucket says of a component, for a heartbeat that another replica tells of one that is not known here. */
  find(name: ComponentName): SharedRegistration | undefined {
    const entry = this.standing.get(componentKey(name));
    return entry?.kind === "registration" ? entry.shared : undefined;
  }

  /** An entry came. Returns whether it could be read. */
  take(name: ComponentName, value: Uint8Array | undefined): boolean {
    const entry = value === undefined ? undefined : decodeRegistrationEntry(nodeCodec, name, value);
    const key = componentKey(name);
    if (entry === undefined) {
      this.standing.delete(key);
      // A write of it on its way may have been before that: its answer says nothing of what stands.
      this.sending.delete(entryKey(nodeCodec, "registration", name));
    } else this.standing.set(key, entry);
    if (entry !== undefined) this.learn(entry);
    // Somebody wrote what is older, or took out what lives here.
    if (this.better(name) !== undefined) this.writeSoon(name);
    return value === undefined || entry !== undefined;
  }

  private learn(entry: RegistrationEntry): void {
    const { registry } = this.options;
    if (entry.kind === "removal") {
      registry.apply({ kind: "removalSeen", name: entry.name, seq: entry.seq });
      return;
    }
    const { registration } = entry.shared;
    const known = findComponent(registry.state, registration)?.registration;
    if (known !== undefined && compareRegistrations(known, registration) === 0) return;
    registry.apply({ kind: "registrationSeen", shared: entry.shared });
  }

  /** The bucket is read again from the start, and may be another one. */
  forget(): void {
    this.standing.clear();
    this.sending.clear();
  }

  /** The bucket has been read whole: writes everything that is known better here. */
  compareAll(): void {
    const { state } = this.options.registry;
    for (const { registration } of state.components.values())
      if (this.better(registration) !== undefined) this.writeSoon(registration);
    for (const entry of this.standing.values()) {
      const name = nameOfEntry(entry);
      if (findComponent(state, name) === undefined && this.better(name) !== undefined) this.writeSoon(name);
    }
  }

  /** Looks for what is forgotten and still stands: nobody led at that moment, or taking it out failed. */
  tidy(): void {
    for (const entry of this.standing.values()) if (this.isForgotten(entry)) this.writeSoon(nameOfEntry(entry));
  }

  changed(notices: readonly Notice[]): void {
    for (const notice of notices) {
      const { kind } = notice;
      if (kind === "registered" || kind === "updated" || kind === "takenOver" || kind === "removed")
        this.writeSoon(notice.component.registration);
    }
  }

  /** For the writer. */
  want(key: string): Wanted | undefined {
    this.sending.delete(key);
    const name = parseEntryKey(nodeCodec, key)?.name;
    if (name === undefined) return undefined;
    const entry = this.better(name);
    if (entry !== undefined) {
      this.sending.set(key, entry);
      const value = encodeRegistrationEntry(nodeCodec, entry);
      return entry.kind === "removal" ? { kind: "value", value, ttlMs: REMOVAL_TTL_MS } : { kind: "value", value };
    }
    const standing = this.standing.get(componentKey(name));
    return standing !== undefined && this.isForgotten(standing) ? { kind: "nothing" } : undefined;
  }

  /** For the writer: the write of `key` was stored. */
  stored(key: string): void {
    const sent = this.sending.get(key);
    this.sending.delete(key);
    if (sent === undefined) return;
    const name = componentKey(nameOfEntry(sent));
    const standing = this.standing.get(name);
    if (standing === undefined || isNewerEntry(sent, standing)) this.standing.set(name, sent);
  }

  /** Whether this replica leads, has no such component, and would not take it up again. */
  private isForgotten(entry: RegistrationEntry): boolean {
    const { state } = this.options.registry;
    if (entry.kind === "removal" || !this.options.isLeading() || state.deafSinceMs !== undefined) return false;
    const { registration, seenAtMs } = entry.shared;
    const seen = { registration, lastSeenMs: seenAtMs };
    return findComponent(state, registration) === undefined && state.nowMs >= forgetAtMs(seen, state.hearingSinceMs);
  }

  private writeSoon(name: ComponentName): void {
    this.options.write(entryKey(nodeCodec, "registration", name));
  }

  private better(name: ComponentName): RegistrationEntry | undefined {
    return betterEntry(this.options.registry.state, name, this.standing.get(componentKey(name)));
  }
}
