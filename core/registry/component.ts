// What the registry knows of one component: what it registered, what it reports, and what is observed of it.
import type { HealthStatus } from "./health-status.ts";

export type ComponentKind = "processor" | "source" | "consumer";
export const COMPONENT_KINDS: readonly ComponentKind[] = ["processor", "source", "consumer"];

/**
 * Observed by the registry, never reported: `live` = heard of within half of its time to live, `late` = not, `lost` = not for
 * all of it. A component that is kept although its time is over (see guard.ts) stays `late`.
 */
export type Liveness = "live" | "late" | "lost";

/** Which component: an id belongs to one kind, so that a source and a processor may have the same one. */
export interface ComponentName {
  readonly kind: ComponentKind;
  readonly id: string;
}

/** What a component takes and gives. */
export interface Capabilities {
  readonly inputEventTypes: readonly string[];
  readonly outputEventTypes: readonly string[];
  /** Messages that may be in flight to it; undefined = it did not say. */
  readonly maxConcurrent?: number;
  /** Where this is from: metadata at registration, or the component's own answer to GetCapabilities. */
  readonly source: "metadata" | "capabilities";
}

/** One registration. Immutable; a later one of the same component has a greater `seq`. */
export interface Registration extends ComponentName {
  /** Which process: another instance with the same id takes over, and beats of this one are refused from then on. */
  readonly instance: string;
  /** host:port, or a URL; empty when the component accepts no connections. */
  readonly endpoint: string;
  /** Sorted by key. */
  readonly metadata: ReadonlyMap<string, string>;
  readonly ttlMs: number;
  readonly capabilities: Capabilities;
  /** Who registered it, `<how it proved itself>:<name>`; undefined where callers are not told apart. Never what a client says. */
  readonly owner?: string;
  /** When this instance first registered. */
  readonly registeredAtMs: number;
  /** Orders the registrations of a component: milliseconds when it was made, and always more than the one before. */
  readonly seq: number;
}

/** What a component says of itself with a heartbeat. Each replaces the one before: a metric that it stops reporting goes. */
export interface HealthReport {
  readonly status: HealthStatus;
  /** As it was written. */
  readonly text: string;
  readonly metrics: ReadonlyMap<string, number>;
}

export interface Reported extends HealthReport {
  /** 0 = it has not reported yet. */
  readonly atMs: number;
}

/** What its endpoint answered when it was asked by gRPC whether it serves; `unknown` when it was not, or gave no answer. */
export type EndpointHealth = "unknown" | "serving" | "notServing";

export interface Component {
  readonly registration: Registration;
  readonly reported: Reported;
  /** Observed by this replica itself. */
  readonly endpointHealth: EndpointHealth;
  /** When any replica last heard of this instance. */
  readonly lastSeenMs: number;
  /** The replica that heard of it then. */
  readonly via: string;
  readonly liveness: Liveness;
  readonly livenessSinceMs: number;
  /** Its time is over, and the guard keeps it `late`. */
  readonly held: boolean;
  /** Replicas that have heard nothing since `lastSeenMs` for all of its time to live. */
  readonly silence: readonly string[];
  /** Configuration it acknowledged; 0 = none. */
  readonly configurationRevision: number;
  /** Sequence of the last notice about it. */
  readonly revision: number;
  /** Its place in the state; nobody else's business. */
  readonly slot: number;
  /** The bucket of deadlines that it is checked in; nobody else's business. */
  readonly checkBucket: number;
}

/** Map key of a component. Ids hold no slash. */
export function componentKey({ kind, id }: ComponentName): string {
  return `${kind}/${id}`;
}

/** The name that such a key was made of. */
export function parseComponentKey(key: string): ComponentName {
  const slash = key.indexOf("/");
  return { kind: key.slice(0, slash) as ComponentKind, id: key.slice(slash + 1) };
}

type Judged = Pick<Component, "liveness" | "reported" | "endpointHealth">;

/** May get work: not lost, and neither its heartbeats nor its endpoint say that it should not. */
export function isCandidate({ liveness, reported, endpointHealth }: Judged): boolean {
  if (liveness === "lost" || endpointHealth === "notServing") return false;
  return reported.status !== "UNHEALTHY" && reported.status !== "STOPPING";
}
