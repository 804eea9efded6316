// The plain verbs on objects, one function each.
import type { ApiRequest, KubernetesClient } from "./client.ts";
import type { ApiResult } from "./failure.ts";
import { collectionPath, type KubernetesObject, type ObjectRef, objectPath, type ResourceType } from "./object.ts";

/** What a call may say about itself. */
export type CallOptions = Pick<ApiRequest, "signal" | "timeoutMs" | "retries" | "urgent">;

/** Content types of `metav1.PartialObjectMetadata`: an object without spec, data and status. */
export const METADATA_ONLY = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
export const METADATA_ONLY_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

export function readObject<T = KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  ref: ObjectRef,
  options: CallOptions = {},
): Promise<ApiResult<T>> {
  return client.request<T>({ ...options, method: "GET", path: objectPath(type, ref) });
}

export function createObject<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: T,
  options: CallOptions & { readonly fieldManager: string },
): Promise<ApiResult<T>> {
  const { fieldManager, ...call } = options;
  const path = collectionPath(type, object.metadata.namespace);
  return client.request<T>({ ...call, method: "POST", path, query: { fieldManager }, body: object });
}

/** Replaces the whole object; `Conflict` unless it still has the object's resourceVersion. */
export function replaceObject<T extends KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  object: T,
  options: CallOptions & { readonly fieldManager: string },
): Promise<ApiResult<T>> {
  const { fieldManager, ...call } = options;
  const path = objectPath(type, object.metadata);
  return client.request<T>({ ...call, method: "PUT", path, query: { fieldManager }, body: object });
}

/** JSON merge patch (RFC 7386). */
export function mergeObject<T = KubernetesObject>(
  client: KubernetesClient,
  type: ResourceType,
  ref: ObjectRef,
  patch: object,
  options: CallOptions & { readonly fieldManager: string; readonly subresource?: string },
): Promise<ApiResult<T>> {
  const { fieldManager, subresource, ...call } = options;
  return client.request<T>({
    ...call,
    method: "PATCH",
    path: objectPath(type, ref, subresource),
    query: { fieldManager },
    body: patch,
    contentType: "application/merge-patch+json",
  });
}

/** Deletes it and, in the background, what it owns; with `uid` only that very object, else `Conflict`. */
export function deleteObject(
  client: KubernetesClient,
  type: ResourceType,
  ref: ObjectRef,
  options: CallOptions & { readonly uid?: string } = {},
): Promise<ApiResult<unknown>> {
  const { uid, ...call } = options;
  const preconditions = uid === undefined ? {} : { preconditions: { uid } };
  const body = { apiVersion: "v1", kind: "DeleteOptions", propagationPolicy: "Background", ...preconditions };
  return client.request({ ...call, method: "DELETE", path: objectPath(type, ref), body });
}
