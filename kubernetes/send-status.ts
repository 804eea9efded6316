// One status on its way to exactly the object that it speaks of.
import { err } from "../core/result.ts";
import { applyObject } from "./apply.ts";
import type { KubernetesClient } from "./client.ts";
import type { ApiFailure, ApiResult } from "./failure.ts";
import { apiVersionOf, type KubernetesObject, type ObjectRef, type ResourceType } from "./object.ts";
import { readObject } from "./objects.ts";
import type { Status } from "./status-diff.ts";

export interface StatusWrite {
  readonly type: ResourceType;
  readonly ref: ObjectRef;
  /** The status is of this very object, not of one made later under the same name. */
  readonly uid: string;
  /** All that we say about it; what it leaves out is taken back. Conditions of other types stay with their owners. */
  readonly status: Status;
  /** The object as the mirror has it; shows what is there already, and whether somebody changed it. */
  readonly observed?: { readonly status?: unknown; readonly resourceVersion: string | undefined };
}

export interface SendStatusOptions {
  readonly fieldManager: string;
  /** The newest version of the object that is known; it is read when absent. */
  readonly version: string | undefined;
  readonly signal: AbortSignal;
}

export interface SentStatus {
  readonly result: ApiResult<KubernetesObject>;
  /** Attempts that found a newer version; each cost a read. */
  readonly conflicts: number;
}

/** Conflicts after which no version is asked for: where somebody writes without pause, a status must still get through. */
const MAX_VERSIONED_CONFLICTS = 2;
/** Then it waits like any failure. */
const MAX_CONFLICTS = 4;
const REPLACED = err<ApiFailure>({ kind: "NotFound", message: "another object has the name now" });

/**
 * Applies over exactly the version that is known, which is how a status never lands on an object made anew under the same
 * name: the API server ignores a uid in writes to the status of custom resources (measured on 1.35). When it has another
 * version, that is read, and what was read is checked; in a storm that check must do. `NotFound` when this very object is gone.
 */
export async function sendStatus(
  client: KubernetesClient,
  write: StatusWrite,
  { fieldManager, version, signal }: SendStatusOptions,
): Promise<SentStatus> {
  const { type, ref, uid, status } = write;
  let resourceVersion = version;
  for (let conflicts = 0; ; ) {
    if (resourceVersion === undefined) {
      const live = await readObject(client, type, ref, { signal });
      if (!live.ok) return { result: live, conflicts };
      if (live.value.metadata.uid !== uid) return { result: REPLACED, conflicts };
      resourceVersion = live.value.metadata.resourceVersion ?? "";
    }
    const metadata = conflicts < MAX_VERSIONED_CONFLICTS ? { ...ref, uid, resourceVersion } : { ...ref, uid };
    const object = { apiVersion: apiVersionOf(type), kind: type.kind, metadata, status };
    const result = await applyObject(client, type, object, {
      fieldManager,
      force: true,
      subresource: "status",
      signal,
    });
    if (result.ok || result.error.kind !== "Conflict") return { result, conflicts };
    conflicts++;
    if (conflicts >= MAX_CONFLICTS) return { result, conflicts };
    resourceVersion = undefined;
  }
}
