// What these tests share: objects of ours on a real API server, namespaces, and persons with exactly the RBAC that a test names.
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { ClusterAccess } from "../../../kubernetes/access/cluster-access.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { mergeObject } from "../../../kubernetes/objects.ts";
import { ObjectMirror } from "../../../operator/source/kubernetes/object-mirror.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { type NamespaceSelection, WatchedNamespaces } from "../../../operator/source/kubernetes/watched-namespaces.ts";
import type { Logger } from "../../../runtime/log.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import type { ApiServer } from "../../cluster/api-server.ts";
import { create, FIELD_MANAGER, quiet } from "../../kubernetes/api-server/world.ts";

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

/** A client with the token of a service account that may do this and nothing else: in the whole cluster, or in one namespace. */
export async function openClientWith(
  server: ApiServer,
  account: string,
  grants: readonly { readonly namespace?: string; readonly rules: readonly RbacRule[] }[],
): Promise<KubernetesClient> {
  const accounts = "/api/v1/namespaces/default/serviceaccounts";
  const body = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: account } };
  await expectStatus(server, 201, "POST", accounts, { body });
  for (const [index, grant] of grants.entries()) await allow(server, account, `${account}-${index}`, grant);
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} };
  const answer = await expectStatus(server, 201, "POST", `${accounts}/${account}/token`, { body: request });
  const { token } = (answer.body as { readonly status: { readonly token: string } }).status;
  const access: ClusterAccess = {
    server: new URL(server.url),
    insecureSkipTlsVerify: false,
    namespace: "default",
    origin: `the service account ${account}`,
    readCredentials: async () => ({ caPem: server.caPem, token }),
  };
  return KubernetesClient.create({ access, userAgent: `${FIELD_MANAGER}/0` });
}

async function allow(
  server: ApiServer,
  account: string,
  name: string,
  { namespace, rules }: { readonly namespace?: string; readonly rules: readonly RbacRule[] },
): Promise<void> {
  const scope = namespace === undefined ? "" : `namespaces/${namespace}/`;
  const kind = namespace === undefined ? "ClusterRole" : "Role";
  const plural = `${kind.toLowerCase()}s`;
  const api = `/apis/rbac.authorization.k8s.io/v1/${scope}`;
  const common = { apiVersion: "rbac.authorization.k8s.io/v1", metadata: { name } };
  await expectStatus(server, 201, "POST", `${api}${plural}`, { body: { ...common, kind, rules } });
  const roleRef = { apiGroup: "rbac.authorization.k8s.io", kind, name };
  const subjects = [{ kind: "ServiceAccount", namespace: "default", name: account }];
  const binding = { ...common, kind: `${kind}Binding`, roleRef, subjects };
  await expectStatus(server, 201, "POST", `${api}${kind.toLowerCase()}bindings`, { body: binding });
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
