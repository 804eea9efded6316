// A run: users, operator, bucket and routers, where each step is one thing that may happen now, picked by a number.
import assert from "node:assert/strict";
import type { ConfigEntry } from "../../../core/config/entry.ts";
import { policyKey } from "../../../core/config/keys.ts";
import type { DesiredEntry } from "../../../core/config/last-good.ts";
import { type ProgrammedVerdict, programmedByUid } from "../../../core/config/programmed.ts";
import { ModelBucket } from "./model-bucket.ts";
import { OperatorModel, type WriteEnd } from "./operator-model.ts";
import { choose, PREFIX, Replica, ROUTER, type SimSpec } from "./replica.ts";
import type { Variant } from "./variants.ts";

const REPLICAS = ["router-0", "router-1", "router-2"] as const;
const POLICIES = ["a", "b", "c", "d"] as const;
/** Steps until everything must have come to rest once nothing goes wrong any more. */
const MAX_SETTLE_STEPS = 2_000;

/** Something that may happen now, with its weight among the others. */
interface Action {
  readonly name: string;
  readonly weight: number;
  run(pick: number): void | Promise<void>;
}

export class World {
  private readonly variant: Variant;
  private bucket: ModelBucket | undefined = new ModelBucket("bucket-0");
  private buckets = 1;
  private uids = 0;
  private texts = 0;
  private readonly desired = new Map<string, DesiredEntry>();
  private replicas: Replica[];
  private operator: OperatorModel;
  /** By pod name, as the acknowledgement bucket has it. */
  private readonly ackBucket = new Map<string, ReturnType<Replica["acknowledgement"]>>();
  readonly trace: string[] = [];

  constructor(variant: Variant) {
    this.variant = variant;
    this.replicas = REPLICAS.map((name) => new Replica(name, this.newUid(), variant));
    this.operator = new OperatorModel(() => this.bucket, this.variant);
    for (const name of POLICIES.slice(0, 2)) this.edit(name, false);
  }

  /** One step: `choice` picks the action and how it goes. */
  async step(choice: number): Promise<void> {
    const actions = [...this.honest(), ...this.faulty()];
    const total = actions.reduce((sum, { weight }) => sum + weight, 0);
    let left = choice % total;
    for (const action of actions) {
      left -= action.weight;
      if (left >= 0) continue;
      this.trace.push(action.name);
      await action.run(Math.trunc(choice / total));
      break;
    }
    this.check();
  }

  canHappen(name: string): boolean {
    return [...this.honest(), ...this.faulty()].some((action) => action.name === name);
  }

  /** One step by its name, for histories; `pick` says how it goes. */
  async act(name: string, pick = 0): Promise<void> {
    const action = [...this.honest(), ...this.faulty()].find((candidate) => candidate.name === name);
    assert.ok(action !== undefined, `"${name}" cannot happen now`);
    await action.run(pick);
    this.check();
  }

  /** Nothing goes wrong any more: everything must come to rest, and then be as desired everywhere. */
  async settle(): Promise<void> {
    if (this.bucket === undefined) this.makeBucket();
    for (let step = 0; step < MAX_SETTLE_STEPS; step++) {
      const actions = this.honest();
      if (actions.length === 0) {
        if (!this.pollAll()) return this.checkEnd();
        continue;
      }
      // Round robin is a schedule like any other, and lets no one starve.
      const action = actions[step % actions.length];
      await action?.run(step);
      this.check();
    }
    assert.fail(`not at rest after ${MAX_SETTLE_STEPS} steps without a fault`);
  }

