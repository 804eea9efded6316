// What this replica tells the others.
import { type Component, componentKey } from "./component.ts";
import type { PeerBeat, PeerReport, PeerSilence } from "./event.ts";
import type { Registry } from "./state.ts";

/**
 * @param heardKeys keys (`componentKey`) of components that this replica heard of itself since its report before last: each beat is
 *   told more than once, so that a lost report costs nobody a life
 */
export function buildPeerReport(registry: Registry, heardKeys: Iterable<string>, nowMs: number): PeerReport {
  const beats: PeerBeat[] = [];
  for (const key of heardKeys) {
    const component = componentOf(registry, key);
    if (component !== undefined) beats.push(toPeerBeat(component));
  }
  const silent = [...registry.silent.keys()].flatMap((key) => {
    const component = componentOf(registry, key);
    return component === undefined ? [] : [toSilence(component, registry.hearingSinceMs)];
  });
  return { replica: registry.self, sentAtMs: nowMs, beats, silent };
}

/** Keys of everything that is not lost: for a report that leaves nothing out. */
export function aliveKeys(registry: Registry): readonly string[] {
  return [...registry.components.values()]
    .filter(({ liveness }) => liveness !== "lost")
    .map(({ registration }) => componentKey(registration));
}

function componentOf(registry: Registry, key: string): Component | undefined {
  const slot = registry.slots.get(key);
  return slot === undefined ? undefined : registry.components.get(slot);
}

function toPeerBeat({ registration, lastSeenMs, reported, configurationRevision }: Component): PeerBeat {
  const { kind, id, instance } = registration;
  return { kind, id, instance, lastSeenMs, report: reported, configurationRevision };
}

function toSilence({ registration, lastSeenMs, held }: Component, hearingSinceMs: number): PeerSilence {
  const { kind, id, instance } = registration;
  return { kind, id, instance, sinceMs: Math.max(lastSeenMs, hearingSinceMs), held };
}
