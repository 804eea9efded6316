// Registrations: from a client, from the store that replicas share, and their ends.
import { type Component, type ComponentName, componentKey, type Registration, type Reported } from "./component.ts";
import {
  add,
  checkBy,
  type Draft,
  put,
  putAndAnnounce,
  refuse,
  rememberRemoval,
  remove,
  tellSilence,
} from "./draft.ts";
import type { NewRegistration, SharedRegistration } from "./event.ts";
import { hear } from "./heard.ts";
import { forgetAtMs, lateAtMs } from "./liveness.ts";
import { compareRegistrations, saysTheSame } from "./merge.ts";
import { maySpeakFor } from "./owner.ts";
import { findComponent } from "./state.ts";

/**
 * Who registers last has the id, of its owner; a lost one is anybody's. The same instance again is a sign of life, and an update
 * when it says something else.
 */
export function register(draft: Draft, wanted: NewRegistration, speaker: string | undefined): void {
  const { state } = draft;
  const { nowMs, self } = state;
  const standing = findComponent(state, wanted);
  if (standing !== undefined && standing.liveness !== "lost" && !maySpeakFor(standing.registration, speaker)) {
    refuse(draft, wanted, "foreign");
    return;
  }
  const seq = Math.max(
    Math.floor(nowMs),
    (standing?.registration.seq ?? 0) + 1,
    (state.removals.get(componentKey(wanted)) ?? 0) + 1,
  );
  const registration = { ...wanted, registeredAtMs: nowMs, seq };
  if (standing === undefined) insert(draft, { registration, seenAtMs: nowMs }, self);
  else if (isSameProcess(standing.registration, wanted)) registerAgain(draft, standing, registration);
  else takeOver(draft, standing, { registration, seenAtMs: nowMs }, self);
}

function registerAgain(draft: Draft, standing: Component, wanted: Registration): void {
  const { capabilities, registeredAtMs } = standing.registration;
  const registration = {
    ...wanted,
    registeredAtMs,
    // What the component itself answered counts for more than what its metadata says.
    capabilities: capabilities.source === "capabilities" ? capabilities : wanted.capabilities,
  };
  const current = saysTheSame(standing.registration, registration) ? standing : update(draft, standing, registration);
  hear(draft, current, { atMs: draft.state.nowMs, via: draft.state.self });
}

/** What the store that replicas share says, in any order and any number of times. */
export function registrationSeen(draft: Draft, shared: SharedRegistration): void {
  const { state } = draft;
  const { registration } = shared;
  if ((state.removals.get(componentKey(registration)) ?? 0) >= registration.seq) return;
  const standing = findComponent(state, registration);
  if (standing === undefined) {
    const seen = { registration, lastSeenMs: shared.seenAtMs };
    if (state.nowMs < forgetAtMs(seen, state.hearingSinceMs)) insert(draft, shared, UNKNOWN_REPLICA);
    return;
  }
  const order = compareRegistrations(registration, standing.registration);
  if (isSameProcess(standing.registration, registration)) {
    const current = order > 0 ? update(draft, standing, registration) : standing;
    hear(draft, current, { atMs: shared.seenAtMs, via: UNKNOWN_REPLICA });
  } else if (order > 0) takeOver(draft, standing, shared, UNKNOWN_REPLICA);
}

/** Ends the registration. An instance that was taken over cannot end its successor's. */
export function unregister(draft: Draft, name: ComponentName, from: Speaking): void {
  const standing = findOrRefuse(draft, name, from);
  if (standing !== undefined) removalSeen(draft, name, standing.registration.seq);
}

export function removalSeen(draft: Draft, name: ComponentName, seq: number): void {
  rememberRemoval(draft, componentKey(name), seq);
  const standing = findComponent(draft.state, name);
  if (standing !== undefined && standing.registration.seq <= seq) remove(draft, standing, "unregistered");
}

