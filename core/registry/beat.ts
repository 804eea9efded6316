// Heartbeats that components sent to this replica, one or many at a time.
import type { Reported } from "./component.ts";
import type { Draft } from "./draft.ts";
import type { Beat } from "./event.ts";
import { hear } from "./heard.ts";
import { findOrRefuse } from "./register.ts";

/** Well above the precision of a time in milliseconds as a double. */
const SAME_MOMENT_STEP_MS = 0.001;

export function hearBeats(draft: Draft, beats: readonly Beat[], nowMs: number): void {
  const { state } = draft;
  for (const beat of beats) {
    const component = findOrRefuse(draft, beat, beat);
    if (component === undefined) continue;
    const { configurationRevision, report } = beat;
    const { status, text, metrics } = report;
    const reported = { status, text, metrics, atMs: momentAfter(component.reported, text, nowMs) };
    hear(draft, component, { atMs: nowMs, via: state.self, reported, configurationRevision });
  }
}

/** What is said last counts, within one millisecond as well. */
function momentAfter(standing: Reported, text: string, nowMs: number): number {
  const isSameMoment = standing.atMs >= nowMs && standing.atMs < nowMs + 1;
  return isSameMoment && standing.text !== text ? standing.atMs + SAME_MOMENT_STEP_MS : nowMs;
}
