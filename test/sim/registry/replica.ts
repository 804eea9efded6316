// One control plane process: the real registry, run the way a server runs it.
import { advance } from "../../../core/registry/advance.ts";
import { type ComponentName, componentKey } from "../../../core/registry/component.ts";
import type { RegistrationEntry } from "../../../core/registry/entries.ts";
import type {
  Beat,
  NewRegistration,
  Notice,
  PeerReport,
  Refusal,
  RegistryEvent,
} from "../../../core/registry/event.ts";
import { buildPeerReport } from "../../../core/registry/peer-report.ts";
import { betterEntry, nameOfEntry } from "../../../core/registry/shared-entry.ts";
import { createRegistry, findComponent, type Registry } from "../../../core/registry/state.ts";
import type { SimClock } from "./clock.ts";
import type { Network } from "./network.ts";
import type { Variant } from "./variants.ts";

/** Each heartbeat is told in all reports of this time. */
const REPEAT_MS = 5_000;
const REPORT_EVERY_MS = 1_000;
export const REPLICAS = 3;

export type Message =
  | { readonly kind: "report"; readonly report: PeerReport }
  | { readonly kind: "stored"; readonly entry: RegistrationEntry };
export type Answer = "ok" | "not found" | "unavailable";
/** `nowMs` is the replica's own reading. */
export type EventBody = RegistryEvent extends infer E ? (E extends RegistryEvent ? Omit<E, "nowMs"> : never) : never;

export interface Surroundings {
  readonly clock: SimClock;
  readonly network: Network;
  readonly variant: Variant;
  told(replica: Replica, notices: readonly Notice[]): void;
}

export class Replica {
  readonly name: string;
  incarnation = "";
  state: Registry;
  isRunning = true;
  isPaused = false;
  isOnBus = true;
  /** Since when it runs and hears the bus, without a gap; undefined = it does not. */
  connectedSinceMs: number | undefined;
  /** How far its clock is ahead. */
  readonly #skewMs: number;
  readonly #around: Surroundings;
  #starts = 0;
  #heard = new Map<string, number>();
  #inbox: Message[] = [];
  #storeLostTold = false;
  #reportedMs = 0;

  constructor(name: string, skewMs: number, around: Surroundings) {
    this.name = name;
    this.#skewMs = skewMs;
    this.#around = around;
    this.state = this.#fresh();
    this.noteConnection();
  }

  get nowMs(): number {
    return this.#around.clock.nowMs + this.#skewMs;
  }

  get answers(): boolean {
    return this.isRunning && !this.isPaused;
  }

  register(registration: NewRegistration): Answer {
    if (!this.answers) return "unavailable";
    this.apply({ kind: "registered", registration });
    this.#writeBetter(registration, this.#around.network.read(componentKey(registration)));
    this.#heard.set(componentKey(registration), this.nowMs);
    return "ok";
  }

  beat(beat: Beat): Answer {
    if (!this.answers) return "unavailable";
    const refusals = this.apply({ kind: "beat", beats: [beat] });
    if (refusals.length > 0) return "not found";
    this.#heard.set(componentKey(beat), this.nowMs);
    return "ok";
  }

  unregister(name: ComponentName, instance: string): Answer {
    if (!this.answers) return "unavailable";
    const standing = findComponent(this.state, name)?.registration;
    const refusals = this.apply({ kind: "unregistered", name, instance });
    if (refusals.length > 0) return "not found";
    if (standing !== undefined)
      this.#writeBetter(name, { kind: "registration", shared: { registration: standing, seenAtMs: 0 } });
    return "ok";
  }

  /** Who has the id, in the answer to a fenced instance. */
  standingInstance(id: string): string | undefined {
    return this.#standing({ kind: "processor", id });
  }

  receive(message: Message): void {
    if (!this.isRunning) return;
    if (this.isPaused) this.#inbox.push(message);
    else this.#take(message);
  }

