// What a kubelet does with a pod of a router, without a container: runs the real router as a process of this machine with the
// pod's environment, on a loopback address of its own, and writes what it sees into the pod's status.
import { type ChildProcess, spawn } from "node:child_process";
import { get } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { KubernetesObject } from "../../../kubernetes/object.ts";
import { collectionPath, objectPath } from "../../../kubernetes/object.ts";
import { POD } from "../../../operator/infrastructure/kubernetes/resource-types.ts";
import { writePodStatus } from "./world.ts";

const LOOK_EVERY_MS = 50;
const RESTART_AFTER_MS = 500;
const HEALTH_PORT = 9100;
const ROUTER_MAIN = join(import.meta.dirname, "..", "..", "..", "router", "main.ts");
const MAX_MESSAGE_LENGTH = 2_000;
/** The second byte of the loopback addresses that pods get here, so that they meet nobody's. */
const ADDRESS_BLOCK = 77;

interface Variable {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: string } };
}

interface Running {
  pod: KubernetesObject;
  readonly address: string;
  child: ChildProcess | undefined;
  restarts: number;
  restartAtMs: number;
  said: string;
  written: string;
  ready: { readonly type: "Ready"; readonly status: "True" | "False"; readonly lastTransitionTime: string } | undefined;
  lastState: object;
}

let addresses = 0;

export class LoopbackKubelet {
  private readonly client: KubernetesClient;
  private readonly namespace: string;
  private readonly pods = new Map<string, Running>();
  private readonly done: Promise<void>;
  private stopped = false;

  constructor(client: KubernetesClient, namespace: string) {
    this.client = client;
    this.namespace = namespace;
    this.done = this.run();
  }

  kill(uid: string): void {
    this.pods.get(uid)?.child?.kill("SIGKILL");
  }

  runs(uid: string): boolean {
    return this.pods.has(uid);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
    await Promise.all([...this.pods.values()].map(({ child }) => end(child, "SIGKILL")));
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const listed = await this.client.request<{ readonly items: readonly KubernetesObject[] }>({
        method: "GET",
        path: collectionPath(POD, this.namespace),
      });
      const items = listed.ok ? listed.value.items : [];
      await Promise.all(items.map((pod) => this.look(pod)));
      await delay(LOOK_EVERY_MS);
    }
  }

  private async look(pod: KubernetesObject): Promise<void> {
    const { uid = "", deletionTimestamp } = pod.metadata;
    const known = this.pods.get(uid);
    if (deletionTimestamp !== undefined) return this.remove(pod, known);
    if (known === undefined) return this.place(pod, uid);
    known.pod = pod;
    if (known.child === undefined && performance.now() >= known.restartAtMs) {
      known.restarts++;
      start(known);
    }
    await this.writeStatus(known);
  }

  /** Bound to a node, so that a deletion waits for its router to end. */
  private async place(pod: KubernetesObject, uid: string): Promise<void> {
    const { name } = pod.metadata;
    const body = { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: "loopback" } };
    const path = objectPath(POD, pod.metadata, "binding");
    const bound = await this.client.request({ method: "POST", path, body });
    if (!bound.ok) return;
    const address = `127.${ADDRESS_BLOCK}.${process.pid % 250}.${(addresses++ % 250) + 1}`;
    const running: Running = {
      ...{ pod, address, child: undefined, restarts: 0, restartAtMs: 0 },
      ...{ said: "", written: "", ready: undefined, lastState: {} },
    };
    this.pods.set(uid, running);
    start(running);
  }

  private async remove(pod: KubernetesObject, known: Running | undefined): Promise<void> {
    await end(known?.child, "SIGTERM");
    this.pods.delete(pod.metadata.uid ?? "");
    const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds: 0 };
    await this.client.request({ method: "DELETE", path: objectPath(POD, pod.metadata), body });
  }

  private async writeStatus(running: Running): Promise<void> {
    const { address, child, restarts, lastState } = running;
    const ready = child !== undefined && (await isReady(address));
    const condition = ready ? "True" : "False";
    if (running.ready?.status !== condition) {
      running.ready = { type: "Ready", status: condition, lastTransitionTime: new Date().toISOString() };
    }
    const state =
      child === undefined
        ? { waiting: { reason: "CrashLoopBackOff" }, running: null }
        : { running: { startedAt: null }, waiting: null };
    const container = { name: "router", image: "router", imageID: "", ready, restartCount: restarts, state, lastState };
    const status = {
      phase: "Running",
      podIP: address,
      podIPs: [{ ip: address }],
      conditions: [running.ready],
      containerStatuses: [container],
    };
    const text = JSON.stringify(status);
    if (text === running.written) return;
    running.written = text;
    await writePodStatus(this.client, running.pod, status);
  }
}

function start(running: Running): void {
  const { pod, address } = running;
  const { containers } = pod.spec as { readonly containers: readonly [{ readonly env: readonly Variable[] }] };
  const variables = containers[0].env.map(({ name, value, valueFrom }) => [name, value ?? fieldOf(pod, valueFrom)]);
  running.said = "";
  const child = spawn(process.execPath, [ROUTER_MAIN], {
    stdio: ["pipe", "ignore", "pipe"],
    env: {
      PATH: process.env.PATH,
      ...Object.fromEntries(variables),
      BEAMLINE_HEALTH_HOST: address,
      // Ends with this process, however that ends.
      BEAMLINE_PARENT_PIPE: "true",
    },
  });
  running.child = child;
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    running.said = (running.said + text).slice(-MAX_MESSAGE_LENGTH);
  });
  child.stdin.on("error", () => undefined);
  child.once("close", (code) => {
    const terminated = { exitCode: code ?? 137, reason: "Error", message: running.said, startedAt: null };
    running.lastState = { terminated };
    running.child = undefined;
    running.restartAtMs = performance.now() + RESTART_AFTER_MS;
  });
}

function fieldOf({ metadata }: KubernetesObject, source: Variable["valueFrom"]): string | undefined {
  const path = source?.fieldRef.fieldPath;
  return path === "metadata.uid" ? metadata.uid : path === "metadata.name" ? metadata.name : undefined;
}

async function end(child: ChildProcess | undefined, signal: NodeJS.Signals): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const closed = new Promise((resolve) => child.once("close", resolve));
  child.kill(signal);
  await closed;
}

function isReady(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port: HEALTH_PORT, path: "/readyz", timeout: 1_000, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("error", () => resolve(false));
    request.once("timeout", () => request.destroy());
  });
}
