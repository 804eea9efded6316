// How fit for work a processor is, as one rank: what its provider counts, and which of its processors it names first.
import type { Liveness } from "./component.ts";
import type { HealthStatus } from "./health-status.ts";

export interface ProcessorState {
  readonly liveness: Liveness;
  readonly reported: HealthStatus;
}

/** Every state there is, the best first: those that get work, those that ask for none, those that nobody hears of. */
export const PROCESSOR_STATES: readonly ProcessorState[] = [
  ...states("live", ["HEALTHY", "UNKNOWN", "STARTING"]),
  ...states("late", ["HEALTHY", "UNKNOWN", "STARTING"]),
  ...states("live", ["STOPPING", "UNHEALTHY"]),
  ...states("late", ["STOPPING", "UNHEALTHY"]),
  ...states("lost", ["HEALTHY", "UNKNOWN", "STARTING", "STOPPING", "UNHEALTHY"]),
];

/** Of the processors of one provider, those that a status or an explanation names; the others are counted. */
export const MAX_NAMED_PROCESSORS = 10;

const RANKS: ReadonlyMap<string, number> = new Map(
  PROCESSOR_STATES.map(({ liveness, reported }, rank) => [`${liveness}/${reported}`, rank]),
);

function states(liveness: Liveness, reported: readonly HealthStatus[]): readonly ProcessorState[] {
  return reported.map((status) => ({ liveness, reported: status }));
}

/** Position in `PROCESSOR_STATES`. */
export function rankOf({ liveness, reported }: ProcessorState): number {
  return RANKS.get(`${liveness}/${reported}`) ?? PROCESSOR_STATES.length - 1;
}

/** Ids, the fittest first and by name among equals; at most `MAX_NAMED_PROCESSORS`. */
export function nameProcessors(processors: ReadonlyMap<string, ProcessorState>): readonly string[] {
  const named: { readonly id: string; readonly rank: number }[] = [];
  for (const [id, state] of processors) {
    const rank = rankOf(state);
    const after = named.findIndex((one) => rank < one.rank || (rank === one.rank && id < one.id));
    if (after === -1 && named.length >= MAX_NAMED_PROCESSORS) continue;
    named.splice(after === -1 ? named.length : after, 0, { id, rank });
    if (named.length > MAX_NAMED_PROCESSORS) named.pop();
  }
  return named.map(({ id }) => id);
}
