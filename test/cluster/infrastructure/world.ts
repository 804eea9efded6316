// An API server with the controllers that make pods of Deployments, and Routers in namespaces of their own. There is no
// kubelet: tests write the status of pods as one would.
import { parseObject } from "../../../core/policy/parse.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import { readKubeconfigAccess } from "../../../kubernetes/access/kubeconfig.ts";
import { Applier } from "../../../kubernetes/apply.ts";
import { KubernetesClient } from "../../../kubernetes/client.ts";
import { EventRecorder } from "../../../kubernetes/events.ts";
import type { KubernetesObject, ResourceType } from "../../../kubernetes/object.ts";
import { collectionPath } from "../../../kubernetes/object.ts";
import { mergeObject } from "../../../kubernetes/objects.ts";
import { DeploymentInfrastructure } from "../../../operator/infrastructure/kubernetes/deployment-infrastructure.ts";
import { POD, ROUTER } from "../../../operator/infrastructure/kubernetes/resource-types.ts";
import type { ObservedPod, RouterDeployment, RouterObject } from "../../../operator/interfaces.ts";
import { openClient, quiet } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { expectStatus } from "../api-request.ts";
import type { ApiServer } from "../api-server.ts";
import { installCrds } from "../crds/crds.ts";
import { startTestApiServer } from "../for-tests.ts";

export const MANAGER = "beamline-operator";
/** Controllers answer within a second; the rest is for a busy machine. */
export const DEADLINE_MS = 60_000;
const CONTROLLERS = [
  "deployment-controller",
  "replicaset-controller",
  "garbage-collector-controller",
  "namespace-controller",
  "resourcequota-controller",
];
/** Pods that break it are refused: every pod of these tests is one that a strict cluster takes. */
const RESTRICTED = { "pod-security.kubernetes.io/enforce": "restricted" };

export interface World extends AsyncDisposable {
  readonly server: ApiServer;
  readonly client: KubernetesClient;
}

export async function startWorld(context: Mocha.Context): Promise<World> {
  const server = await startTestApiServer(context, { controllers: CONTROLLERS });
  const client = await openClient(server);
  await installCrds(server);
  return {
    server,
    client,
    [Symbol.asyncDispose]: async () => {
      client.close();
      await server.stop();
    },
  };
}

/** A Router and what runs it. Hold it by `await using`. */
export interface RouterWorld extends AsyncDisposable {
  readonly namespace: string;
  readonly infrastructure: DeploymentInfrastructure;
  readonly changes: () => number;
  /** As the newest Router says, with what is given put over it. */
  deployment(over?: Partial<RouterDeployment>): RouterDeployment;
  /** Replaces the spec of the Router. */
  setSpec(spec: object): Promise<void>;
  list(type: ResourceType): Promise<readonly KubernetesObject[]>;
  /** The object of that kind, which must be the only one. */
  one(type: ResourceType): Promise<KubernetesObject>;
  /** As a kubelet does when the routers in all pods are ready. */
  runPods(): Promise<void>;
  whenReady(count: number): Promise<readonly ObservedPod[]>;
}

let namespaces = 0;

export interface RouterWorldOptions {
  readonly spec?: object;
  readonly client?: KubernetesClient;
}

export async function makeRouter(world: World, { spec = {}, client }: RouterWorldOptions = {}): Promise<RouterWorld> {
  const namespace = `routers-${++namespaces}`;
  const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace, labels: RESTRICTED } };
  await expectStatus(world.server, 201, "POST", "/api/v1/namespaces", { body });
  let object = await createRouter(world, namespace, spec);
  const { infrastructure, recorder } = makeInfrastructure(client ?? world.client, namespace);
  let changes = 0;
  infrastructure.start(() => changes++);
  const list = (type: ResourceType) => listObjects(world, type, namespace);
  const self: RouterWorld = {
    namespace,
    infrastructure,
    changes: () => changes,
    deployment: (over = {}) => deploymentOf(object, over),
    setSpec: async (next) => {
      object = await replaceSpec(world, object, next);
    },
    list,
    one: async (type) => {
      const [only, ...others] = await list(type);
      if (only === undefined || others.length > 0) throw new Error(`${type.kind}: not one but ${others.length + 1}`);
      return only;
    },
    runPods: async () => {
      for (const pod of await list(POD)) await markReady(world, pod);
    },
    whenReady: (count) =>
      eventually(
        async () => {
          await self.runPods();
          const pods = infrastructure.pods();
          return pods.length === count && pods.every(({ ready, updated }) => ready && updated) ? pods : undefined;
        },
        {
          deadlineMs: DEADLINE_MS,
          describe: () => `${count} ready: ${JSON.stringify(infrastructure.pods())}`,
          everyMs: 50,
        },
      ),
    [Symbol.asyncDispose]: async () => {
      await infrastructure.stop();
      await recorder.stop();
    },
  };
  return self;
}

