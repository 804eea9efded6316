// What the other replicas heard and did not hear, and whether this one can hear them.
import type { Component } from "./component.ts";
import { announce, type Draft, put } from "./draft.ts";
import type { PeerBeat, PeerReport, PeerSilence } from "./event.ts";
import { settleExpired, tellLoss } from "./guard.ts";
import { hear } from "./heard.ts";
import { BUS_PROOF_MS, MAX_PEERS, TICK_GAP_MS } from "./limits.ts";
import { ttlEndMs } from "./liveness.ts";
import { findOrRefuse } from "./register.ts";
import { findComponent, type Registry } from "./state.ts";

export function peerBeats(draft: Draft, report: PeerReport): void {
  const { state } = draft;
  if (report.replica === state.self) {
    state.busProvenAtMs = Math.max(state.busProvenAtMs, Math.min(report.sentAtMs, state.nowMs));
    return;
  }
  notePeer(draft, report.replica);
  for (const beat of report.beats) {
    // Whoever runs this registry reads the registration from the store when one is refused.
    const component = findOrRefuse(draft, beat, { instance: beat.instance });
    if (component === undefined || isKnown(component, beat, report.replica)) continue;
    const { lastSeenMs, configurationRevision, report: reported } = beat;
    const sign = { atMs: lastSeenMs, via: report.replica, configurationRevision };
    hear(draft, component, reported === undefined ? sign : { ...sign, reported });
  }
  for (const silence of report.silent) takeSilence(draft, report, silence);
}

/** Every beat is told more than once. */
function isKnown(
  { via, lastSeenMs, reported, configurationRevision }: Component,
  beat: PeerBeat,
  replica: string,
): boolean {
  return (
    via === replica &&
    lastSeenMs === beat.lastSeenMs &&
    (beat.report === undefined || (beat.report.atMs === reported.atMs && beat.report.text === reported.text)) &&
    configurationRevision >= (beat.configurationRevision ?? 0)
  );
}

function notePeer({ state }: Draft, replica: string): void {
  const peers = new Map(state.peers);
  peers.delete(replica);
  const [oldest] = peers.keys();
  if (peers.size >= MAX_PEERS && oldest !== undefined) peers.delete(oldest);
  state.peers = peers.set(replica, state.nowMs);
}

function takeSilence(draft: Draft, report: PeerReport, silence: PeerSilence): void {
  const component = findComponent(draft.state, silence);
  if (component === undefined || component.registration.instance !== silence.instance) return;
  // Void until a whole time to live has passed since anybody heard the component, whether the other replica knows of that or not.
  const sinceMs = Math.max(silence.sinceMs, component.lastSeenMs);
  if (sinceMs + component.registration.ttlMs > report.sentAtMs) return;
  if (component.liveness === "lost") {
    if (silence.held) tellLoss(draft, component);
    return;
  }
  if (component.silence.includes(report.replica)) return;
  const claimed: Component = { ...component, silence: [...component.silence, report.replica].slice(-MAX_PEERS) };
  put(draft, component, claimed);
  if (draft.state.nowMs >= ttlEndMs(claimed)) settleExpired(draft, claimed);
}

/** A replica that is not alone hears the others only over the bus: its own reports come back while that works. */
export function deafness(state: Registry): "storeLost" | "noOwnReports" | undefined {
  if (state.settings.replicas <= 1) return undefined;
  if (state.storeLost) return "storeLost";
  return state.nowMs - state.busProvenAtMs > BUS_PROOF_MS ? "noOwnReports" : undefined;
}

/** Begins or ends a time in which silence proves nothing. */
export function noteHearing(draft: Draft): void {
  const { state } = draft;
  const reason = deafness(state);
  if (reason !== undefined && state.deafSinceMs === undefined) {
    state.deafSinceMs = state.nowMs;
    announce(draft, { kind: "deaf", reason });
  } else if (reason === undefined && state.deafSinceMs !== undefined) {
    const gapMs = state.nowMs - state.deafSinceMs;
    state.deafSinceMs = undefined;
    hearAgain(draft, gapMs);
  }
}

/** A process that did not run heard nothing either, and whatever it does first must know. */
export function noteGap(draft: Draft): void {
  const { state } = draft;
  const gapMs = state.nowMs - state.lastTickMs;
  if (gapMs <= TICK_GAP_MS) return;
  state.lastTickMs = state.nowMs;
  hearAgain(draft, gapMs);
}

/** From here everybody gets a whole time to live. */
export function hearAgain(draft: Draft, gapMs: number): void {
  draft.state.hearingSinceMs = draft.state.nowMs;
  announce(draft, { kind: "hearing", gapMs });
}
