// The registry, in one function: what happens makes a new state, and notices of what changed.

import { assertNever } from "../result.ts";
import { hearBeats } from "./beat.ts";
import { beginStep, type Draft, endStep, type Step } from "./draft.ts";
import { endpointProbed } from "./endpoint-health.ts";
import type { RegistryEvent } from "./event.ts";
import { noteGuard } from "./guard.ts";
import { hearAgain, noteGap, noteHearing, peerBeats } from "./peers.ts";
import { capabilitiesRead, register, registrationSeen, removalSeen, unregister } from "./register.ts";
import type { Registry } from "./state.ts";
import { tick } from "./sweep.ts";

export function advance(state: Registry, event: RegistryEvent): Step {
  const draft = beginStep(state, event.nowMs);
  noteGap(draft);
  apply(draft, event);
  noteGuard(draft);
  return endStep(draft);
}

function apply(draft: Draft, event: RegistryEvent): void {
  const { state } = draft;
  switch (event.kind) {
    case "registered":
      register(draft, event.registration, event.speaker);
      break;
    case "beat":
      hearBeats(draft, event.beats, event.nowMs);
      break;
    case "unregistered":
      unregister(draft, event.name, event);
      break;
    case "capabilitiesRead":
      capabilitiesRead(draft, event.name, event);
      break;
    case "endpointProbed":
      endpointProbed(draft, event.name, event);
      break;
    case "tick":
      tick(draft);
      break;
    case "peerBeats":
      peerBeats(draft, event.report);
      break;
    case "registrationSeen":
      registrationSeen(draft, event.shared);
      break;
    case "removalSeen":
      removalSeen(draft, event.name, event.seq);
      break;
    case "storeLost":
      state.storeLost = true;
      noteHearing(draft);
      break;
    case "storeBack":
      state.storeLost = false;
      noteHearing(draft);
      break;
    case "selfResumed":
      hearAgain(draft, event.gapMs);
      break;
    case "connectivityProven":
      state.connectivityProvenAtMs = Math.max(state.connectivityProvenAtMs, event.nowMs);
      break;
    default:
      assertNever(event);
  }
}
