// What the scale scenarios run on: a real API server with the controllers that make pods, routers as pods that outlive the
// operator, and readings of the API server, of NATS and of the operator's memory.
import { join } from "node:path";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { namesFor } from "../../../../core/handover/subjects.ts";
import { applyObject } from "../../../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../../../kubernetes/client.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { deleteObject } from "../../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../../operator/source/kubernetes/resource-types.ts";
import { connectNats, type NatsLink } from "../../../../runtime/nats/connection.ts";
import { expectStatus } from "../../../cluster/api-request.ts";
import { LoopbackKubelet } from "../../../cluster/infrastructure/kubelet.ts";
import { openClient, quiet } from "../../../kubernetes/api-server/world.ts";
import { eventually } from "../../../support/await.ts";
import { ClusterRig, DEADLINE_MS } from "../cluster-rig.ts";
import type { OperatorProcess } from "../operator-process.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object } from "../world.ts";
import { RevisionJudge } from "./revision-judge.ts";
import { nameOf, SCALE_NAMESPACES, scaleNamespace } from "./scale-policies.ts";
import { StatusFollower } from "./status-follower.ts";

export const ROUTER = { namespace: OWN_NAMESPACE, name: "default" };
export const ROUTERS = 2;
const CONTROLLERS = ["deployment-controller", "replicaset-controller", "garbage-collector-controller"];
const HEAP_ON_SIGNAL = join(import.meta.dirname, "fixtures", "heap-on-signal.ts");
const NATS_TIMEOUT_MS = 10_000;
const APPLIER = "kubectl";
const STATUS_WRITE =
  /^apiserver_request_total\{.*resource="routingpolicies".*subresource="status".*verb="(?:APPLY|PATCH)".*\} (\S+)$/gm;

export interface Memory {
  /** After garbage was collected. */
  readonly heapBytes: number;
  readonly residentBytes: number;
}

interface ScaleParts {
  readonly rig: ClusterRig;
  readonly kubelet: LoopbackKubelet;
  /** Apart from the kubelet's: its requests do not wait behind a thousand applies. */
  readonly kubeletClient: KubernetesClient;
  readonly link: NatsLink;
  readonly manager: JetStreamManager;
  readonly follower: StatusFollower;
  readonly judge: RevisionJudge;
}

export class ScaleWorld implements AsyncDisposable {
  readonly link: NatsLink;
  readonly follower: StatusFollower;
  readonly judge: RevisionJudge;
  operator: OperatorProcess;
  private readonly parts: ScaleParts;
  private started = 1;

  private constructor(parts: ScaleParts, operator: OperatorProcess) {
    this.parts = parts;
    this.link = parts.link;
    this.follower = parts.follower;
    this.judge = parts.judge;
    this.operator = operator;
  }

  /** Skips the suite of `context` aloud when the machine lacks a program. Resolves when two routers are ready. */
  static async start(context: Mocha.Context): Promise<ScaleWorld> {
    const rig = await ClusterRig.start(context, { controllers: CONTROLLERS });
    const kubeletClient = await openClient(rig.server);
    const kubelet = new LoopbackKubelet(kubeletClient, OWN_NAMESPACE);
    await inTurn(SCALE_NAMESPACES, (index) => createNamespace(rig.client, scaleNamespace(index)));
    await createObject(rig.client, object("Router", ROUTER.name, ROUTER.namespace, { replicas: ROUTERS }));
    const link = await connectNats({ url: rig.nats.url, name: "scale", timeoutMs: NATS_TIMEOUT_MS, log: quiet });
    const manager = await jetstreamManager(link.nc);
    const judge = new RevisionJudge(link, ROUTER);
    const operator = await startOperator(rig, "operator-0");
    const follower = await StatusFollower.start(rig.client);
    await rig.whenReady("Router", ROUTER);
    return new ScaleWorld({ rig, kubelet, kubeletClient, link, manager, follower, judge }, operator);
  }

  /** Server-side apply, as many at once as the client lets through. Returns when the last was acknowledged. */
  async applyAll(policies: readonly KubernetesObject[]): Promise<number> {
    await Promise.all(policies.map((policy) => this.apply(policy)));
    return performance.now();
  }

  /** Returns when the API server acknowledged it, on the monotonic clock. */
  async apply(policy: KubernetesObject): Promise<number> {
    const options = { fieldManager: APPLIER, force: false };
    const applied = await applyObject(this.parts.rig.client, RESOURCE_TYPES.RoutingPolicy, policy, options);
    const nowMs = performance.now();
    if (!applied.ok) throw new Error(`${nameOf(policy)}: ${applied.error.message}`);
    this.judge.know(applied.value);
    return nowMs;
  }

  async deleteAll(policies: readonly KubernetesObject[]): Promise<void> {
    const { client } = this.parts.rig;
    const gone = policies.map(async ({ metadata }) => {
      const result = await deleteObject(client, RESOURCE_TYPES.RoutingPolicy, metadata);
      if (!result.ok) throw new Error(result.error.message);
    });
    await Promise.all(gone);
  }

  /** Another process takes over from the one that runs, which is asked to end first. Returns when it was started. */
  async restartOperator(): Promise<number> {
    this.operator.signal("SIGTERM");
    await this.operator.exited;
    const startMs = performance.now();
    this.operator = await startOperator(this.parts.rig, `operator-${this.started++}`);
    return startMs;
  }

  /** Writes of the status of policies since the API server started. */
  async statusWrites(): Promise<number> {
    const { body } = await expectStatus(this.parts.rig.server, 200, "GET", "/metrics");
    const counts = [...String(body).matchAll(STATUS_WRITE)].map(([, count]) => Number(count));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Durables of providers. */
  async providerConsumers(): Promise<number> {
    const { state } = await this.parts.manager.streams.info(namesFor().streams.assignments);
    return state.consumer_count;
  }

  /** Keys of the configuration bucket, marks of removals included. */
  async configKeys(): Promise<number> {
    const info = await this.parts.manager.streams.info(`KV_${namesFor().buckets.config}`, { subjects_filter: ">" });
    return Object.keys(info.state.subjects ?? {}).length;
  }

  async operatorMetric(name: string): Promise<number> {
    const value = (await this.operator.metrics()).get(name);
    if (value === undefined) throw new Error(`the operator has no metric ${name}`);
    return value;
  }

  async memory(): Promise<Memory> {
    const measured = () => this.operator.log().filter(({ msg }) => msg === "heap measured");
    const before = measured().length;
    this.operator.signal("SIGUSR2");
    const line = await eventually(() => measured()[before], {
      deadlineMs: DEADLINE_MS,
      describe: "the operator measures its heap",
    });
    return { heapBytes: Number(line.heap_used), residentBytes: Number(line.rss) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { rig, kubelet, kubeletClient, link, follower, judge } = this.parts;
    judge.stop();
    await follower[Symbol.asyncDispose]();
    await link.close();
    await kubelet.stop();
    kubeletClient.close();
    await rig[Symbol.asyncDispose]();
  }
}

function startOperator(rig: ClusterRig, name: string): Promise<OperatorProcess> {
  return rig.startOperator(name, {
    BEAMLINE_INFRASTRUCTURE: "Deployments",
    BEAMLINE_ROUTER_IMAGE: "beamline",
    NODE_OPTIONS: `--expose-gc --import=${HEAP_ON_SIGNAL}`,
  });
}

async function inTurn(count: number, act: (index: number) => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => act(index)));
}
