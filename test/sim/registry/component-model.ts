// A component as its client library runs it: registers, beats, goes to another replica when one does not answer, registers again.
import type { NewRegistration } from "../../../core/registry/event.ts";
import type { Random } from "../router/random.ts";
import type { SimClock } from "./clock.ts";
import type { Replica } from "./replica.ts";

export const TTL_MS = 30_000;
const BEAT_EVERY_MS = 10_000;
const JITTER_MS = 1_000;
const RETRY_MS = 1_000;
const STATUSES = ["HEALTHY", "HEALTHY", "HEALTHY", "UNHEALTHY", "degraded"] as const;

export type End = "killed" | "stopped";

export class ComponentModel {
  readonly id: string;
  readonly instance: string;
  readonly #random: Random;
  readonly #clock: SimClock;
  readonly #replicas: readonly Replica[];
  #home: Replica;
  #registered = false;
  #text = "STARTING";
  /** Says the same with every heartbeat. */
  isSteady = false;
  /** Its network is cut: it runs, and reaches nobody. */
  isCut = false;
  ended: End | undefined;
  /** When any replica last took a sign of life, by true time. */
  acceptedMs = Number.NEGATIVE_INFINITY;
  /** The latest sign of life that a replica took which was connected then and long enough to tell the others. */
  sharedMs = Number.NEGATIVE_INFINITY;

  constructor(
    identity: { readonly id: string; readonly instance: string },
    around: { random: Random; clock: SimClock; replicas: readonly Replica[] },
  ) {
    this.id = identity.id;
    this.instance = identity.instance;
    this.#random = around.random;
    this.#clock = around.clock;
    this.#replicas = around.replicas;
    this.#home = this.#random.pick(this.#replicas);
  }

  /** What it last said and was heard. */
  get text(): string {
    return this.#text;
  }

  start(): void {
    this.#clock.after(this.#random.below(BEAT_EVERY_MS), () => this.#beat());
  }

  stop(): void {
    if (this.ended !== undefined) return;
    // Unregistering is a courtesy: whoever cannot reach its replica just goes.
    const done = !this.isCut && this.#home.unregister({ kind: "processor", id: this.id }, this.instance) === "ok";
    this.ended = done ? "stopped" : "killed";
  }

  #beat(): void {
    if (this.ended !== undefined) return;
    const answered = !this.isCut && this.#speak();
    if (answered) {
      this.#clock.after(BEAT_EVERY_MS - JITTER_MS + this.#random.below(2 * JITTER_MS), () => this.#beat());
      return;
    }
    if (!this.isCut) this.#home = this.#random.pick(this.#replicas);
    this.#clock.after(RETRY_MS, () => this.#beat());
  }

  /** Whether the replica answered. */
  #speak(): boolean {
    const home = this.#home;
    const { id, instance } = this;
    if (this.#registered) {
      const text = this.isSteady ? "HEALTHY" : this.#random.pick(STATUSES);
      const status = text === "degraded" ? "UNKNOWN" : text;
      const answer = home.beat({ kind: "processor", id, instance, report: { status, text, metrics: new Map() } });
      if (answer === "ok") this.#text = text;
      if (answer !== "not found") return this.#accepted(answer === "ok");
      // Its successor has the id: this one is told so, and goes.
      const standing = home.standingInstance(id);
      if (standing !== undefined && standing !== instance) {
        this.ended = "killed";
        return true;
      }
    }
    const answer = home.register(this.#registration());
    this.#registered ||= answer === "ok";
    return this.#accepted(answer === "ok");
  }

  #accepted(isAccepted: boolean): boolean {
    if (!isAccepted) return false;
    const atMs = this.#clock.nowMs;
    const home = this.#home;
    const { incarnation } = home;
    this.acceptedMs = atMs;
    this.#clock.after(SHARING_MS, () => {
      const since = home.connectedSinceMs;
      if (home.incarnation === incarnation && since !== undefined && since <= atMs)
        this.sharedMs = Math.max(this.sharedMs, atMs);
    });
    return true;
  }

  #registration(): NewRegistration {
    const { id, instance } = this;
    return {
      kind: "processor",
      id,
      instance,
      endpoint: `${id}.test:9000`,
      metadata: new Map([["instance_id", instance]]),
      ttlMs: TTL_MS,
      capabilities: { inputEventTypes: ["a"], outputEventTypes: ["b"], source: "metadata" },
    };
  }
}

/** In this time a sign of life that a connected replica took has come to the other connected ones, however the bus treats it. */
export const SHARING_MS = 7_000;
