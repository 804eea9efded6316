// Verdicts for routers in the shared bucket. Only the leader writes them; whoever begins to lead writes what differs.
import { type Component, type ComponentName, componentKey, isCandidate } from "../../core/registry/component.ts";
import {
  decodeVerdict,
  encodeVerdict,
  entryKey,
  type PublishedVerdict,
  parseEntryKey,
} from "../../core/registry/entries.ts";
import type { Notice } from "../../core/registry/event.ts";
import { findComponent } from "../../core/registry/state.ts";
import { verdictChanges, verdictOf } from "../../core/registry/verdicts.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import type { LiveRegistry } from "../live-registry.ts";
import type { Wanted } from "./bucket-writer.ts";

/** A component that nobody heard of any more stays lost for routers: so long, and then it is as if it had never been. */
const FORGOTTEN_TTL_MS = 86_400_000;

export interface VerdictWriterOptions {
  readonly registry: LiveRegistry;
  isLeading(): boolean;
  /** Asks the writer to look at a key. */
  write(key: string): void;
}

export class VerdictWriter {
  private readonly options: VerdictWriterOptions;
  /** What stands in the bucket, by `componentKey`. */
  private readonly standing = new Map<string, PublishedVerdict>();
  /** On their way there, by key. */
  private readonly sending = new Map<string, PublishedVerdict>();
  /** Stored by this replica so that it goes by itself. */
  private readonly expiring = new Set<string>();

  constructor(options: VerdictWriterOptions) {
    this.options = options;
  }

  /** An entry came. Returns whether it could be read. */
  take(name: ComponentName, value: Uint8Array | undefined): boolean {
    const verdict = value === undefined ? undefined : decodeVerdict(nodeCodec, name, value);
    const key = componentKey(name);
    if (verdict === undefined) this.standing.delete(key);
    else this.standing.set(key, verdict);
    this.noteOther(name, verdict);
    // Also what a leader wrote that had not noticed yet that it no longer leads.
    if (this.options.isLeading()) this.writeSoon(name);
    return value === undefined || verdict !== undefined;
  }

  /** The bucket is read again from the start, and may be another one. */
  forget(): void {
    this.standing.clear();
    this.sending.clear();
    this.expiring.clear();
  }

  /** Looks at every verdict there is or should be. */
  compareAll(): void {
    if (!this.options.isLeading()) return;
    for (const { registration } of this.options.registry.state.components.values()) this.writeSoon(registration);
    for (const verdict of this.standing.values()) this.writeSoon(verdict);
  }

  changed(notices: readonly Notice[]): void {
    if (!this.options.isLeading()) return;
    for (const name of verdictChanges(notices)) this.writeSoon(name);
  }

  /** For the writer. */
  want(key: string): Wanted | undefined {
    this.sending.delete(key);
    const name = parseEntryKey(nodeCodec, key)?.name;
    if (name === undefined || !this.options.isLeading()) return undefined;
    const standing = this.standing.get(componentKey(name));
    const component = findComponent(this.options.registry.state, name);
    if (component === undefined) return standing === undefined ? undefined : this.wantForGone(key, standing);
    this.expiring.delete(componentKey(name));
    const verdict = judge(component, standing);
    return standing !== undefined && saysTheSame(verdict, standing) ? undefined : this.send(key, verdict);
  }

  /** For the writer: the write of `key` was stored. */
  stored(key: string, wanted: Wanted): void {
    const sent = this.sending.get(key);
    this.sending.delete(key);
    if (sent === undefined) return;
    const name = componentKey(sent);
    this.standing.set(name, sent);
    if (wanted.kind === "value" && wanted.ttlMs !== undefined) this.expiring.add(name);
  }

  /** Somebody else's entry came while one was on its way: what the watch tells last stands, not what was answered last. */
  private noteOther(name: ComponentName, verdict: PublishedVerdict | undefined): void {
    const key = entryKey(nodeCodec, "verdict", name);
    const sent = this.sending.get(key);
    if (sent !== undefined && verdict !== undefined && saysTheSame(sent, verdict)) return;
    this.sending.delete(key);
    if (verdict === undefined || verdict.liveness !== "lost") this.expiring.delete(componentKey(name));
  }

  private wantForGone(key: string, standing: PublishedVerdict): Wanted | undefined {
    const { state } = this.options.registry;
    const name = componentKey(standing);
    if ((state.removals.get(name) ?? 0) >= standing.seq) return { kind: "nothing" };
    if (this.expiring.has(name)) return undefined;
    const sinceMs = standing.liveness === "lost" ? standing.sinceMs : state.nowMs;
    return this.send(key, { ...standing, liveness: "lost", isCandidate: false, sinceMs }, FORGOTTEN_TTL_MS);
  }

  private send(key: string, verdict: PublishedVerdict, ttlMs?: number): Wanted {
    this.sending.set(key, verdict);
    const value = encodeVerdict(nodeCodec, verdict);
    return ttlMs === undefined ? { kind: "value", value } : { kind: "value", value, ttlMs };
  }

  private writeSoon(name: ComponentName): void {
    this.options.write(entryKey(nodeCodec, "verdict", name));
  }
}

/**
 * What this replica says of a component. What it knows of it from the bucket alone, as after a start, is no reason to contradict
 * the leader before, who had heard of it.
 */
function judge(component: Component, standing: PublishedVerdict | undefined): PublishedVerdict {
  const { registration, reported, via, endpointHealth } = component;
  const own: PublishedVerdict = { ...verdictOf(component), seq: registration.seq };
  if (standing === undefined || standing.instance !== registration.instance) return own;
  const isUnheard = via === "" && component.liveness !== "lost";
  const status = reported.atMs === 0 ? standing.reported : own.reported;
  const liveness = isUnheard ? standing.liveness : own.liveness;
  const sinceMs = isUnheard ? standing.sinceMs : own.sinceMs;
  const candidate = isCandidate({ liveness, endpointHealth, reported: { ...reported, status } });
  return { ...own, liveness, sinceMs, reported: status, isCandidate: candidate };
}

/** Replicas notice a change at slightly different times: that alone is no news. Asked of every component in each sweep. */
function saysTheSame(left: PublishedVerdict, right: PublishedVerdict): boolean {
  const names = Object.keys(left) as (keyof PublishedVerdict)[];
  if (names.length !== Object.keys(right).length) return false;
  return names.every((name) => name === "sinceMs" || isSame(left[name], right[name]));
}

function isSame(left: unknown, right: unknown): boolean {
  if (!Array.isArray(left) || !Array.isArray(right)) return left === right;
  return left.length === right.length && left.every((entry, place) => entry === right[place]);
}
