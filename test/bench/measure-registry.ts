// The registry of components with 10,000 of them: what one heartbeat, one sweep and one list cost.
import { advance } from "../../core/registry/advance.ts";
import type { Beat, RegistryEvent } from "../../core/registry/event.ts";
import { discover, listComponents } from "../../core/registry/query.ts";
import { createRegistry, type Registry } from "../../core/registry/state.ts";
import { validateBeat } from "../../core/registry/validate-beat.ts";
import { validateRegistration } from "../../core/registry/validate-registration.ts";

const COMPONENTS = 10_000;
const BATCH = 50;
const START_MS = 1_790_000_000_000;
const TTL_MS = 30_000;
/** Heartbeats come spread over this time, so that as many are due in each of its milliseconds. */
const ROUND_MS = 10_000;
const TICK_MS = 500;
const CHANCE = "0123456789abcdef";

/** One row of the table of functions. */
export interface FunctionCase {
  readonly name: string;
  readonly operation: (index: number) => unknown;
}

/** Throws when the registry refuses what it is measured with. */
export function registryCases(): FunctionCase[] {
  const full = fill();
  const beats = Array.from({ length: COMPONENTS }, (_, index) => makeBeat(index));
  const batches = Array.from({ length: COMPONENTS / BATCH }, (_, index) =>
    beats.slice(index * BATCH, (index + 1) * BATCH),
  );
  return [
    {
      name: "registry of 10,000: one heartbeat",
      operation: inTime(full, (index) => [beats[index % COMPONENTS] as Beat]),
    },
    {
      name: `registry of 10,000: ${BATCH} heartbeats at once`,
      operation: inTime(full, (index) => batches[index % batches.length] as Beat[]),
    },
    { name: "registry of 10,000: a tick of half a second while all beat", operation: ticks(full, beats) },
    { name: "registry of 10,000: a list of 100 by id", operation: () => listComponents(full, { pageSize: 100 }) },
    {
      name: "registry of 10,000: discovery by event type",
      operation: () => discover(full, { inputEventTypes: ["type-7"] }),
    },
  ];
}

function fill(): Registry {
  let state = createRegistry({ epoch: "bench", self: "bench", nowMs: START_MS });
  for (let index = 0; index < COMPONENTS; index++) {
    const metadata = { input_event_types: `type-${index % 100}`, zone: `zone-${index % 3}` };
    const request = { kind: "processor", id: nameOf(index), endpoint: `${nameOf(index)}.test:9000`, metadata } as const;
    const result = validateRegistration(request, { chance: CHANCE });
    if (!result.ok) throw new Error(`a registration of the benchmark is refused: ${JSON.stringify(result.error)}`);
    state = step(state, { kind: "registered", registration: result.value, nowMs: START_MS });
  }
  return state;
}

/** Each call is a little later than the one before, with a tick whenever one is due, so that the wheel turns as it would. */
function inTime(full: Registry, beatsOf: (index: number) => readonly Beat[]): (index: number) => unknown {
  let state = full;
  let nowMs = START_MS;
  let tickedMs = START_MS;
  let calls = 0;
  return () => {
    const beats = beatsOf(calls++);
    nowMs += (ROUND_MS * beats.length) / COMPONENTS;
    if (nowMs - tickedMs >= TICK_MS) {
      tickedMs = nowMs;
      state = step(state, { kind: "tick", nowMs });
    }
    state = step(state, { kind: "beat", beats, nowMs });
    return state;
  };
}

/** The tick alone is timed: on states of two times to live, each with the heartbeats that came before it. */
function ticks(full: Registry, beats: readonly Beat[]): (index: number) => unknown {
  const states: Registry[] = [];
  let state = full;
  for (let nowMs = START_MS; nowMs < START_MS + 2 * TTL_MS; nowMs += TICK_MS) {
    const from = ((nowMs - START_MS) % ROUND_MS) * (COMPONENTS / ROUND_MS);
    state = step(state, { kind: "beat", beats: beats.slice(from, from + TICK_MS * (COMPONENTS / ROUND_MS)), nowMs });
    states.push(state);
    state = step(state, { kind: "tick", nowMs: nowMs + TICK_MS });
  }
  return (index) => {
    const at = states[index % states.length] as Registry;
    return advance(at, { kind: "tick", nowMs: at.nowMs + TICK_MS });
  };
}

function step(state: Registry, event: RegistryEvent): Registry {
  const { state: next, refusals } = advance(state, event);
  if (refusals.length > 0)
    throw new Error(`the registry refuses what the benchmark does: ${JSON.stringify(refusals[0])}`);
  if (next.counts.lost > 0) throw new Error("a component of the benchmark is lost");
  return next;
}

function makeBeat(index: number): Beat {
  const result = validateBeat({
    kind: "processor",
    id: nameOf(index),
    status: "HEALTHY",
    metrics: { load: index, queue: 3 },
  });
  if (!result.ok) throw new Error("a heartbeat of the benchmark is refused");
  return result.value;
}

function nameOf(index: number): string {
  return `processor-${String(index).padStart(5, "0")}`;
}