export function capabilitiesRead(
  draft: Draft,
  name: ComponentName,
  read: { readonly instance: string; readonly capabilities: Registration["capabilities"] },
): void {
  const standing = findOrRefuse(draft, name, { instance: read.instance });
  if (standing === undefined) return;
  const seq = Math.max(Math.floor(draft.state.nowMs), standing.registration.seq + 1);
  const registration = { ...standing.registration, capabilities: read.capabilities, seq };
  if (!saysTheSame(registration, standing.registration)) update(draft, standing, registration);
}

/** What speaks for a component: which process, if it says so, and whose. */
interface Speaking {
  readonly instance?: string | undefined;
  readonly speaker?: string | undefined;
}

/** The component, unless it is not there, another instance has its id, or somebody else registered it. */
export function findOrRefuse(
  draft: Draft,
  name: ComponentName,
  { instance, speaker }: Speaking,
): Component | undefined {
  const standing = findComponent(draft.state, name);
  if (standing === undefined) refuse(draft, name, "unknown");
  else if (instance !== undefined && instance !== standing.registration.instance) refuse(draft, name, "fenced");
  else if (!maySpeakFor(standing.registration, speaker)) refuse(draft, name, "foreign");
  else return standing;
  return undefined;
}

/** The name of a process is its client's to choose: two owners do not have the same one. */
function isSameProcess(standing: NewRegistration, wanted: NewRegistration): boolean {
  return standing.instance === wanted.instance && maySpeakFor(standing, wanted.owner);
}

/** Who had the sign of life is not known, for what is read from the store. */
const UNKNOWN_REPLICA = "";

function insert(draft: Draft, { registration, seenAtMs }: SharedRegistration, via: string): void {
  const { slots, settings } = draft.state;
  if (slots.size >= settings.maxComponents) {
    refuse(draft, registration, "full");
    return;
  }
  const { nowMs } = draft.state;
  const lastSeenMs = Math.min(seenAtMs, nowMs);
  const liveness = nowMs < lateAtMs({ registration, lastSeenMs }) ? "live" : "late";
  const component = add(draft, { registration, reported: NOT_YET_REPORTED, lastSeenMs, via, liveness });
  const checkBucket = checkBy(draft, component.slot, component.checkBucket, lateAtMs(component));
  put(draft, component, { ...component, checkBucket });
}

function update(draft: Draft, standing: Component, registration: Registration): Component {
  const checkBucket = checkBy(draft, standing.slot, standing.checkBucket, lateAtMs({ ...standing, registration }));
  // What another endpoint answered says nothing of this one.
  const isSameEndpoint = standing.registration.endpoint === registration.endpoint;
  const endpointHealth = isSameEndpoint ? standing.endpointHealth : "unknown";
  const after = { ...standing, registration, endpointHealth, checkBucket };
  return putAndAnnounce(draft, standing, after, { kind: "updated" });
}

function takeOver(
  draft: Draft,
  standing: Component,
  { registration, seenAtMs }: SharedRegistration,
  via: string,
): void {
  const { nowMs } = draft.state;
  const lastSeenMs = Math.min(seenAtMs, nowMs);
  const fresh: Component = {
    ...standing,
    registration,
    reported: NOT_YET_REPORTED,
    endpointHealth: "unknown",
    lastSeenMs,
    via,
    silence: [],
    configurationRevision: 0,
    // Heard of within its time to live, whatever was kept of the one before.
    held: false,
  };
  tellSilence(draft, componentKey(registration), false);
  const checkBucket = checkBy(draft, fresh.slot, fresh.checkBucket, lateAtMs(fresh));
  const fencedInstance = standing.registration.instance;
  const after = putAndAnnounce(draft, standing, { ...fresh, checkBucket }, { kind: "takenOver", fencedInstance });
  const liveness = nowMs < lateAtMs(fresh) ? "live" : "late";
  if (liveness === standing.liveness) return;
  const changed: Component = { ...after, liveness, livenessSinceMs: nowMs };
  putAndAnnounce(draft, after, changed, { kind: "livenessChanged", previous: standing.liveness });
}

/** Older than anything that the component can report. */
const NOT_YET_REPORTED: Reported = { status: "STARTING", text: "STARTING", metrics: new Map(), atMs: 0 };
