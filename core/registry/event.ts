// What happens to the registry, and what it says about it.
import type { Component, ComponentName, EndpointHealth, HealthReport, Liveness, Registration } from "./component.ts";

/** A valid registration, before the registry orders it: see validate-registration.ts. */
export type NewRegistration = Omit<Registration, "seq" | "registeredAtMs">;

export interface Beat extends ComponentName {
  /** The process that beats; undefined = the client does not say, and is taken for the one that registered last. */
  readonly instance?: string | undefined;
  /** Who sends it; undefined = one who may speak for any component. */
  readonly speaker?: string | undefined;
  readonly report: HealthReport;
  /** Configuration that the component says it applied. */
  readonly configurationRevision?: number;
}

/** A beat that another replica received. */
export interface PeerBeat extends ComponentName {
  readonly instance: string;
  readonly lastSeenMs: number;
  /** Absent when only the time is known. */
  readonly report?: HealthReport & { readonly atMs: number };
  readonly configurationRevision?: number;
}

/** Another replica was there to hear, and has not heard of this component since then, for all of its time to live. */
export interface PeerSilence extends ComponentName {
  readonly instance: string;
  readonly sinceMs: number;
  /** It keeps the component, and waits for the others to agree. */
  readonly held: boolean;
}

/** What one replica tells the others, about once a second, also when there is nothing to tell. It gets its own back as well. */
export interface PeerReport {
  readonly replica: string;
  readonly sentAtMs: number;
  readonly beats: readonly PeerBeat[];
  readonly silent: readonly PeerSilence[];
}

/** A registration as the replicas share it. */
export interface SharedRegistration {
  readonly registration: Registration;
  /** When the component was heard of, as far as the writer knew. */
  readonly seenAtMs: number;
}

/**
 * `nowMs` is wall time that does not jump while a process runs, the same on all replicas to within a second. It may have
 * fractions: they keep the order of what happens within one millisecond.
 */
export type RegistryEvent = { readonly nowMs: number } /** `speaker`: as of a beat. */ & (
  | { readonly kind: "registered"; readonly registration: NewRegistration; readonly speaker?: string | undefined }
  | { readonly kind: "beat"; readonly beats: readonly Beat[] }
  | {
      readonly kind: "unregistered";
      readonly name: ComponentName;
      readonly instance?: string | undefined;
      readonly speaker?: string | undefined;
    }
  /** A component answered GetCapabilities. */
  | {
      readonly kind: "capabilitiesRead";
      readonly name: ComponentName;
      readonly instance: string;
      readonly capabilities: Registration["capabilities"];
    }
  /** This replica asked a component's endpoint whether it serves. */
  | {
      readonly kind: "endpointProbed";
      readonly name: ComponentName;
      readonly instance: string;
      readonly health: EndpointHealth;
    }
  /** Time passes. Expected at least every second. */
  | { readonly kind: "tick" }
  | { readonly kind: "peerBeats"; readonly report: PeerReport }
  | { readonly kind: "registrationSeen"; readonly shared: SharedRegistration }
  | { readonly kind: "removalSeen"; readonly name: ComponentName; readonly seq: number }
  /** The connection over which replicas hear of each other. */
  | { readonly kind: "storeLost" }
  | { readonly kind: "storeBack" }
  /** This process was stopped, or cut off from clients, for so long. A tick that is late says the same. */
  | { readonly kind: "selfResumed"; readonly gapMs: number }
  /** Whoever runs this process has shown that clients can reach it now: silence until now is the components' own. */
  | { readonly kind: "connectivityProven" }
);

/** How far the guard is from letting go, or why it holds. */
export interface GuardCounts {
  readonly held: number;
  /** Lost without evidence within the window. */
  readonly lostInWindow: number;
  readonly allowed: number;
  /** Components that are not lost. */
  readonly alive: number;
}

export type NoticeBody =
  | { readonly kind: "registered"; readonly component: Component }
  /** The same instance registered something else, or its capabilities were read. */
  | { readonly kind: "updated"; readonly component: Component }
  /** Another instance has the id now. The one before is fenced, and should be told so if it is still there. */
  | { readonly kind: "takenOver"; readonly component: Component; readonly fencedInstance: string }
  | { readonly kind: "statusChanged"; readonly component: Component; readonly previous: string }
  | { readonly kind: "livenessChanged"; readonly component: Component; readonly previous: Liveness }
  | { readonly kind: "endpointHealthChanged"; readonly component: Component; readonly previous: EndpointHealth }
  | { readonly kind: "configurationAcknowledged"; readonly component: Component }
  | { readonly kind: "removed"; readonly component: Component; readonly reason: "unregistered" | "forgotten" }
  | { readonly kind: "guardTripped"; readonly counts: GuardCounts }
  | { readonly kind: "guardReleased"; readonly counts: GuardCounts }
  /** This replica does not hear what the others hear; nobody is called lost until it does. */
  | { readonly kind: "deaf"; readonly reason: "storeLost" | "noOwnReports" }
  /** Everybody gets a whole time to live from here. */
  | { readonly kind: "hearing"; readonly gapMs: number };

export type Notice = NoticeBody & {
  /** Position within the registry's epoch, from 1, without gaps. */
  readonly sequence: number;
  readonly atMs: number;
};

/**
 * What was not done. `unknown` and `fenced` are answered NOT_FOUND, so that the client registers again. `foreign`: somebody else
 * registered the component.
 */
export interface Refusal {
  readonly name: ComponentName;
  readonly reason: "unknown" | "fenced" | "foreign" | "full";
}
