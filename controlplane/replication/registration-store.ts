// Registrations and removals in the shared bucket: what this replica knows better is written there, what it learns there is taken.
import type { ComponentName } from "../../core/registry/component.ts";
import { componentKey } from "../../core/registry/component.ts";
import {
  decodeRegistrationEntry,
  encodeRegistrationEntry,
  entryKey,
  parseEntryKey,
  type RegistrationEntry,
} from "../../core/registry/entries.ts";
import type { Notice, SharedRegistration } from "../../core/registry/event.ts";
import { compareRegistrations } from "../../core/registry/merge.ts";
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
  private readonly sending = new Map<string, RegistrationEntry>();
  /** Forgotten by the registry, and not yet taken out of the bucket. */
  private readonly forgotten = new Set<string>();

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
    if (entry === undefined) this.standing.delete(key);
    else this.standing.set(key, entry);
    if (entry !== undefined) this.learn(entry);
    // Somebody wrote what is older, or took out what lives here.
    if (this.isBetterKnown(name)) this.writeSoon(name);
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
  }

  /** The bucket has been read whole: writes everything that is known better here. */
  compareAll(): void {
    const { state } = this.options.registry;
    for (const { registration } of state.components.values())
      if (this.isBetterKnown(registration)) this.writeSoon(registration);
    for (const entry of this.standing.values()) {
      const name = nameOf(entry);
      if (findComponent(state, name) === undefined && this.isBetterKnown(name)) this.writeSoon(name);
    }
  }

  changed(notices: readonly Notice[]): void {
    for (const notice of notices) {
      if (notice.kind === "removed") {
        if (notice.reason === "forgotten") this.forgotten.add(componentKey(notice.component.registration));
        this.writeSoon(notice.component.registration);
      } else if (notice.kind === "registered" || notice.kind === "updated" || notice.kind === "takenOver") {
        this.forgotten.delete(componentKey(notice.component.registration));
        this.writeSoon(notice.component.registration);
      }
    }
  }

  /** For the writer. */
  want(key: string): Wanted | undefined {
    const name = parseEntryKey(nodeCodec, key)?.name;
    if (name === undefined) return undefined;
    if (this.isBetterKnown(name)) {
      const entry = this.known(name);
      if (entry === undefined) return undefined;
      this.sending.set(key, entry);
      const value = encodeRegistrationEntry(nodeCodec, entry);
      return entry.kind === "removal" ? { kind: "value", value, ttlMs: REMOVAL_TTL_MS } : { kind: "value", value };
    }
    if (!this.forgotten.delete(componentKey(name)) || !this.options.isLeading()) return undefined;
    return this.find(name) === undefined ? undefined : { kind: "nothing" };
  }

  /** For the writer: the write of `key` was stored. */
  stored(key: string): void {
    const sent = this.sending.get(key);
    this.sending.delete(key);
    if (sent === undefined) return;
    const name = componentKey(nameOf(sent));
    const standing = this.standing.get(name);
    if (standing === undefined || isNewer(sent, standing)) this.standing.set(name, sent);
  }

  private writeSoon(name: ComponentName): void {
    this.options.write(entryKey(nodeCodec, "registration", name));
  }

  /** What this replica knows of a component; a lost one is not put back when it is not in the bucket any more. */
  private known(name: ComponentName): RegistrationEntry | undefined {
    const { state } = this.options.registry;
    const component = findComponent(state, name);
    if (component !== undefined) {
      const { registration, lastSeenMs } = component;
      return { kind: "registration", shared: { registration, seenAtMs: lastSeenMs } };
    }
    const seq = state.removals.get(componentKey(name));
    const { kind, id } = name;
    return seq === undefined ? undefined : { kind: "removal", name: { kind, id }, seq };
  }

  private isBetterKnown(name: ComponentName): boolean {
    const standing = this.standing.get(componentKey(name));
    const known = this.known(name);
    if (known === undefined) return false;
    if (standing !== undefined) return isNewer(known, standing);
    return known.kind === "registration" && findComponent(this.options.registry.state, name)?.liveness !== "lost";
  }
}

function nameOf(entry: RegistrationEntry): ComponentName {
  return entry.kind === "removal" ? entry.name : entry.shared.registration;
}

function seqOf(entry: RegistrationEntry): number {
  return entry.kind === "removal" ? entry.seq : entry.shared.registration.seq;
}

/** As the registry itself orders them: what is removed at a `seq` was registered up to it. */
function isNewer(entry: RegistrationEntry, standing: RegistrationEntry): boolean {
  const order = seqOf(entry) - seqOf(standing);
  if (order !== 0) return order > 0;
  if (entry.kind === "removal" || standing.kind === "removal")
    return entry.kind === "removal" && standing.kind !== "removal";
  return compareRegistrations(entry.shared.registration, standing.shared.registration) > 0;
}
