// Heartbeats to a control plane beside calls to a bare gRPC echo, in the same run: one a call, and in batches.

import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind, type HeartbeatsResponse } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { ReplicaGroup } from "../controlplane/replication/replica-group.ts";
import { TestClient } from "../support/control-plane.ts";
import { startControlPlaneProcess } from "../support/control-plane-process.ts";
import { freePort } from "../support/router-process.ts";
import { startSharedRegistry } from "../support/shared-registry.ts";
import { startChild } from "./child.ts";
import { readCpuMicros } from "./process-usage.ts";
import { ratios, summarize } from "./statistics.ts";

const COMPONENTS = 1_000;
const CONNECTIONS = 4;
const CALLS_IN_FLIGHT = 64;
const BATCH = 50;
const STREAM_REQUESTS_IN_FLIGHT = 8;
const CALL_DEADLINE_MS = 20_000;
const MS_PER_S = 1_000;

export interface HeartbeatSeries {
  readonly name: string;
  readonly perSecond: number[];
  /** CPU time of the server for one heartbeat, microseconds. */
  readonly serverUs: number[];
}

export interface HeartbeatPlan {
  /** Heartbeats of each run. */
  readonly messages: number;
  readonly repetitions: number;
  readonly progress: (line: string) => void;
}

interface Target {
  readonly name: string;
  readonly pid: number;
  /** Sends `count` heartbeats and resolves when all are answered. */
  send(count: number): Promise<void>;
}

/** Series in the order of the table; the first is what the others are compared with. */
export async function measureHeartbeats(plan: HeartbeatPlan): Promise<HeartbeatSeries[]> {
  const echoAddress = `127.0.0.1:${await freePort()}`;
  const echo = await startChild("grpc-echo.ts", [echoAddress]);
  const server = await startControlPlaneProcess({});
  const shared = await startSharedRegistry();
  const group = await ReplicaGroup.start(shared.nats.url);
  const replica = group.at(0);
  const toEcho = connect(echoAddress);
  const toServer = connect(server.address);
  const toReplica = connect(replica.address);
  try {
    await registerAll(toServer);
    await registerAll(toReplica);
    const targets: readonly Target[] = [
      { name: "bare gRPC echo", pid: echo.pid, send: (count) => sendUnary(toEcho, count) },
      { name: "control plane, one heartbeat a call", pid: server.pid, send: (count) => sendUnary(toServer, count) },
      { name: `control plane, ${BATCH} a call`, pid: server.pid, send: (count) => sendBatches(toServer, count) },
      {
        name: `control plane, ${BATCH} a request of a stream`,
        pid: server.pid,
        send: (count) => sendStream(toServer, count),
      },
      {
        name: "one of three replicas, one heartbeat a call",
        pid: replica.pid,
        send: (count) => sendUnary(toReplica, count),
      },
      {
        name: `one of three replicas, ${BATCH} a call`,
        pid: replica.pid,
        send: (count) => sendBatches(toReplica, count),
      },
    ];
    return await runTargets(targets, plan);
  } finally {
    for (const client of [...toEcho, ...toServer, ...toReplica]) client.close();
    await group.stop();
    await shared.stop();
    await server.end("SIGTERM");
    await echo.stop();
  }
}

async function registerAll(clients: readonly TestClient[]): Promise<void> {
  for (let i = 0; i < COMPONENTS; i++) {
    const registration = { processorId: idOf(i), endpoint: "127.0.0.1:9000", metadata: { version: "1" } };
    await clientOf(clients, i).unary(ControlPlaneService.registerProcessor, registration);
  }
}

async function runTargets(targets: readonly Target[], plan: HeartbeatPlan): Promise<HeartbeatSeries[]> {
  const series = targets.map(({ name }): HeartbeatSeries => ({ name, perSecond: [], serverUs: [] }));
  for (let repetition = 0; repetition <= plan.repetitions; repetition++) {
    for (const [index, target] of targets.entries()) {
      const cpuBefore = await readCpuMicros(target.pid);
      const startMs = performance.now();
      await target.send(plan.messages);
      const perSecond = (plan.messages / (performance.now() - startMs)) * MS_PER_S;
      const serverUs = ((await readCpuMicros(target.pid)) - cpuBefore) / plan.messages;
      plan.progress(`${target.name}: ${Math.round(perSecond)}/s, ${serverUs.toFixed(1)} us of the server`);
      // The first repetition warms up.
      if (repetition === 0) continue;
      series[index]?.perSecond.push(perSecond);
      series[index]?.serverUs.push(serverUs);
    }
  }
  return series;
}

