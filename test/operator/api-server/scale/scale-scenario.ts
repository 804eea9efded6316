// The four parts of the scale scenario, each with the figures that it gives: a burst, a load with a restart, policies one by
// one under traffic, and what is left when all are deleted.
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { eventually } from "../../../support/await.ts";
import { DecideTraffic } from "./decide-traffic.ts";
import { scalePolicies } from "./scale-policies.ts";
import type { Memory, ScaleWorld } from "./scale-world.ts";

const LOAD_DEADLINE_MS = 300_000;
const DELETED_DEADLINE_MS = 120_000;
const SETTLED_DEADLINE_MS = 120_000;
const PROPAGATION_DEADLINE_MS = 60_000;
const EVERY_MS = 20;
/** Passes over the status of all objects after which a restarted operator has compared everything. */
const SETTLED_PASSES = 3;

/** All that a run measures. */
export interface ScaleFigures {
  readonly burst: BurstFigures;
  readonly load: LoadFigures;
  readonly propagation: PropagationFigures;
  readonly memory: MemoryFigures;
}

export interface MemoryFigures {
  readonly policies: number;
  /** Of the operator: before any policy, with all of them, and when all are deleted. */
  readonly empty: Memory;
  readonly full: Memory;
  readonly left: Memory;
  readonly deletedMs: number;
}

export interface BurstFigures {
  readonly policies: number;
  readonly applyMs: number;
  /** From the last apply; all of them. */
  readonly acceptedMs: number;
  readonly programmedMs: number;
  readonly writesEach: number;
  /** From the first deletion until the bucket holds none of them. */
  readonly deletedMs: number;
  readonly entriesLeft: number;
}

/** From the last apply until all are so. */
export interface BurstDeadlines {
  readonly acceptedMs: number;
  readonly programmedMs: number;
}

/** Applied as fast as the API server takes them, then deleted. */
export async function runBurst(world: ScaleWorld, count: number, deadlines: BurstDeadlines): Promise<BurstFigures> {
  const policies = scalePolicies("burst", count);
  const before = await world.statusWrites();
  const startMs = performance.now();
  const lastMs = await world.applyAll(policies);
  await whenAll(world, "Accepted", count, deadlines.acceptedMs - (performance.now() - lastMs));
  await whenAll(world, "Programmed", count, deadlines.programmedMs - (performance.now() - lastMs));
  // Before the deletion, which takes them out of view.
  const [acceptedMs, programmedMs] = [world.follower.lastMs("Accepted"), world.follower.lastMs("Programmed")];
  const writes = (await world.statusWrites()) - before;
  const deletedMs = await deleteAll(world, policies);
  return {
    policies: count,
    applyMs: lastMs - startMs,
    acceptedMs: acceptedMs - lastMs,
    programmedMs: programmedMs - lastMs,
    writesEach: writes / count,
    deletedMs,
    entriesLeft: world.judge.entries,
  };
}

export interface LoadFigures {
  readonly policies: number;
  readonly programmedMs: number;
  readonly memory: Memory;
  /** From the start of the new process until it leads and has compared everything. */
  readonly restartMs: number;
  readonly statusWrites: number;
  /** Marks that the process before had not purged aside. */
  readonly configWrites: number;
}

/** Many at once, and an operator that starts with all of them there. */
export async function runRestart(
  world: ScaleWorld,
  policies: readonly KubernetesObject[],
  restartDeadlineMs: number,
): Promise<LoadFigures> {
  const startMs = performance.now();
  await world.applyAll(policies);
  await whenAll(world, "Programmed", policies.length, LOAD_DEADLINE_MS);
  const programmedMs = world.follower.lastMs("Programmed") - startMs;
  const memory = await world.memory();
  const before = await world.statusWrites();
  const restartedMs = await world.restartOperator();
  const accepted = 'operator_objects{kind="RoutingPolicy",result="accepted"}';
  const passes = 'operator_work_total{work="status",result="ok"}';
  await whenMetric(world, accepted, policies.length, restartDeadlineMs);
  const restartMs = performance.now() - restartedMs;
  await whenMetric(world, passes, (await world.operatorMetric(passes)) + SETTLED_PASSES, SETTLED_DEADLINE_MS);
  const kinds = ["put", "delete", "head"].map((kind) => `operator_config_writes_total{kind="${kind}"}`);
  const configWrites = await Promise.all(kinds.map((kind) => world.operatorMetric(kind)));
  return {
    policies: policies.length,
    programmedMs,
    memory,
    restartMs,
    statusWrites: (await world.statusWrites()) - before,
    configWrites: configWrites.reduce((sum, writes) => sum + writes, 0),
  };
}

export interface PropagationFigures {
  readonly policies: number;
  readonly standing: number;
  /** By policy, in the order in which they were added: from the acknowledged apply to the first decision. */
  readonly delaysMs: readonly number[];
  readonly decisions: number;
  readonly perSecond: number;
  readonly failures: readonly string[];
  readonly wrong: readonly string[];
}

interface Background {
  readonly standing: readonly KubernetesObject[];
  readonly perSecond: number;
}

/** One by one, each as soon as the one before decides, while requests for `standing` policies go on. */
export async function runPropagation(
  world: ScaleWorld,
  added: readonly KubernetesObject[],
  { standing, perSecond }: Background,
): Promise<PropagationFigures> {
  const traffic = new DecideTraffic(world.link);
  traffic.start(standing, perSecond);
  const delaysMs: number[] = [];
  const startMs = performance.now();
  for (const policy of added) {
    const acknowledgedMs = await world.apply(policy);
    const decidedMs = await traffic.firstDecision(policy, PROPAGATION_DEADLINE_MS);
    delaysMs.push(decidedMs - acknowledgedMs);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  await traffic.stop();
  const { answers, failures } = traffic;
  return {
    policies: added.length,
    standing: standing.length,
    delaysMs,
    decisions: answers.length,
    perSecond: answers.length / seconds,
    failures,
    wrong: world.judge.judge(answers),
  };
}

/** Until the bucket holds none of them; returns how long that took. */
export async function deleteAll(world: ScaleWorld, policies: readonly KubernetesObject[]): Promise<number> {
  const { entries } = world.judge;
  const startMs = performance.now();
  await world.deleteAll(policies);
  await eventually(() => world.judge.entries <= entries - policies.length, {
    deadlineMs: DELETED_DEADLINE_MS,
    describe: () => `${world.judge.entries} entries are left`,
    everyMs: EVERY_MS,
  });
  return performance.now() - startMs;
}

async function whenAll(
  world: ScaleWorld,
  type: "Accepted" | "Programmed",
  count: number,
  deadlineMs: number,
): Promise<void> {
  await eventually(() => world.follower.count(type) >= count, {
    deadlineMs,
    describe: () => `${world.follower.count(type)} of ${count} are ${type}`,
    everyMs: EVERY_MS,
  });
}

async function whenMetric(world: ScaleWorld, name: string, atLeast: number, deadlineMs: number): Promise<void> {
  await eventually(async () => (await world.operatorMetric(name)) >= atLeast, {
    deadlineMs,
    describe: `${name} is ${atLeast}`,
    everyMs: EVERY_MS,
  });
}
