// Server-side apply of whole intents under one field manager: creates, corrects drift, adopts by invitation, respects strangers.
import { ok } from "../core/result.ts";
import type { KubernetesClient } from "./client.ts";
import type { ApiFailure, ApiResult } from "./failure.ts";
import {
  describeOwnedFields,
  judgeOwnership,
  listLostFields,
  type Ownership,
  type OwnershipClaim,
  ownedFields,
} from "./field-ownership.ts";
import {
  apiVersionOf,
  describeObject,
  type FieldTree,
  type KubernetesObject,
  type ObjectRef,
  type OwnerReference,
  objectKey,
  objectPath,
  type ResourceType,
} from "./object.ts";
import { type CallOptions, readObject } from "./objects.ts";

export interface ApplyRequest {
  readonly type: ResourceType;
  /** The complete intent: what it leaves out is given up. Without apiVersion, kind and ownerReferences. */
  readonly object: KubernetesObject;
  readonly owner?: OwnerReference;
  /**
   * The object as a mirror has it, with its managedFields. When the mirror has none, leave it out: a mirror may lag behind
   * our own create, so the API server is asked.
   */
  readonly observed?: KubernetesObject;
  /** Whether a write is a `Conflict` when the object was changed after it was observed: for fields that others may take. */
  readonly onlyIfUnchanged?: boolean;
  readonly signal?: AbortSignal;
}

export type ApplyOutcome =
  | { readonly action: "Created" | "Adopted" | "Updated"; readonly object: KubernetesObject }
  /** Fields that somebody had changed or removed are as we want them again. */
  | { readonly action: "Corrected"; readonly object: KubernetesObject; readonly fields: readonly string[] }
  /** Nothing was sent. */
  | { readonly action: "Unchanged"; readonly object: KubernetesObject }
  /** The old object of this name is being deleted; apply again when it is gone. */
  | { readonly action: "Waiting" }
  /** Somebody else's object stands there and was not touched; `message` says whose and the way out. */
  | { readonly action: "Refused"; readonly message: string };

interface Applied {
  readonly uid: string;
  readonly intent: string;
  readonly fields: FieldTree;
  readonly fieldsText: string;
}

/** Objects of which the last apply is remembered, to save writes that would change nothing. The oldest is forgotten. */
export const MAX_REMEMBERED_APPLIES = 10_000;
const MAX_LISTED_FIELDS = 16;
const APPLY_CONTENT_TYPE = "application/apply-patch+yaml";

export interface ApplierOptions {
  readonly client: KubernetesClient;
  /** One for each controller, for ever: fields that an older name owns are never given up. */
  readonly fieldManager: string;
}

export class Applier {
  private readonly options: ApplierOptions;
  private readonly applied = new Map<string, Applied>();

  constructor(options: ApplierOptions) {
    this.options = options;
  }

  get fieldManager(): string {
    return this.options.fieldManager;
  }

  /** Idempotent, and safe beside another process that does the same. `Conflict`: the object changed hands meanwhile; again. */
  async apply(request: ApplyRequest): Promise<ApiResult<ApplyOutcome>> {
    const live = await this.findLive(request);
    if (!live.ok) return live;
    const claim = this.claimOf(request);
    const ownership = judgeOwnership(live.value, claim);
    if (ownership === "Deleting") return ok({ action: "Waiting" });
    if (ownership === "Foreign") return ok({ action: "Refused", message: describeForeign(request, live.value) });
    const body = intentOf(request);
    const intent = JSON.stringify(body);
    const known = this.remembered(request, live.value);
    if (ownership === "Ours" && live.value !== undefined && known?.intent === intent) {
      const fieldsText = describeOwnedFields(live.value, this.options.fieldManager);
      if (fieldsText === known.fieldsText) return ok({ action: "Unchanged", object: live.value });
    }
    return this.send(request, ownership, body, live.value, known);
  }

  /** Forgets an object that was deleted on purpose. */
  forget(type: ResourceType, ref: ObjectRef): void {
    this.applied.delete(keyOf(type, ref));
  }

  private async findLive(request: ApplyRequest): Promise<ApiResult<KubernetesObject | undefined>> {
    if (request.observed !== undefined) return ok(request.observed);
    const { type, object } = request;
    const read = await readObject(this.options.client, type, object.metadata, signalOf(request));
    if (!read.ok && read.error.kind === "NotFound") return ok(undefined);
    return read;
  }

  private claimOf(request: ApplyRequest): OwnershipClaim {
    const { fieldManager } = this.options;
    return request.owner === undefined ? { fieldManager } : { fieldManager, owner: request.owner };
  }

