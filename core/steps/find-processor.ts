// Which processor an id means now, by the verdicts of the control plane.
import { componentKey } from "../registry/component.ts";
import type { Verdict } from "../registry/verdicts.ts";

export type FoundProcessor =
  | {
      readonly kind: "found";
      readonly id: string;
      readonly endpoint: string;
      readonly maxConcurrent: number | undefined;
      readonly outputEventTypes: readonly string[];
    }
  | { readonly kind: "absent" }
  /** Registered, and to be left alone: lost, or it says itself that it should get no work. */
  | { readonly kind: "away"; readonly reason: string };

export function findProcessor(verdicts: ReadonlyMap<string, Verdict>, id: string): FoundProcessor {
  const verdict = verdicts.get(componentKey({ kind: "processor", id }));
  if (verdict === undefined) return { kind: "absent" };
  const { endpoint, maxConcurrent, outputEventTypes, isCandidate, liveness, reported } = verdict;
  if (isCandidate) return { kind: "found", id, endpoint, maxConcurrent, outputEventTypes };
  if (liveness === "lost") return { kind: "away", reason: `processor ${id} is lost` };
  // Else it is its endpoint that answers otherwise than its heartbeats.
  const asksForNone = reported === "UNHEALTHY" || reported === "STOPPING";
  return { kind: "away", reason: `processor ${id} is ${asksForNone ? reported : "not serving at its endpoint"}` };
}
