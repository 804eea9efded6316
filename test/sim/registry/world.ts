// A run: three replicas, components that come and go, watchers, and what goes wrong, all from one seed.
import { Random } from "../router/random.ts";
import { Checker, MAX_SKEW_MS } from "./checker.ts";
import { SimClock, STEP_MS } from "./clock.ts";
import { ComponentModel } from "./component-model.ts";
import { Network } from "./network.ts";
import { REPLICAS, Replica } from "./replica.ts";
import type { Variant } from "./variants.ts";
import { Watcher } from "./watcher.ts";

const START_MS = 1_700_000_000_000;
const MIN_COMPONENTS = 4;
const MAX_COMPONENTS = 14;
const WATCHERS = 2;
/** Time in which things go wrong. */
const TROUBLE_MS = 150_000;
/** Time after which everything must be as if nothing had been: two times to live, and a little. */
const REST_MS = 75_000;
const FAULT_CHANCE = 0.06;
const CHANGE_CHANCE = 0.05;
const LOOK_CHANCE = 0.1;
const MAX_FAULT_MS = 25_000;
const LONG_PAUSE_MS = 40_000;

export class World {
  readonly trace: string[] = [];
  readonly #random: Random;
  readonly #clock = new SimClock(START_MS);
  readonly #checker = new Checker();
  readonly #network: Network;
  readonly #replicas: readonly Replica[];
  readonly #watchers: readonly Watcher[];
  readonly #components: ComponentModel[] = [];
  /** Replicas with whom something is wrong, and when that ends. */
  readonly #troubles = new Map<Replica, () => void>();
  #instances = 0;
  #storeAway = false;
  #calm = false;

  constructor(seed: number, variant: Variant) {
    this.#random = new Random(seed);
    const replicas: Replica[] = [];
    this.#network = new Network(this.#clock, this.#random, () => replicas);
    const around = {
      clock: this.#clock,
      network: this.#network,
      variant,
      told: (replica: Replica, notices: Parameters<Checker["told"]>[1]) =>
        this.#checker.told(replica, notices, this.#clock.nowMs),
    };
    for (const name of ["a", "b", "c"].slice(0, REPLICAS))
      replicas.push(new Replica(name, this.#random.between(-MAX_SKEW_MS, MAX_SKEW_MS), around));
    this.#replicas = replicas;
    this.#watchers = Array.from({ length: WATCHERS }, () => new Watcher(variant));
    for (let count = this.#random.between(MIN_COMPONENTS, MAX_COMPONENTS); count > 0; count--)
      this.#startComponent(`p${count}`);
  }

  run(): void {
    const random = this.#random;
    while (this.#clock.nowMs < START_MS + TROUBLE_MS) {
      if (random.chance(FAULT_CHANCE)) this.#breakSomething();
      if (random.chance(CHANGE_CHANCE)) this.#changeSomething();
      this.#step();
    }
    this.#calm = true;
    this.#network.calm = true;
    for (const end of [...this.#troubles.values()]) end();
    for (const component of this.#components) {
      component.isCut = false;
      component.isSteady = true;
    }
    for (let atMs = 0; atMs < REST_MS; atMs += STEP_MS) this.#step();
    for (const watcher of this.#watchers) watcher.look(random.pick(this.#replicas), Number.MAX_SAFE_INTEGER);
    this.#checker.checkAgreement(this.#replicas, this.#alive());
  }

  #step(): void {
    this.#clock.step();
    for (const replica of this.#replicas) replica.work();
    for (const watcher of this.#watchers) {
      const replica = this.#random.pick(this.#replicas);
      if (replica.answers && this.#random.chance(LOOK_CHANCE)) watcher.look(replica, this.#random.between(1, 20));
    }
    this.#checker.checkKept(this.#replicas, this.#clock.nowMs);
  }

  #alive(): ComponentModel[] {
    return this.#components.filter(({ ended }) => ended === undefined);
  }

  #startComponent(id: string): void {
    this.#instances += 1;
    const around = { random: this.#random, clock: this.#clock, replicas: this.#replicas };
    const model = new ComponentModel({ id, instance: `${id}.${this.#instances}` }, around);
    this.#components.push(model);
    this.#checker.add(model);
    model.start();
  }

  #changeSomething(): void {
    const alive = this.#alive();
    if (alive.length === 0) return;
    const one = this.#random.pick(alive);
    const change = this.#random.pick(["kill", "stop", "replace", "new", "cut", "cut half"] as const);
    this.#note(`${change} ${one.instance}`);
    if (change === "kill") one.ended = "killed";
    else if (change === "stop") one.stop();
    else if (change === "new") this.#startComponent(`n${this.#instances}`);
    else if (change === "cut") this.#cut([one]);
    else if (change === "cut half") this.#cut(alive.filter(() => this.#random.chance(0.5)));
    else {
      // The new process starts while the old one still beats, as in a rolling update, or after it.
      if (this.#random.chance(0.5)) one.ended = "killed";
      this.#startComponent(one.id);
    }
  }

  #cut(components: readonly ComponentModel[]): void {
    for (const component of components) component.isCut = true;
    this.#clock.after(this.#random.between(5_000, 60_000), () => {
      for (const component of components) component.isCut = false;
    });
  }

  #breakSomething(): void {
    const replica = this.#random.pick(this.#replicas);
    const fault = this.#random.pick(["crash", "pause", "long pause", "cut", "cut", "store"] as const);
    if (fault === "store") this.#restartStore();
    else if (!this.#troubles.has(replica)) this.#breakReplica(replica, fault);
  }

  #breakReplica(replica: Replica, fault: "crash" | "pause" | "long pause" | "cut"): void {
    const forMs = fault === "long pause" ? LONG_PAUSE_MS : this.#random.between(1_000, MAX_FAULT_MS);
    this.#note(`${fault} ${replica.name} for ${forMs} ms`);
    const inboxFirst = this.#random.chance(0.5);
    const end = (): void => {
      if (this.#troubles.get(replica) !== end) return;
      this.#troubles.delete(replica);
      this.#note(`end of ${fault} ${replica.name}`);
      if (fault === "crash") replica.restart();
      else if (fault !== "cut") replica.resume(inboxFirst);
      else if (!this.#storeAway) replica.heal();
    };
    this.#troubles.set(replica, end);
    if (fault === "crash") replica.crash();
    else if (fault === "cut") this.#cutReplica(replica);
    else replica.pause();
    this.#clock.after(forMs, end);
  }

  /** Half of the time the connection's own checks notice it; else the replica has to notice by itself. */
  #cutReplica(replica: Replica): void {
    replica.cut();
    if (this.#random.chance(0.5)) this.#clock.after(this.#random.between(1_000, 6_000), () => replica.tellStoreLost());
  }

  #restartStore(): void {
    if (this.#storeAway) return;
    const forMs = this.#random.between(1_000, MAX_FAULT_MS);
    this.#note(`store away for ${forMs} ms`);
    this.#storeAway = true;
    for (const replica of this.#replicas) this.#cutReplica(replica);
    const end = (): void => {
      if (!this.#storeAway) return;
      this.#storeAway = false;
      this.#note("store back");
      for (const replica of this.#replicas) if (!replica.isOnBus) replica.heal();
    };
    if (this.#calm) end();
    else this.#clock.after(forMs, end);
  }

  #note(text: string): void {
    this.trace.push(`${this.#clock.nowMs - START_MS} ${text}`);
  }
}