  /** Never forces where nothing was seen: if somebody was faster, the API server says so. */
  private async send(
    request: ApplyRequest,
    ownership: Ownership,
    body: KubernetesObject,
    live: KubernetesObject | undefined,
    known: Applied | undefined,
  ): Promise<ApiResult<ApplyOutcome>> {
    const { type } = request;
    const uid = live?.metadata.uid;
    const version = request.onlyIfUnchanged === true ? live?.metadata.resourceVersion : undefined;
    const metadata = {
      ...body.metadata,
      ...(uid === undefined ? {} : { uid }),
      ...(version === undefined ? {} : { resourceVersion: version }),
    };
    const sent = await applyObject(
      this.options.client,
      type,
      { ...body, metadata },
      {
        fieldManager: this.options.fieldManager,
        force: ownership !== "Absent",
        ...signalOf(request),
      },
    );
    if (!sent.ok) return isRefusal(ownership, sent.error) ? ok(refusedBy(request, sent.error)) : sent;
    this.remember(request, JSON.stringify(body), sent.value);
    return ok(this.outcomeOf(ownership, live, sent.value, known));
  }

  private outcomeOf(
    ownership: Ownership,
    live: KubernetesObject | undefined,
    object: KubernetesObject,
    known: Applied | undefined,
  ): ApplyOutcome {
    if (ownership === "Absent") return { action: "Created", object };
    if (ownership === "Adoptable") return { action: "Adopted", object };
    if (live?.metadata.resourceVersion === object.metadata.resourceVersion) return { action: "Unchanged", object };
    const before = live === undefined ? {} : ownedFields(live, this.options.fieldManager);
    const fields = known === undefined ? [] : listLostFields(known.fields, before, MAX_LISTED_FIELDS);
    return fields.length === 0 ? { action: "Updated", object } : { action: "Corrected", object, fields };
  }

  private remembered({ type, object }: ApplyRequest, live: KubernetesObject | undefined): Applied | undefined {
    const known = this.applied.get(keyOf(type, object.metadata));
    return known !== undefined && known.uid === live?.metadata.uid ? known : undefined;
  }

  private remember({ type, object }: ApplyRequest, intent: string, stored: KubernetesObject): void {
    const { fieldManager } = this.options;
    const key = keyOf(type, object.metadata);
    const fields = ownedFields(stored, fieldManager);
    const fieldsText = describeOwnedFields(stored, fieldManager) ?? "";
    this.applied.delete(key);
    this.applied.set(key, { uid: stored.metadata.uid ?? "", intent, fields, fieldsText });
    const oldest = this.applied.size > MAX_REMEMBERED_APPLIES ? this.applied.keys().next().value : undefined;
    if (oldest !== undefined) this.applied.delete(oldest);
  }
}

/** One apply as it is; `object` needs apiVersion and kind. With `metadata.uid` it touches only that very object. */
export function applyObject(
  client: KubernetesClient,
  type: ResourceType,
  object: KubernetesObject,
  options: CallOptions & {
    readonly fieldManager: string;
    readonly force: boolean;
    readonly subresource?: string;
    /** Answers what would be stored, and stores nothing. */
    readonly dryRun?: boolean;
  },
): Promise<ApiResult<KubernetesObject>> {
  const { fieldManager, force, subresource, dryRun = false, ...call } = options;
  return client.request<KubernetesObject>({
    ...call,
    method: "PATCH",
    path: objectPath(type, object.metadata, subresource),
    query: { fieldManager, force, fieldValidation: "Strict", dryRun: dryRun ? "All" : undefined },
    body: object,
    contentType: APPLY_CONTENT_TYPE,
  });
}

function intentOf({ type, object, owner }: ApplyRequest): KubernetesObject {
  const metadata = owner === undefined ? object.metadata : { ...object.metadata, ownerReferences: [owner] };
  return { ...object, apiVersion: apiVersionOf(type), kind: type.kind, metadata };
}

function keyOf(type: ResourceType, ref: ObjectRef): string {
  return `${type.plural}.${type.group}/${objectKey(ref)}`;
}

function signalOf({ signal }: ApplyRequest): CallOptions {
  return signal === undefined ? {} : { signal };
}

/** Where we saw nothing, a conflict over fields means that somebody created the object in between. */
function isRefusal(ownership: Ownership, failure: ApiFailure): boolean {
  return ownership === "Absent" && failure.kind === "Conflict" && failure.conflicts !== undefined;
}

function refusedBy({ type, object }: ApplyRequest, failure: ApiFailure): ApplyOutcome {
  const fields = failure.conflicts?.join(", ") ?? "";
  const message = `${describeObject(type, object.metadata)} was made by somebody else meanwhile (${fields})`;
  return { action: "Refused", message };
}

function describeForeign({ type, object }: ApplyRequest, live: KubernetesObject | undefined): string {
  const controller = live?.metadata.ownerReferences?.find((reference) => reference.controller === true);
  const managers = live?.metadata.managedFields?.map(({ manager }) => manager ?? "unknown") ?? [];
  const named = `${describeObject(type, object.metadata)} exists and is not ours`;
  if (controller !== undefined)
    return `${named}: ${controller.kind} ${controller.name} controls it. Rename one of them.`;
  const by =
    managers.length === 0 ? "" : ` (managed by ${[...new Set(managers)].slice(0, MAX_LISTED_FIELDS).join(", ")})`;
  return `${named}${by}. Delete it, or annotate it with beamline.dev/adopt=true.`;
}
