// A run as a list of events made from its seed: what producers send, what fails, what changes. Shrinking drops events
// from it.
import type { Input, InputEncoding } from "./inputs.ts";
import { Random } from "./random.ts";
import { TABLE_COUNT } from "./tables.ts";

export type PlanEvent =
  | { readonly kind: "submit"; readonly atMs: number; readonly input: Input }
  /**
   * A client that asks again until it is answered or has asked `tries` times, from the second try on perhaps with a
   * push.
   */
  | {
      readonly kind: "request";
      readonly atMs: number;
      readonly input: Input;
      readonly tries: number;
      readonly pushLater: boolean;
    }
  | { readonly kind: "table"; readonly atMs: number; readonly replica: number; readonly table: number }
  | { readonly kind: "crash"; readonly atMs: number; readonly replica: number; readonly downMs: number }
  /** The process stands still and goes on as if nothing had happened. */
  | { readonly kind: "pause"; readonly atMs: number; readonly replica: number; readonly forMs: number }
  /** No publish and no read arrives. */
  | { readonly kind: "outage"; readonly atMs: number; readonly forMs: number }
  /** An attempt that stands then is given up for the next one; `twice`: two replicas see it at once. */
  | { readonly kind: "reroute"; readonly atMs: number; readonly nth: number; readonly twice: boolean };

/** How much of what travels is lost or late, as probabilities. */
export interface Weather {
  readonly lost: number;
  readonly answerLost: number;
  readonly late: number;
  readonly full: number;
  readonly settleLost: number;
}

export interface Plan {
  readonly seed: number;
  readonly replicas: number;
  readonly replicated: boolean;
  readonly weather: Weather;
  readonly events: readonly PlanEvent[];
}

/** When everything has happened that a plan holds; what follows is calm. */
export const BUSY_MS = 12_000;
/** Stops that outlast the window of the guarantee: redeliveries after them must not be risked. */
const LONG_STOP_MS = 85_000;
const ENCODINGS: readonly InputEncoding[] = ["protobuf", "json", "older-json"];
const CALM: Weather = { lost: 0, answerLost: 0, late: 0, full: 0, settleLost: 0 };

export function makePlan(seed: number): Plan {
  const random = new Random(seed);
  const replicas = random.between(1, 3);
  const plan = {
    seed,
    replicas,
    replicated: random.chance(0.5),
    weather: random.chance(0.15) ? CALM : storm(random),
    events: [...sends(random), ...changes(random, replicas)],
  };
  plan.events.sort((left, right) => left.atMs - right.atMs);
  return plan;
}

function storm(random: Random): Weather {
  const share = () => random.pick([0, 0.02, 0.1, 0.3]);
  return { lost: share(), answerLost: share(), late: share(), full: random.pick([0, 0, 0.05]), settleLost: share() };
}

function sends(random: Random): PlanEvent[] {
  const events: PlanEvent[] = [];
  for (let count = random.between(1, 5); count > 0; count--) {
    events.push({ kind: "submit", atMs: random.below(BUSY_MS / 2), input: makeInput(random) });
  }
  for (let count = random.between(0, 4); count > 0; count--) {
    const input = makeInput(random);
    const tries = random.between(1, 4);
    events.push({ kind: "request", atMs: random.below(BUSY_MS / 2), input, tries, pushLater: random.chance(0.3) });
  }
  return events;
}

/** Few keys and few contents, so that they meet. */
function makeInput(random: Random): Input {
  return {
    encoding: random.pick(ENCODINGS),
    key: random.chance(0.6) ? `key-${random.below(3)}` : undefined,
    content: random.chance(0.85) ? "a" : "b",
    push: random.chance(0.4),
    invalid: random.chance(0.08),
  };
}

function changes(random: Random, replicas: number): PlanEvent[] {
  const events: PlanEvent[] = [];
  const some = (most: number, make: (atMs: number, replica: number) => PlanEvent) => {
    for (let count = random.below(most + 1); count > 0; count--)
      events.push(make(random.below(BUSY_MS), random.below(replicas)));
  };
  some(4, (atMs, replica) => ({ kind: "table", atMs, replica, table: random.below(TABLE_COUNT) }));
  some(3, (atMs, replica) => ({ kind: "crash", atMs, replica, downMs: random.between(50, 4000) }));
  some(2, (atMs, replica) => ({ kind: "pause", atMs, replica, forMs: random.between(500, 4000) }));
  some(3, (atMs) => ({ kind: "reroute", atMs, nth: random.below(8), twice: random.chance(0.3) }));
  if (random.chance(0.15))
    events.push({ kind: "outage", atMs: random.below(BUSY_MS), forMs: random.between(500, 4000) });
  if (random.chance(0.06)) {
    const atMs = random.below(BUSY_MS / 2);
    for (let replica = 0; replica < replicas; replica++)
      events.push({ kind: "crash", atMs, replica, downMs: LONG_STOP_MS });
  }
  return events;
}
