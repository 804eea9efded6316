// What these tests share: a client of a real API server, kinds to play with, and mirrors that end with their test.
import { readKubeconfigAccess } from "../../../kubernetes/access/kubeconfig.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import { LEASE_TYPE } from "../../../kubernetes/lease-record.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { createObject } from "../../../kubernetes/objects.ts";
import { Reflector, type ReflectorOptions } from "../../../kubernetes/reflector.ts";
import { createLogger } from "../../../runtime/log.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import type { ApiServer } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";

export const quiet = createLogger({ service: "test", level: "silent" });
export const FIELD_MANAGER = "beamline-test";
export const DEADLINE_MS = 30_000;

export const CONFIG_MAP: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
export const DEPLOYMENT: ResourceType = {
  group: "apps",
  version: "v1",
  kind: "Deployment",
  plural: "deployments",
  namespaced: true,
};
export const LEASE = LEASE_TYPE;
/** A kind of our own, with a status subresource and conditions as a map by type. */
export const LAMP: ResourceType = {
  group: "test.beamline.dev",
  version: "v1",
  kind: "Lamp",
  plural: "lamps",
  namespaced: true,
};

const CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const CONDITION = {
  type: "object",
  required: ["type", "status"],
  properties: {
    type: { type: "string" },
    status: { type: "string" },
    reason: { type: "string" },
    message: { type: "string" },
    observedGeneration: { type: "integer" },
    lastTransitionTime: { type: "string", format: "date-time" },
  },
};
const LAMP_CRD = {
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "lamps.test.beamline.dev" },
  spec: {
    group: LAMP.group,
    scope: "Namespaced",
    names: { plural: LAMP.plural, singular: "lamp", kind: LAMP.kind },
    versions: [
      {
        name: LAMP.version,
        served: true,
        storage: true,
        subresources: { status: {} },
        schema: {
          openAPIV3Schema: {
            type: "object",
            properties: {
              spec: { type: "object", properties: { watts: { type: "integer" } } },
              status: {
                type: "object",
                properties: {
                  observedGeneration: { type: "integer" },
                  conditions: {
                    type: "array",
                    items: CONDITION,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                  },
                },
              },
            },
          },
        },
      },
    ],
  },
};

export async function openClient(server: ApiServer): Promise<KubernetesClient> {
  const access = await readKubeconfigAccess({ path: server.kubeconfigPath });
  return KubernetesClient.create({ access, userAgent: `${FIELD_MANAGER}/0` });
}

/** Makes the kind Lamp and waits until it is served. */
export async function installLamps(server: ApiServer): Promise<void> {
  await expectStatus(server, 201, "POST", CRDS, { body: LAMP_CRD });
  await eventually(() => expectStatus(server, 200, "GET", "/apis/test.beamline.dev/v1/lamps"), {
    deadlineMs: DEADLINE_MS,
    describe: "lamps are served",
    everyMs: 50,
  });
}

export function removeLampKind(server: ApiServer): Promise<unknown> {
  return expectStatus(server, 200, "DELETE", `${CRDS}/lamps.test.beamline.dev`);
}

export function lamp(name: string, watts: number, namespace = "default"): KubernetesObject {
  return { apiVersion: "test.beamline.dev/v1", kind: "Lamp", metadata: { namespace, name }, spec: { watts } };
}

export function configMap(
  name: string,
  data: Readonly<Record<string, string>>,
  namespace = "default",
): KubernetesObject {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data };
}

/** Creates and returns it as stored; fails with the server's message. */
export async function create(
  client: KubernetesClient,
  type: ResourceType,
  object: KubernetesObject,
): Promise<KubernetesObject> {
  const result = await createObject(client, type, object, { fieldManager: "kubectl-create" });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** A started mirror of whole objects. Hold it by `await using`. */
export function openMirror(
  options: Pick<ReflectorOptions<KubernetesObject>, "client" | "type"> & Partial<ReflectorOptions<KubernetesObject>>,
): Reflector<KubernetesObject> & AsyncDisposable {
  const mirror = new Reflector<KubernetesObject>({
    convert: (object) => object,
    onChange: () => undefined,
    log: quiet,
    ...options,
  });
  mirror.start();
  return Object.assign(mirror, { [Symbol.asyncDispose]: () => mirror.stop() });
}
