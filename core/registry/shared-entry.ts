// What one replica has to write to the store that all share: what it knows, where the store knows less.
import { type ComponentName, componentKey } from "./component.ts";
import type { RegistrationEntry } from "./entries.ts";
import { compareRegistrations } from "./merge.ts";
import { findComponent, type Registry } from "./state.ts";

/** The entry to write over `standing` (undefined = nothing stands there); undefined when the store knows as much. */
export function betterEntry(
  registry: Registry,
  name: ComponentName,
  standing: RegistrationEntry | undefined,
): RegistrationEntry | undefined {
  const known = knownEntry(registry, name);
  if (known === undefined) return undefined;
  if (standing !== undefined) return isNewerEntry(known, standing) ? known : undefined;
  // Somebody took it out because it was forgotten: a lost one is not put back, and neither is the word that it is gone.
  const isAlive = known.kind === "registration" && findComponent(registry, name)?.liveness !== "lost";
  return isAlive ? known : undefined;
}

function knownEntry(registry: Registry, name: ComponentName): RegistrationEntry | undefined {
  const component = findComponent(registry, name);
  if (component !== undefined) {
    const { registration, lastSeenMs } = component;
    return { kind: "registration", shared: { registration, seenAtMs: lastSeenMs } };
  }
  const seq = registry.removals.get(componentKey(name));
  const { kind, id } = name;
  return seq === undefined ? undefined : { kind: "removal", name: { kind, id }, seq };
}

export function nameOfEntry(entry: RegistrationEntry): ComponentName {
  return entry.kind === "removal" ? entry.name : entry.shared.registration;
}

/** As the registry itself orders them: what is removed at a `seq` was registered up to it. */
export function isNewerEntry(entry: RegistrationEntry, standing: RegistrationEntry): boolean {
  const order = seqOf(entry) - seqOf(standing);
  if (order !== 0) return order > 0;
  if (entry.kind === "removal" || standing.kind === "removal")
    return entry.kind === "removal" && standing.kind !== "removal";
  return compareRegistrations(entry.shared.registration, standing.shared.registration) > 0;
}

function seqOf(entry: RegistrationEntry): number {
  return entry.kind === "removal" ? entry.seq : entry.shared.registration.seq;
}
