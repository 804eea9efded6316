// All objects of a kind, once and in pages, for those who keep no mirror of them.
import { err, ok } from "../core/result.ts";
import type { KubernetesClient } from "./client.ts";
import type { ApiResult } from "./failure.ts";
import { apiVersionOf, collectionPath, type KubernetesObject, type ResourceType } from "./object.ts";
import type { CallOptions } from "./objects.ts";

interface ListPage {
  readonly metadata?: { readonly continue?: string };
  readonly items?: readonly KubernetesObject[];
}

const PAGE_SIZE = 500;
/** More are refused: who has so many keeps a mirror. */
export const MAX_LISTED_OBJECTS = 10_000;

/** Items of a list come without their kind: it is filled in. */
export async function listObjects(
  client: KubernetesClient,
  type: ResourceType,
  namespace: string | undefined,
  options: CallOptions = {},
): Promise<ApiResult<readonly KubernetesObject[]>> {
  const apiVersion = apiVersionOf(type);
  const objects: KubernetesObject[] = [];
  let next: string | undefined;
  do {
    const query = { limit: PAGE_SIZE, continue: next };
    const path = collectionPath(type, namespace);
    const page = await client.request<ListPage>({ ...options, method: "GET", path, query });
    if (!page.ok) return page;
    for (const item of page.value.items ?? []) objects.push({ ...item, apiVersion, kind: type.kind });
    next = page.value.metadata?.continue || undefined;
  } while (next !== undefined && objects.length < MAX_LISTED_OBJECTS);
  if (next === undefined) return ok(objects);
  return err({ kind: "Invalid", message: `there are more than ${MAX_LISTED_OBJECTS} objects of kind ${type.kind}` });
}