/** Another process with the same work: an operator that was restarted. */
export function makeInfrastructure(client: KubernetesClient, namespace: string) {
  const recorder = new EventRecorder({ client, controller: "beamline.dev/operator", instance: "test", log: quiet });
  const infrastructure = new DeploymentInfrastructure({
    client,
    applier: new Applier({ client, fieldManager: MANAGER }),
    router: { namespace, name: "default" },
    settings: {
      image: "example.test/beamline:1",
      imagePullPolicy: "IfNotPresent",
      imagePullSecrets: [],
      partOf: "beamline",
      instance: "test",
      natsPorts: [],
    },
    log: quiet,
    events: recorder,
  });
  return { infrastructure, recorder };
}

function deploymentOf(object: RouterObject, over: Partial<RouterDeployment>): RouterDeployment {
  const { namespace, name } = object.meta;
  return {
    router: { namespace, name },
    replicas: object.spec.replicas,
    environment: { BEAMLINE_NATS_URL: "nats://nats.example:4222" },
    object,
    ...over,
  };
}

async function createRouter({ server }: World, namespace: string, spec: object): Promise<RouterObject> {
  const body = { apiVersion: API_VERSION, kind: "Router", metadata: { namespace, name: "default" }, spec };
  return readRouter((await expectStatus(server, 201, "POST", collectionPath(ROUTER, namespace), { body })).body);
}

async function replaceSpec({ server }: World, { meta }: RouterObject, spec: object): Promise<RouterObject> {
  const { namespace, name } = meta;
  const path = `${collectionPath(ROUTER, namespace)}/${name}`;
  const { body } = await expectStatus(server, 200, "GET", path);
  return readRouter((await expectStatus(server, 200, "PUT", path, { body: { ...(body as object), spec } })).body);
}

function readRouter(raw: unknown): RouterObject {
  const parsed = parseObject(raw, { namespace: "default", routerRef: { namespace: "default", name: "default" } });
  if (!parsed.ok || parsed.value.kind !== "Router") throw new Error(JSON.stringify(parsed));
  return parsed.value;
}

export async function listObjects({ server }: World, type: ResourceType, namespace: string) {
  const { body } = await expectStatus(server, 200, "GET", collectionPath(type, namespace));
  return (body as { readonly items: readonly KubernetesObject[] }).items;
}

async function markReady({ client }: World, pod: KubernetesObject): Promise<void> {
  const { metadata, status } = pod;
  if (metadata.deletionTimestamp !== undefined || (status as { podIP?: string }).podIP !== undefined) return;
  await writePodStatus(client, pod, {
    phase: "Running",
    podIP: "198.18.1.9",
    podIPs: [{ ip: "198.18.1.9" }],
    conditions: [{ type: "Ready", status: "True", lastTransitionTime: new Date().toISOString() }],
  });
}

export async function writePodStatus(client: KubernetesClient, pod: KubernetesObject, status: object): Promise<void> {
  const options = { fieldManager: "kubelet", subresource: "status" };
  const result = await mergeObject(client, POD, pod.metadata, { status }, options);
  if (!result.ok && result.error.kind !== "NotFound") throw new Error(result.error.message);
}

/** A client of somebody who may do what `rules` grant, and nothing else. */
export async function signInWith(
  { server }: World,
  user: string,
  rules: readonly object[],
): Promise<AsyncDisposable & { readonly client: KubernetesClient }> {
  const root = "/apis/rbac.authorization.k8s.io/v1";
  const metadata = { name: user };
  await expectStatus(server, 201, "POST", `${root}/clusterroles`, { body: { metadata, rules } });
  const subjects = [{ kind: "User", apiGroup: "rbac.authorization.k8s.io", name: user }];
  const roleRef = { kind: "ClusterRole", apiGroup: "rbac.authorization.k8s.io", name: user };
  await expectStatus(server, 201, "POST", `${root}/clusterrolebindings`, { body: { metadata, subjects, roleRef } });
  const { kubeconfigPath } = await server.signIn(user);
  const access = await readKubeconfigAccess({ path: kubeconfigPath });
  const client = KubernetesClient.create({ access, userAgent: `${MANAGER}/0` });
  return { client, [Symbol.asyncDispose]: async () => client.close() };
}
