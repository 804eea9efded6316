// The expiry guard: when many fall silent at once, the fault is rather the network's or our own. Never more than a share of the
// components is lost within one time to live, unless others say that they hear nothing either.
import { type Component, componentKey } from "./component.ts";
import { announce, checkBy, type Draft, put, putAndAnnounce, tellSilence } from "./draft.ts";
import type { GuardCounts } from "./event.ts";
import { GUARD_MIN_LOSSES, GUARD_SHARE, PEER_SILENCE_MS } from "./limits.ts";
import { expiresAtMs } from "./liveness.ts";
import type { Registry } from "./state.ts";

const SECOND_MS = 1_000;
/** When to look again at somebody who is kept. */
const HELD_RECHECK_MS = 1_000;
/** For so long the others are told of a loss, so that one lost message does not matter. */
export const TELL_LOSS_MS = 15_000;

/** The component's time is over on the clock: loses it, or keeps it for as long as that is not believed. */
export function settleExpired(draft: Draft, component: Component): void {
  const { state } = draft;
  const heardNothing = state.deafSinceMs === undefined && state.nowMs >= expiresAtMs(component, state.hearingSinceMs);
  if (hasEvidence(state, component, heardNothing)) lose(draft, component, true);
  else if (heardNothing && guardCounts(state).allowed > 0) lose(draft, component, false);
  else if (heardNothing) hold(draft, component);
}

/**
 * Most of the replicas heard nothing, and the one that heard the component last cannot be hearing it still. Or clients could reach
 * this process after the component's time was over.
 */
function hasEvidence(state: Registry, component: Component, heardNothing: boolean): boolean {
  if (heardNothing && state.connectivityProvenAtMs >= expiresAtMs(component, state.hearingSinceMs)) return true;
  if (state.settings.replicas <= 1) return false;
  return component.silence.length + (heardNothing ? 1 : 0) >= quorum(state) && !mayHearAlone(state, component);
}

/**
 * The replica that heard the component last has fallen silent itself: cut off from us, it may hear its clients as before. When it has
 * been away for a time to live more, they had the time to find another one.
 */
function mayHearAlone({ self, nowMs, peers }: Registry, { via, registration }: Component): boolean {
  if (via === "" || via === self) return false;
  const awayMs = nowMs - (peers.get(via) ?? Number.NEGATIVE_INFINITY);
  return awayMs >= PEER_SILENCE_MS && awayMs < PEER_SILENCE_MS + registration.ttlMs;
}

function quorum({ nowMs, settings, peers }: Registry): number {
  let present = 1;
  for (const heardAtMs of peers.values()) if (nowMs - heardAtMs < PEER_SILENCE_MS) present += 1;
  return Math.max(2, Math.floor(Math.max(settings.replicas, present) / 2) + 1);
}

export function guardCounts(state: Registry): GuardCounts {
  const { losses, nowMs, settings, counts } = state;
  // The bucket in which the window begins counts whole, so that no window of that length can hold more.
  const first = Math.floor((nowMs - settings.ttlMs) / SECOND_MS);
  let lostInWindow = 0;
  for (const { second, count } of losses) if (second >= first) lostInWindow += count;
  const alive = counts.live + counts.late;
  const bound = Math.max(GUARD_MIN_LOSSES, Math.floor((alive + lostInWindow) * GUARD_SHARE));
  return { held: counts.held, lostInWindow, allowed: Math.max(0, bound - lostInWindow), alive };
}

function lose(draft: Draft, component: Component, isEvident: boolean): void {
  const { state } = draft;
  if (!isEvident) countLoss(draft);
  const after: Component = { ...component, liveness: "lost", held: false, livenessSinceMs: state.nowMs };
  tellLoss(draft, putAndAnnounce(draft, component, after, { kind: "livenessChanged", previous: component.liveness }));
}

/** Tells the others for a while that this component is lost: one of them may have been away when they were told. */
export function tellLoss(draft: Draft, component: Component): void {
  tellSilence(draft, componentKey(component.registration), true);
  const checkBucket = checkBy(draft, component.slot, component.checkBucket, draft.state.nowMs + TELL_LOSS_MS);
  put(draft, component, { ...component, checkBucket });
}

function countLoss({ state }: Draft): void {
  const second = Math.floor(state.nowMs / SECOND_MS);
  const first = Math.floor((state.nowMs - state.settings.ttlMs) / SECOND_MS);
  const losses = state.losses.filter((bucket) => bucket.second >= first);
  const last = losses.at(-1);
  if (last?.second === second) losses[losses.length - 1] = { second, count: last.count + 1 };
  else losses.push({ second, count: 1 });
  state.losses = losses;
}

function hold(draft: Draft, component: Component): void {
  tellSilence(draft, componentKey(component.registration), true);
  const { slot, checkBucket } = component;
  const after = {
    ...component,
    held: true,
    checkBucket: checkBy(draft, slot, checkBucket, draft.state.nowMs + HELD_RECHECK_MS),
  };
  put(draft, component, after);
}

/** Says so when the guard begins or ends to keep components. */
export function noteGuard(draft: Draft): void {
  const { state } = draft;
  const isTripped = state.counts.held > 0;
  if (isTripped === state.guardTripped) return;
  state.guardTripped = isTripped;
  announce(draft, { kind: isTripped ? "guardTripped" : "guardReleased", counts: guardCounts(state) });
}