  /** Twice a second. */
  work(): void {
    if (!this.answers) return;
    this.apply({ kind: "tick" });
    if (this.nowMs - this.#reportedMs < REPORT_EVERY_MS) return;
    this.#reportedMs = this.nowMs;
    for (const [key, atMs] of this.#heard) if (atMs < this.nowMs - REPEAT_MS) this.#heard.delete(key);
    const { variant, network } = this.#around;
    const whole = buildPeerReport(this.state, this.#heard.keys(), this.nowMs);
    const report = {
      ...whole,
      beats: variant.beats === "shared" ? whole.beats : [],
      silent: variant.silence === "shared" ? whole.silent : [],
    };
    if (this.isOnBus) network.publish(this, report);
  }

  pause(): void {
    this.isPaused = true;
    this.noteConnection();
  }

  /** @param inboxFirst whether what came meanwhile is read before the clock */
  resume(inboxFirst: boolean): void {
    this.isPaused = false;
    const inbox = this.#inbox;
    this.#inbox = [];
    if (inboxFirst) for (const message of inbox) this.#take(message);
    this.apply({ kind: "tick" });
    if (!inboxFirst) for (const message of inbox) this.#take(message);
    this.noteConnection();
  }

  crash(): void {
    this.isRunning = false;
    this.isPaused = false;
    this.incarnation = "";
    this.noteConnection();
  }

  restart(): void {
    this.isRunning = true;
    this.state = this.#fresh();
    if (this.isOnBus) this.#readStore();
    else this.tellStoreLost();
    this.noteConnection();
  }

  cut(): void {
    this.isOnBus = false;
    this.noteConnection();
  }

  /** The connection's own checks noticed it. */
  tellStoreLost(): void {
    if (!this.answers || this.isOnBus || this.#storeLostTold) return;
    this.#storeLostTold = true;
    this.apply({ kind: "storeLost" });
  }

  heal(): void {
    this.isOnBus = true;
    this.noteConnection();
    if (!this.isRunning) return;
    if (this.#storeLostTold) this.apply({ kind: "storeBack" });
    this.#storeLostTold = false;
    this.#readStore();
  }

  noteConnection(): void {
    const connected = this.answers && this.isOnBus;
    if (!connected) this.connectedSinceMs = undefined;
    else this.connectedSinceMs ??= this.#around.clock.nowMs;
  }

  apply(body: EventBody): readonly Refusal[] {
    const event: RegistryEvent = { ...body, nowMs: this.nowMs };
    const before = this.state;
    const step = advance(before, event);
    this.state = this.#vary(before, step.state);
    this.#around.told(this, step.notices);
    return step.refusals;
  }

  #fresh(): Registry {
    this.#starts += 1;
    this.incarnation = `${this.name}-${this.#starts}`;
    this.#heard = new Map();
    this.#inbox = [];
    this.#storeLostTold = false;
    const replicas = this.#around.variant.cut === "noticed" ? REPLICAS : 1;
    return createRegistry({
      epoch: this.incarnation,
      self: this.incarnation,
      nowMs: this.nowMs,
      settings: { replicas },
    });
  }

  /** What a wrong variant does to the state. */
  #vary(before: Registry, after: Registry): Registry {
    const { pause, removals } = this.#around.variant;
    let state = after;
    if (pause === "held against components") state = { ...state, hearingSinceMs: before.hearingSinceMs };
    if (removals === "forgotten")
      state = { ...state, removals: createRegistry({ epoch: "", self: "", nowMs: 0 }).removals };
    return state;
  }

  #take(message: Message): void {
    if (message.kind === "stored") {
      this.#takeStored(message.entry);
      return;
    }
    const { report } = message;
    const open = this.#around.variant.fence === "open";
    const beats = open
      ? report.beats.map((beat) => ({ ...beat, instance: this.#standing(beat) ?? beat.instance }))
      : report.beats;
    const refusals = this.apply({ kind: "peerBeats", report: { ...report, beats } });
    if (!this.isOnBus) return;
    for (const { name } of refusals) {
      const entry = this.#around.network.read(componentKey(name));
      if (entry !== undefined) this.#takeStored(entry);
    }
  }

  #standing(name: ComponentName): string | undefined {
    return findComponent(this.state, name)?.registration.instance;
  }

  #takeStored(entry: RegistrationEntry): void {
    if (entry.kind === "removal") this.apply({ kind: "removalSeen", name: entry.name, seq: entry.seq });
    else this.apply({ kind: "registrationSeen", shared: entry.shared });
    if (this.#around.variant.store === "repaired") this.#writeBetter(nameOfEntry(entry), entry);
  }

  /** Takes what stands there, and writes what it knows better: nothing was kept for later while the store was away. */
  #readStore(): void {
    const { network } = this.#around;
    for (const entry of network.all()) this.#takeStored(entry);
    for (const { registration } of this.state.components.values())
      this.#writeBetter(registration, network.read(componentKey(registration)));
  }

  #writeBetter(name: ComponentName, standing: RegistrationEntry | undefined): void {
    const better = betterEntry(this.state, name, standing);
    if (better !== undefined && this.isOnBus) this.#around.network.write(this, better);
  }
}
