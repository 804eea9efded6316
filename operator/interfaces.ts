// The two interfaces behind which a cluster and a single machine differ: where objects come from, and where routers run.
import type { RouterKey } from "../core/config/entry.ts";
import type { RouterPod } from "../core/config/programmed.ts";
import type { Platform } from "../core/policy/partially-supported.ts";
import type { BeamlineObject, ObjectKind, ObjectMeta } from "../core/policy/spec.ts";
import type { Condition } from "../core/reconcile/conditions.ts";
import type { FileStatus, StatusDocument } from "./status-document.ts";

export interface SourcePosition {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
}

/** Where an object was written, for problems that a person has to find. */
export interface ObjectOrigin {
  readonly file: string;
  /** Position of `path` (such as `spec.providers[1].weight`), or of the nearest part around it that exists. */
  locate(path: string, rule?: string): SourcePosition;
}

/** One desired object, valid by schema, with the identity that the source keeps for it. */
export interface SourceObject {
  readonly kind: ObjectKind;
  readonly meta: ObjectMeta;
  /** As the user wrote it. */
  readonly spec: unknown;
  /** Conditions that the source held when this process began. */
  readonly conditions: readonly Condition[];
  readonly origin?: ObjectOrigin;
}

export interface SourceSnapshot {
  /** Each (kind, namespace, name) once. */
  readonly objects: readonly SourceObject[];
  /** What the source wants kept in the configuration bucket and given back at the next start, by key. */
  readonly records: ReadonlyMap<string, Uint8Array>;
  /** Documents that could not be taken, by file; empty where objects do not come from files. */
  readonly files: readonly FileStatus[];
}

/** Where desired objects come from and where their status goes. */
export interface ObjectSource {
  /**
   * Resolves when `snapshot()` is complete. From then on `onChange` is called after each change of it. `kept` holds the
   * records of the last run.
   */
  start(kept: ReadonlyMap<string, Uint8Array>, onChange: () => void): Promise<void>;
  snapshot(): SourceSnapshot;
  /** The bucket holds these records by now, which another operator may have written: identities follow them. */
  adopt(kept: ReadonlyMap<string, Uint8Array>): void;
  /**
   * What is written at once. `Document`: all of it, so the whole waits while an object of it is about to be in force. `Object`:
   * the source is given every document, and waits for each object by itself.
   */
  readonly statusUnit: "Document" | "Object";
  /** `pending` has the uids of objects that wait for routers to apply them. */
  writeStatus(document: StatusDocument, pending: ReadonlySet<string>): Promise<void>;
  /** Another process of this operator's instance writes the same objects' status now. */
  yieldStatus(): void;
  stop(): Promise<void>;
}

export type RouterObject = Extract<BeamlineObject, { readonly kind: "Router" }>;

/**
 * How the routers of one Router shall run. A changed `environment` (or image, Secret, resources of `object`) replaces them one
 * by one; `replicas` only adds or ends.
 */
export interface RouterDeployment {
  readonly router: RouterKey;
  readonly replicas: number;
  readonly environment: Readonly<Record<string, string>>;
  /** The Router as it was accepted; absent where there is no such object, which only a single machine does without. */
  readonly object?: RouterObject;
  /** Secrets of the Router's namespace from which routers read how to log in to NATS. */
  readonly secrets?: RouterSecrets;
  /** Why a replacement that is under way must not go on, as a sentence; absent when it may. */
  readonly held?: string;
}

export interface RouterSecrets {
  /** Has a credentials file under the key `nats.creds`. */
  readonly credentials?: string;
  /** Has `ca.crt`, and `tls.crt` and `tls.key` where there is a client certificate. */
  readonly tls?: string;
  /** Whether `tls` has a client certificate: a router cannot start with files that are not there. */
  readonly clientCertificate?: boolean;
}

/** A router as it is, on whatever it runs. */
export interface ObservedPod extends RouterPod {
  readonly pid: number | undefined;
  readonly healthUrl: string;
  readonly starts: number;
  /** Whether it runs with the environment that was asked for last. */
  readonly updated: boolean;
  /** Why it is not ready, when that is known. */
  readonly failure: string | undefined;
}

/** What an infrastructure knows of a Router as a whole. */
export interface InfrastructureStatus {
  /** Why it cannot be made as asked for, such as somebody else's object of the same name. */
  readonly problem?: { readonly reason: string; readonly message: string };
  /** Why routers are missing or not ready, as a sentence with the way out. */
  readonly failure?: string;
  /** How many are asked for, where an autoscaler or somebody else says so. */
  readonly replicas?: number;
  /** Label selector of the routers, where they are pods. */
  readonly selector?: string;
}

/** Where routers run. */
export interface Infrastructure {
  /** Processes end with the operator; pods go on. */
  readonly platform: Platform;
  /** Whether `pods()` is what there is: right after a start that may not be known. */
  isObserved(): boolean;
  /** `onChange` is called after each change of `pods()`. */
  start(onChange: () => void): void;
  /** Makes it so, as soon as it can; returns at once. Idempotent. */
  ensureRouters(deployment: RouterDeployment): void;
  pods(): readonly ObservedPod[];
  status(): InfrastructureStatus;
  /**
   * Ends what this process does. Routers that are its children end too: asked, waited for, and at the deadline killed. Pods
   * stay: they must outlive the operator.
   */
  stop(deadlineMs: number): Promise<void>;
}