export function formatHeartbeats(series: readonly HeartbeatSeries[]): string {
  const reference = series[0]?.perSecond ?? [];
  const rows = series.map(({ name, perSecond, serverUs }) => {
    const ratio = summarize(ratios(perSecond, reference));
    const figures = [summarize(perSecond).median.toFixed(0), ratio.median.toFixed(2)];
    return `| ${name} | ${figures.join(" | ")} (${ratio.min.toFixed(2)}..${ratio.max.toFixed(2)}) | ${summarize(serverUs).median.toFixed(1)} |`;
  });
  return [
    "| Heartbeats | a second | of the echo | us of the server, each |",
    "| --- | --- | --- | --- |",
    ...rows,
  ].join("\n");
}

function connect(address: string): TestClient[] {
  return Array.from({ length: CONNECTIONS }, () => new TestClient(address));
}

function idOf(number: number): string {
  return `component-${number % COMPONENTS}`;
}

function report(number: number) {
  return { metrics: { queue: number % 100, rate: 12.5 }, status: "HEALTHY" };
}

/** Runs `send` for numbers from 0 below `count`, so many at once. */
async function inFlight(count: number, width: number, send: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await send(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

function sendUnary(clients: readonly TestClient[], count: number): Promise<void> {
  return inFlight(count, CALLS_IN_FLIGHT, async (number) => {
    const request = { processorId: idOf(number), timestamp: undefined, ...report(number) };
    const options = { deadline: Date.now() + CALL_DEADLINE_MS };
    const answer = await clientOf(clients, number).unary(ControlPlaneService.processorHeartbeat, request, options);
    if (!answer.success) throw new Error("a heartbeat was not taken");
  });
}

function batchOf(first: number) {
  const heartbeats = Array.from({ length: BATCH }, (_, i) => ({
    kind: ComponentKind.COMPONENT_KIND_PROCESSOR,
    id: idOf(first + i),
    instance: "",
    configuration: undefined,
    ...report(first + i),
  }));
  return { heartbeats };
}

function sendBatches(clients: readonly TestClient[], count: number): Promise<void> {
  return inFlight(Math.ceil(count / BATCH), CALLS_IN_FLIGHT, async (number) => {
    const options = { deadline: Date.now() + CALL_DEADLINE_MS };
    const client = clientOf(clients, number);
    checkAccepted(await client.unary(RegistryService.batchHeartbeat, batchOf(number * BATCH), options));
  });
}

function sendStream(clients: readonly TestClient[], count: number): Promise<void> {
  const requests = Math.ceil(count / BATCH);
  const share = Math.ceil(requests / clients.length);
  const run = (client: TestClient, first: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const stream = client.bidiStream(RegistryService.heartbeats);
      let sent = 0;
      let answered = 0;
      const send = (): boolean => stream.write(batchOf((first + sent++) * BATCH));
      stream.on("error", reject);
      stream.on("end", resolve);
      stream.on("data", (answer: HeartbeatsResponse) => {
        checkAccepted(answer);
        answered++;
        if (sent < share) send();
        else if (answered === share) stream.end();
      });
      while (sent < Math.min(share, STREAM_REQUESTS_IN_FLIGHT)) send();
    });
  return Promise.all(clients.map((client, index) => run(client, index * share))).then(() => undefined);
}

function checkAccepted({ accepted }: { readonly accepted: number }): void {
  if (accepted !== BATCH) throw new Error(`${accepted} of ${BATCH} heartbeats were taken`);
}

function clientOf(clients: readonly TestClient[], number: number): TestClient {
  return clients[number % clients.length] as TestClient;
}
