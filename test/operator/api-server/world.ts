// What these tests share: objects of ours on a real API server, namespaces, and persons with exactly the RBAC that a test names.
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { mergeObject } from "../../../kubernetes/objects.ts";
import { ObjectMirror } from "../../../operator/source/kubernetes/object-mirror.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { type NamespaceSelection, WatchedNamespaces } from "../../../operator/source/kubernetes/watched-namespaces.ts";
import type { Logger } from "../../../runtime/log.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import type { ApiServer } from "../../cluster/api-server.ts";
import { create, FIELD_MANAGER, openClient, quiet } from "../../kubernetes/api-server/world.ts";

export const OWN_NAMESPACE = "beamline-system";
const NAMESPACE: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
};

export interface RbacRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

export async function createNamespace(
  client: KubernetesClient,
  name: string,
  labels: Readonly<Record<string, string>> = {},
): Promise<void> {
  await create(client, NAMESPACE, { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } });
}

/** Sets labels of a namespace; null takes one away. */
export async function labelNamespace(
  client: KubernetesClient,
  name: string,
  labels: Readonly<Record<string, string | null>>,
): Promise<void> {
  await patch(client, NAMESPACE, { name }, { metadata: { labels } });
}

export function policy(namespace: string, name: string): KubernetesObject {
  return object("RoutingPolicy", name, namespace, { providers: [{ name: "openai" }] });
}

export function object(kind: ObjectKind, name: string, namespace?: string, spec: object = {}): KubernetesObject {
  const metadata = namespace === undefined ? { name } : { namespace, name };
  return { apiVersion: API_VERSION, kind, metadata, spec };
}

/** Creates an object of ours and returns it as stored. */
export function createObject(client: KubernetesClient, created: KubernetesObject): Promise<KubernetesObject> {
  return create(client, RESOURCE_TYPES[created.kind as ObjectKind], created);
}

/** A merge patch by somebody who is not the operator; fails with the server's message. */
export async function patch(
  client: KubernetesClient,
  type: ResourceType,
  ref: { readonly namespace?: string; readonly name: string },
  body: object,
  subresource?: string,
): Promise<void> {
  const options = { fieldManager: FIELD_MANAGER, ...(subresource === undefined ? {} : { subresource }) };
  const result = await mergeObject(client, type, ref, body, options);
  if (!result.ok) throw new Error(result.error.message);
}

/** A client of a person who may do this and nothing else: in the whole cluster, or in one namespace. */
export async function openClientWith(
  server: ApiServer,
  user: string,
  grants: readonly { readonly namespace?: string; readonly rules: readonly RbacRule[] }[],
): Promise<KubernetesClient> {
  for (const [index, { namespace, rules }] of grants.entries()) {
    const name = `${user}-${index}`;
    const scope = namespace === undefined ? "" : `namespaces/${namespace}/`;
    const prefix = namespace === undefined ? "Cluster" : "";
    const api = `/apis/rbac.authorization.k8s.io/v1/${scope}`;
    const common = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name } };
    const role = { ...common, kind: `${prefix}Role`, rules };
    const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind: `${prefix}Role`, name };
    const subjects = [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: user }];
    const plural = prefix.toLowerCase();
    await expectStatus(server, 201, "POST", `${api}${plural}roles`, { body: role });
    const binding = { ...common, kind: `${prefix}RoleBinding`, roleRef, subjects };
    await expectStatus(server, 201, "POST", `${api}${plural}rolebindings`, { body: binding });
  }
  const { kubeconfigPath } = await server.signIn(user);
  return openClient(Object.assign(Object.create(server), { kubeconfigPath }));
}

/** A started mirror of our objects. Hold it by `await using`. */
export function openObjectMirror(
  client: KubernetesClient,
  selection: NamespaceSelection = { mode: "All" },
  log: Logger = quiet,
): ObjectMirror & AsyncDisposable {
  const namespaces = new WatchedNamespaces({ client, selection, ownNamespace: OWN_NAMESPACE, log });
  const mirror = new ObjectMirror({ client, namespaces, log });
  mirror.start();
  return Object.assign(mirror, { [Symbol.asyncDispose]: () => mirror.stop() });
}
