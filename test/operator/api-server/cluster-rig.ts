// What the tests of the operator in a cluster stand on: an API server with our CRDs, a nats-server, operators, and readings of both.
import { join } from "node:path";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject, ObjectRef } from "../../../kubernetes/object.ts";
import { readObject } from "../../../kubernetes/objects.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import type { ApiServer, StartApiServerOptions } from "../../cluster/api-server.ts";
import { installCrds } from "../../cluster/crds/crds.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { openClient } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { startTestNats, type TestNats } from "../../support/nats.ts";
import { freePort, type RouterProcess, startRouterProcess } from "../../support/router-process.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";
import { freePortPair } from "../harness.ts";
import { type OperatorProcess, startOperatorProcess } from "./operator-process.ts";
import { createNamespace, OWN_NAMESPACE } from "./world.ts";

/** A policy is in force in a quarter of a second; the rest is for a busy machine. */
export const DEADLINE_MS = 60_000;

export interface RigOptions extends StartApiServerOptions {
  /** Whether our kinds are there from the start; true when absent. */
  readonly crds?: boolean;
  /** Of the nats-server. */
  readonly natsConfigFile?: string;
}

export interface ObservedObject extends KubernetesObject {
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

export class ClusterRig implements AsyncDisposable {
  readonly server: ApiServer;
  readonly nats: TestNats;
  readonly client: KubernetesClient;
  readonly folder: TempDir;
  private readonly operators: OperatorProcess[] = [];
  private readonly routers: RouterProcess[] = [];

  private constructor(parts: Pick<ClusterRig, "server" | "nats" | "client" | "folder">) {
    this.server = parts.server;
    this.nats = parts.nats;
    this.client = parts.client;
    this.folder = parts.folder;
  }

  /** Skips the test or suite of `context` aloud when the machine lacks a program. */
  static async start(context: Mocha.Context, options: RigOptions = {}): Promise<ClusterRig> {
    const { crds = true, natsConfigFile: configFile, ...ofServer } = options;
    const server = await startTestApiServer(context, ofServer);
    const nats = await startTestNats({ context, ...(configFile === undefined ? {} : { configFile }) });
    if (crds) await installCrds(server);
    const client = await openClient(server);
    await createNamespace(client, OWN_NAMESPACE);
    return new ClusterRig({ server, nats, client, folder: await makeTempDir("beamline-rig-") });
  }

  async startOperator(
    name = "operator-0",
    environment: Readonly<Record<string, string>> = {},
  ): Promise<OperatorProcess> {
    const operator = await startOperatorProcess({
      name,
      kubeconfigPath: this.server.kubeconfigPath,
      natsUrl: this.nats.url,
      folder: this.folder.path,
      routerHealthPort: await freePortPair(),
      environment,
    });
    this.operators.push(operator);
    return operator;
  }

  /** A router of its own, that no operator starts or ends: what the data plane is to those who run pods. */
  async startRouter(name: string, environment: Readonly<Record<string, string>> = {}): Promise<RouterProcess> {
    const router = await startRouterProcess({
      name,
      natsUrl: this.nats.url,
      healthPort: await freePort(),
      logFile: join(this.folder.path, `${name}.log`),
      environment: { BEAMLINE_ROUTER_NAMESPACE: OWN_NAMESPACE, BEAMLINE_ROUTER_NAME: "default", ...environment },
    });
    this.routers.push(router);
    return router;
  }

  /** Operators in the order of their start, those that have ended included. */
  processes(): readonly OperatorProcess[] {
    return this.operators;
  }

  async read(kind: ObjectKind, ref: ObjectRef): Promise<ObservedObject | undefined> {
    const read = await readObject<ObservedObject>(this.client, RESOURCE_TYPES[kind], ref);
    if (read.ok) return read.value;
    if (read.error.kind === "NotFound") return undefined;
    throw new Error(read.error.message);
  }

  /** Waits until a condition of the newest generation has this status (and reason); returns it. */
  whenCondition(
    kind: ObjectKind,
    ref: ObjectRef,
    wanted: { readonly type: string; readonly status: Condition["status"]; readonly reason?: string },
  ): Promise<Condition> {
    let last: ObservedObject | undefined;
    return eventually(
      async () => {
        last = await this.read(kind, ref);
        const found = last?.status?.conditions?.find(({ type }) => type === wanted.type);
        const isNewest = found?.observedGeneration === last?.metadata.generation;
        const isWanted = found?.status === wanted.status && (wanted.reason ?? found.reason) === found.reason;
        return isNewest && isWanted ? found : undefined;
      },
      {
        deadlineMs: DEADLINE_MS,
        describe: () =>
          `${kind} ${ref.namespace ?? ""}/${ref.name} is ${JSON.stringify(wanted)}: ${JSON.stringify(last?.status)}`,
        everyMs: 25,
      },
    );
  }

  /** The one of these that leads, when one does. */
  async leader(): Promise<OperatorProcess | undefined> {
    for (const operator of this.operators) {
      if (operator.running() && (await operator.isLeading().catch(() => false))) return operator;
    }
    return undefined;
  }

  /** Waits until this one leads; returns how long that took, in milliseconds. */
  async whenLeading(operator: OperatorProcess): Promise<number> {
    const startMs = performance.now();
    await eventually(() => operator.isLeading(), {
      deadlineMs: DEADLINE_MS,
      describe: () => `${operator.name} leads: ${JSON.stringify(operator.log().slice(-5))}`,
      everyMs: 20,
    });
    return performance.now() - startMs;
  }

  whenReady(kind: ObjectKind, ref: ObjectRef): Promise<Condition> {
    return this.whenCondition(kind, ref, { type: "Ready", status: "True" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const processes = [...this.operators, ...this.routers];
    for (const each of processes) each.signal("SIGKILL");
    await Promise.all(processes.map(({ exited }) => exited));
    this.client.close();
    await this.nats.stop();
    await this.server.stop();
    await this.folder.remove();
  }
}