  private honest(): Action[] {
    const { operator } = this;
    const actions: Action[] = [];
    if (!operator.isSynced()) actions.push({ name: "operator sees bucket", weight: 6, run: () => operator.sync() });
    if (operator.dirty && !operator.busy && operator.isWhole()) {
      actions.push({ name: "operator publishes", weight: 6, run: () => this.publish() });
    }
    if (operator.pending.length > 0) {
      actions.push({ name: "write stored", weight: 14, run: (pick) => this.finishWrite(pick, "stored") });
    }
    const podsSeen = JSON.stringify(operator.pods) === JSON.stringify(this.podsNow());
    if (!podsSeen) actions.push({ name: "operator sees pods", weight: 4, run: () => this.seePods() });
    for (const replica of this.replicas) {
      const { name } = replica;
      if (replica.watchDue) {
        actions.push({ name: `${name} begins watch`, weight: 5, run: () => replica.beginWatch(this.bucket) });
      }
      if (replica.hasNext(this.bucket)) {
        actions.push({ name: `${name} gets message`, weight: 8, run: () => replica.deliver("none") });
      }
      if (replica.ackDue)
        actions.push({ name: `${name} acknowledges`, weight: 4, run: () => this.acknowledge(replica) });
      const written = this.ackBucket.get(name);
      if (written !== undefined && operator.acks.get(written.podUid) !== written) {
        actions.push({
          name: `operator reads ${name}`,
          weight: 4,
          run: () => void operator.acks.set(written.podUid, written),
        });
      }
    }
    return actions;
  }

  private faulty(): Action[] {
    const { operator, replicas } = this;
    const one = (pick: number): Replica => replicas[pick % replicas.length] as Replica;
    const policy = (pick: number): string => POLICIES[pick % POLICIES.length] as string;
    const actions: Action[] = [
      { name: "user edits", weight: 5, run: (pick) => this.edit(policy(pick), pick % 7 === 0) },
      { name: "user removes", weight: 2, run: (pick) => this.remove(policy(pick)) },
      { name: "operator crashes", weight: 1, run: () => this.restartOperator() },
      { name: "router crashes", weight: 1, run: (pick) => this.restartReplica(pick % replicas.length) },
      { name: "heartbeats missed", weight: 1, run: (pick) => one(pick).missHeartbeats() },
      { name: "poll", weight: 2, run: (pick) => one(pick).poll(this.bucket) },
      { name: "removal mark expires", weight: 1, run: () => this.expireMarks() },
    ];
    for (const fault of ["lose", "hold", "repeat"] as const) {
      const replica = replicas.find((candidate) => candidate.hasNext(this.bucket));
      if (replica !== undefined) {
        actions.push({ name: `${replica.name} watch: ${fault}`, weight: 1, run: () => replica.deliver(fault) });
      }
    }
    if (operator.pending.length > 0) {
      actions.push({ name: "write answer lost", weight: 2, run: (pick) => this.finishWrite(pick, "answer-lost") });
      actions.push({ name: "write lost", weight: 1, run: (pick) => this.finishWrite(pick, "lost") });
    }
    if (this.bucket === undefined) {
      actions.push({
        name: "bucket made",
        weight: 8,
        run: () => this.makeBucket(),
      });
    } else {
      actions.push({ name: "bucket deleted", weight: 2, run: () => this.deleteBucket() });
    }
    return actions;
  }

  /** Routers look at the head themselves every ten seconds. Whether that set anything going. */
  private pollAll(): boolean {
    for (const replica of this.replicas) replica.poll(this.bucket);
    return this.honest().length > 0;
  }

  private async publish(): Promise<void> {
    void this.operator.publish(this.desired);
    await turn();
  }

  private async finishWrite(pick: number, end: WriteEnd): Promise<void> {
    const { pending } = this.operator;
    const [write] = pending.splice(pick % pending.length, 1);
    write?.finish(end);
    await turn();
  }

  private acknowledge(replica: Replica): void {
    this.ackBucket.set(replica.name, replica.acknowledgement());
    replica.ackDue = false;
  }

  private edit(name: string, rejected: boolean): void {
    const key = policyKey(ROUTER, "demo", name);
    const before = this.desired.get(key)?.meta;
    const uid = before?.uid ?? this.newUid();
    const meta = { namespace: "demo", name, uid, generation: (before?.generation ?? 0) + 1, creationMs: 0 };
    const spec: SimSpec = { text: `text-${this.texts++}`, rejectedBy: rejected ? [...REPLICAS] : [] };
    this.desired.set(key, { kind: "RoutingPolicy", meta, spec });
    if (this.operator !== undefined) this.operator.dirty = true;
  }

  private remove(name: string): void {
    this.desired.delete(policyKey(ROUTER, "demo", name));
    this.operator.dirty = true;
  }

