// The CRDs of the repository on an API server, and objects of theirs sent to it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { objectDefinitions } from "../../../core/policy/object-definitions.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import { eventually } from "../../support/await.ts";
import { type ApiResponse, expectStatus, requestApi } from "../api-request.ts";
import type { ApiServer } from "../api-server.ts";

const folder = join(import.meta.dirname, "..", "..", "..", "crds");
const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const SERVED_DEADLINE_MS = 30_000;
const MANAGER = "fieldManager=test&force=true";

/** The CRDs in `crds/`, as plain data. */
export function readCrds(): readonly { readonly metadata: { readonly name: string } }[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => parse(readFileSync(join(folder, file), "utf8")) as { metadata: { name: string } });
}

/** Applies every CRD, as `kubectl apply --server-side` does, and waits until all kinds are served. */
export async function installCrds(server: ApiServer): Promise<void> {
  for (const body of readCrds()) {
    const path = `${CRDS}/${body.metadata.name}?${MANAGER}`;
    await expectStatus(server, 201, "PATCH", path, { body, contentType: "application/apply-patch+yaml" });
  }
  const kinds = Object.keys(objectDefinitions) as ObjectKind[];
  await eventually(
    async () => (await Promise.all(kinds.map((kind) => isServed(server, kind)))).every((served) => served),
    { deadlineMs: SERVED_DEADLINE_MS, describe: "every kind is served" },
  );
}

async function isServed(server: ApiServer, kind: ObjectKind): Promise<boolean> {
  return (await requestApi(server, "GET", collectionPath(kind, "default"))).status === 200;
}

/** The path that objects of a kind are posted to. */
export function collectionPath(kind: ObjectKind, namespace: string): string {
  const { plural, scope } = objectDefinitions[kind];
  return `/apis/${API_VERSION}/${scope === "Cluster" ? "" : `namespaces/${namespace}/`}${plural}`;
}

/** Creates an object as kubectl does, which has unknown fields refused. */
export function createObject(
  server: ApiServer,
  kind: ObjectKind,
  namespace: string,
  body: unknown,
): Promise<ApiResponse> {
  return requestApi(server, "POST", `${collectionPath(kind, namespace)}?fieldValidation=Strict`, { body });
}

/** Replaces an object that was just created, as `kubectl replace` does: what the new one does not say is gone. */
export async function replaceObject(
  server: ApiServer,
  kind: ObjectKind,
  namespace: string,
  stored: unknown,
  body: object,
) {
  const { metadata } = stored as { readonly metadata: { readonly name: string } };
  const path = `${collectionPath(kind, namespace)}/${metadata.name}?fieldValidation=Strict`;
  return requestApi(server, "PUT", path, { body: { ...body, metadata } });
}
