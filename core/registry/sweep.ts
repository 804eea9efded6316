// Time passes: looks at those components whose moment has come, and at no others.
import { type Component, componentKey } from "./component.ts";
import { takeDue } from "./deadlines.ts";
import { checkBy, type Draft, ownChecks, put, putAndAnnounce, remove, tellSilence } from "./draft.ts";
import { settleExpired, TELL_LOSS_MS } from "./guard.ts";
import { expiresAtMs, forgetAtMs, lateAtMs } from "./liveness.ts";
import { noteHearing } from "./peers.ts";

/** When to look again at somebody whose silence this replica cannot judge. */
const DEAF_RECHECK_MS = 1_000;

export function tick(draft: Draft): void {
  const { state } = draft;
  state.lastTickMs = state.nowMs;
  noteHearing(draft);
  const { due, sweptBucket } = takeDue(ownChecks(draft), state.sweptBucket, state.nowMs);
  state.sweptBucket = sweptBucket;
  for (const { slot, bucket } of due) {
    const component = state.components.get(slot);
    // A check that another one replaced, or of a component that is gone.
    if (component?.checkBucket === bucket) look(draft, component);
  }
}

function look(draft: Draft, component: Component): void {
  if (component.liveness === "lost") lookAtLost(draft, component);
  else if (draft.state.nowMs < lateAtMs(component)) lookAgain(draft, component, lateAtMs(component));
  else lookAtSilent(draft, component.liveness === "late" ? component : becomeLate(draft, component));
}

function lookAtSilent(draft: Draft, component: Component): void {
  const { nowMs, hearingSinceMs } = draft.state;
  const expiryMs = expiresAtMs(component, hearingSinceMs);
  if (nowMs >= expiryMs) settleExpired(draft, component);
  else if (component.held) release(draft, component);
  const settled = draft.state.components.get(component.slot);
  // Neither lost nor kept: too early, or this replica is deaf.
  if (settled?.checkBucket === component.checkBucket)
    lookAgain(draft, settled, Math.max(expiryMs, nowMs + DEAF_RECHECK_MS));
}

/** Its time is not over after all: this replica could not hear for a while, or the component has a longer time to live now. */
function release(draft: Draft, component: Component): void {
  tellSilence(draft, componentKey(component.registration), false);
  put(draft, component, { ...component, held: false });
}

function becomeLate(draft: Draft, component: Component): Component {
  const after: Component = { ...component, liveness: "late", livenessSinceMs: draft.state.nowMs };
  return putAndAnnounce(draft, component, after, { kind: "livenessChanged", previous: component.liveness });
}

function lookAtLost(draft: Draft, component: Component): void {
  const { nowMs, hearingSinceMs, deafSinceMs } = draft.state;
  const tellUntilMs = component.livenessSinceMs + TELL_LOSS_MS;
  if (nowMs < tellUntilMs) {
    lookAgain(draft, component, tellUntilMs);
    return;
  }
  tellSilence(draft, componentKey(component.registration), false);
  const forgetMs = forgetAtMs(component, hearingSinceMs);
  if (nowMs >= forgetMs && deafSinceMs === undefined) remove(draft, component, "forgotten");
  else lookAgain(draft, component, Math.max(forgetMs, nowMs + DEAF_RECHECK_MS));
}

function lookAgain(draft: Draft, component: Component, atMs: number): void {
  const checkBucket = checkBy(draft, component.slot, component.checkBucket, atMs);
  put(draft, component, { ...component, checkBucket });
}
