// Heartbeats that components sent to this replica, one or many at a time.
import type { Draft } from "./draft.ts";
import type { Beat } from "./event.ts";
import { hear } from "./heard.ts";
import { findOrRefuse } from "./register.ts";

export function hearBeats(draft: Draft, beats: readonly Beat[], nowMs: number): void {
  const { state } = draft;
  for (const beat of beats) {
    const component = findOrRefuse(draft, beat, beat.instance);
    if (component === undefined) continue;
    const { configurationRevision, report } = beat;
    const reported = { status: report.status, text: report.text, metrics: report.metrics, atMs: nowMs };
    hear(draft, component, { atMs: nowMs, via: state.self, reported, configurationRevision });
  }
}
