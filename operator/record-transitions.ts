// Kubernetes events for what happens to the conditions of our objects.
import type { Condition } from "../core/reconcile/conditions.ts";
import { findTransitions, rememberConditions } from "../core/reconcile/transitions.ts";
import type { EventOccurrence } from "../kubernetes/events.ts";
import { RESOURCE_TYPES } from "./source/kubernetes/resource-types.ts";
import type { ConditionChange } from "./source/kubernetes/status-board.ts";

/** Objects whose last known conditions are kept; of one that was forgotten an event may be told twice. */
export const MAX_REMEMBERED_OBJECTS = 20_000;

export class TransitionRecorder {
  private readonly tell: (occurrence: EventOccurrence) => void;
  /** By uid; the one that changed longest ago comes first. */
  private readonly known = new Map<string, readonly Condition[]>();

  /** `tell` takes an event and returns. */
  constructor(tell: (occurrence: EventOccurrence) => void) {
    this.tell = tell;
  }

  /** Takes the change and returns; a change of nothing records nothing. */
  record({ kind, ref, uid, previous, current }: ConditionChange): void {
    const known = this.known.get(uid) ?? previous;
    this.known.delete(uid);
    this.known.set(uid, rememberConditions(known, current));
    this.forgetOldest();
    const type = RESOURCE_TYPES[kind];
    const { namespace, name } = ref;
    const regarding = { type, ref: type.namespaced ? { namespace, name } : { name }, uid };
    for (const transition of findTransitions(known, current)) this.tell({ regarding, ...transition });
  }

  /** The object is gone. */
  forget(uid: string): void {
    this.known.delete(uid);
  }

  private forgetOldest(): void {
    if (this.known.size <= MAX_REMEMBERED_OBJECTS) return;
    const [oldest] = this.known.keys();
    if (oldest !== undefined) this.known.delete(oldest);
  }
}