  private restartOperator(): void {
    // What was on its way may still arrive: half of it does.
    this.operator.pending.forEach((write, index) => {
      write.finish(index % 2 === 0 ? "answer-lost" : "lost");
    });
    this.operator = new OperatorModel(() => this.bucket, this.variant);
  }

  private restartReplica(index: number): void {
    const name = REPLICAS[index % REPLICAS.length] as string;
    this.replicas[index] = new Replica(name, this.newUid(), this.variant);
  }

  private expireMarks(): void {
    for (const { key, value } of [...(this.bucket?.all() ?? [])]) if (value === undefined) this.bucket?.expire(key);
  }

  private podsNow(): { name: string; uid: string; ready: boolean }[] {
    return this.replicas.map(({ name, uid, ready }) => ({ name, uid, ready }));
  }

  private seePods(): void {
    this.operator.pods = this.podsNow();
  }

  private makeBucket(): void {
    this.bucket = new ModelBucket(`bucket-${this.buckets++}`);
  }

  private deleteBucket(): void {
    this.bucket = undefined;
  }

  private newUid(): string {
    return `uid-${this.uids++}`;
  }

  private verdict(key: string): ProgrammedVerdict | undefined {
    const { publisher, acks, pods } = this.operator;
    const target = publisher.target(key);
    if (target === undefined) return undefined;
    if (this.variant.epoch === "compared") return programmedByUid(target, acks, pods);
    const blind = new Map([...acks].map(([uid, ack]) => [uid, { ...ack, epoch: target.epoch }]));
    return programmedByUid(target, blind, pods);
  }

  /** What is said to be in force is in force, on every router that the operator knows to be ready and that still runs. */
  private check(): void {
    const { publisher, acks, pods } = this.operator;
    const running = this.replicas.filter(({ uid }) => pods.some((pod) => pod.uid === uid && pod.ready));
    for (const [key, { meta }] of this.desired) {
      const { uid, generation } = meta;
      const target = publisher.target(key);
      // A status speaks of the newest generation only, and of an older one nobody asks any more.
      if (target?.uid !== uid || target.generation !== generation || this.verdict(key)?.status !== "True") continue;
      for (const { table, name } of running) {
        const served = table.get(key);
        const inForce = served?.uid === uid && served.generation === generation;
        assert.ok(inForce, `${key} generation ${generation} is called Programmed, ${name} does not serve it`);
      }
    }
    for (const { key, revision, epoch } of publisher.pendingRemovals()) {
      const verdict = programmedByUid({ key, uid: "", generation: 0, epoch, revision }, acks, pods);
      if (verdict.status !== "True") continue;
      for (const { table, applied, name } of running) {
        const standing = applied?.epoch === epoch ? table.get(key) : undefined;
        const gone = standing === undefined || standing.sequence > revision;
        assert.ok(gone, `${key} is called removed, ${name} still serves it`);
      }
    }
  }

  private checkEnd(): void {
    const { publisher } = this.operator;
    const stored = new Map<string, ConfigEntry>();
    for (const [key] of this.operator.entries(PREFIX)) {
      const entry = publisher.storedEntry(key);
      if (entry !== undefined) stored.set(key, entry);
    }
    assert.deepEqual([...stored.keys()].sort(), [...this.desired.keys()].sort(), "the bucket holds what is desired");
    for (const replica of this.replicas) {
      assert.ok(replica.settled(), `${replica.name} has the last head in force`);
      const expected = new Map<string, string>();
      for (const [key, entry] of stored) {
        const served = choose(entry, replica.name);
        if (served !== undefined) expected.set(key, served.spec.text);
      }
      const actual = new Map([...replica.table].map(([key, { text }]) => [key, text]));
      assert.deepEqual([...actual].sort(), [...expected].sort(), `${replica.name} serves what is desired`);
    }
    for (const [key, { meta, spec }] of this.desired) {
      const target = this.operator.publisher.target(key);
      assert.equal(target?.uid, meta.uid, `${key} has a target`);
      assert.equal(target?.generation, meta.generation, `the target of ${key} is its newest generation`);
      const expected = (spec as SimSpec).rejectedBy.length > 0 ? "False" : "True";
      assert.equal(this.verdict(key)?.status, expected, `${key} is Programmed=${expected} in the end`);
    }
  }
}

/** Lets everything run that waits for a promise which is settled. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
