// Many components as a client library runs them: heartbeats by one of the three ways, to one replica and, when that fails, the next.
import { type ClientDuplexStream, type ServiceError, status } from "@grpc/grpc-js";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../../proto/gen/grpc/controlplane/controlplane.ts";
import {
  ComponentKind,
  Heartbeat,
  type HeartbeatsRequest,
  type HeartbeatsResponse,
} from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { TestClient } from "../../support/control-plane.ts";

export type Way = "unary" | "batch" | "stream";

/** The component was heard at some time between the two. */
interface AnsweredCall {
  readonly askedAtMs: number;
  readonly answeredAtMs: number;
}

export interface FleetOptions {
  readonly components: number;
  readonly ttlMs: number;
  readonly addresses: readonly string[];
}

const kind = ComponentKind.COMPONENT_KIND_PROCESSOR;
/** Components of one process. */
const AGENT_SIZE = 50;
const WAYS: readonly Way[] = ["batch", "stream", "batch", "stream", "unary"];
/** At the start. */
const REGISTRATIONS_PER_S = 400;
const CALL_DEADLINE_MS = 2_000;
/** In which replicas tell each other of a heartbeat, also when one report is lost. */
const SPREAD_MS = 4_000;
const KEPT_CALLS = 4;
const JITTER = 0.1;
const BEATS_IN_A_TTL = 3;
/** A replica that failed is not asked again at once by everybody. */
const BACKOFF_MS = 100;

/** What the fleet did, for the failure of a test and for figures. */
export interface FleetCounts {
  beats: number;
  failedCalls: number;
  registrations: number;
}

export class Fleet {
  readonly counts: FleetCounts = { beats: 0, failedCalls: 0, registrations: 0 };
  /** By component, its last calls that were answered well, the latest first. */
  private readonly calls = new Map<string, readonly AnsweredCall[]>();
  private readonly clients: readonly TestClient[];
  private readonly agents: Agent[] = [];

  constructor(options: FleetOptions) {
    this.clients = options.addresses.map((address) => new TestClient(address));
    for (let first = 0; first < options.components; first += AGENT_SIZE) {
      const size = Math.min(AGENT_SIZE, options.components - first);
      const ids = Array.from({ length: size }, (_, index) => `c${first + index}`);
      const number = first / AGENT_SIZE;
      const way = WAYS[number % WAYS.length] as Way;
      const startMs = (first / REGISTRATIONS_PER_S) * 1_000;
      const { ttlMs } = options;
      this.agents.push(new Agent({ ids, way, home: number, ttlMs, startMs, fleet: this, clients: this.clients }));
    }
  }

  start(): void {
    for (const agent of this.agents) agent.start();
  }

  /** Their processes are gone. Resolves when the last call that names one of them has ended. */
  async kill(ids: readonly string[]): Promise<void> {
    const gone = new Set(ids);
    const owners = this.agents.filter((agent) => agent.lose(gone));
    await Promise.all(owners.map((agent) => agent.idle()));
  }

  /** A call that named these was answered well. */
  heard(ids: Iterable<string>, askedAtMs: number): void {
    const answeredAtMs = Date.now();
    const call = { askedAtMs, answeredAtMs };
    for (const id of ids) this.calls.set(id, [call, ...(this.calls.get(id) ?? [])].slice(0, KEPT_CALLS));
  }

  /** It was heard for the last time then, or before. */
  lastHeardMs(id: string): number {
    return this.calls.get(id)?.[0]?.answeredAtMs ?? 0;
  }

  /**
   * Why nobody may say now that a component has been silent for `ttlMs`; undefined when that is true. A heartbeat counts once every
   * replica must know of it.
   */
  signOfLife(id: string, ttlMs: number): string | undefined {
    const nowMs = Date.now();
    const isKnown = ({ askedAtMs, answeredAtMs }: AnsweredCall): boolean =>
      answeredAtMs + SPREAD_MS <= nowMs && nowMs < askedAtMs + ttlMs;
    const call = this.calls.get(id)?.find(isKnown);
    return call === undefined
      ? undefined
      : `${id} asked ${nowMs - call.askedAtMs} ms ago and was answered ${nowMs - call.answeredAtMs} ms ago`;
  }

  /** They are heard again, without another registration. */
  revive(ids: Iterable<string>): void {
    for (const id of ids) for (const agent of this.agents) if (agent.owns(id)) agent.ids.add(id);
  }

  alive(): string[] {
    return this.agents.flatMap(({ ids }) => [...ids]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.agents.map((agent) => agent.stop()));
    for (const client of this.clients) client.close();
  }
}

interface AgentOptions {
  readonly ids: readonly string[];
  readonly way: Way;
  /** Number of the replica that it asks first. */
  readonly home: number;
  readonly ttlMs: number;
  /** When it begins. */
  readonly startMs: number;
  readonly fleet: Fleet;
  readonly clients: readonly TestClient[];
}

type Send = (client: TestClient, ids: readonly string[]) => Promise<readonly string[]>;

class Agent {
  readonly ids: Set<string>;
  private readonly options: AgentOptions;
  private replica: number;
  private unregistered: Set<string>;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;
  private stream: HeartbeatStream | undefined;

  constructor(options: AgentOptions) {
    this.options = options;
    this.ids = new Set(options.ids);
    this.unregistered = new Set(options.ids);
    this.replica = options.home % options.clients.length;
  }

  /** Whether one of these was its own. */
  lose(ids: ReadonlySet<string>): boolean {
    const before = this.ids.size;
    for (const id of this.options.ids) if (ids.has(id)) this.ids.delete(id);
    return this.ids.size < before;
  }

  /** Resolves when no call is under way. */
  idle(): Promise<void> {
    return this.running;
  }

  owns(id: string): boolean {
    return this.options.ids.includes(id);
  }

  start(): void {
    // Not all in the same moment.
    this.next(this.options.startMs);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.running;
    this.stream?.close();
  }

  private next(delayMs: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.round();
    }, delayMs);
  }

  private async round(): Promise<void> {
    const { ttlMs, clients, fleet } = this.options;
    const every = (ttlMs / BEATS_IN_A_TTL) * (1 + (Math.random() * 2 - 1) * JITTER);
    const client = clients[this.replica] as TestClient;
    try {
      const wanted = [...this.unregistered].filter((id) => this.ids.has(id));
      await Promise.all(wanted.map((id) => this.register(client, id)));
      const ids = [...this.ids];
      const askedAtMs = Date.now();
      const unknown = ids.length === 0 ? [] : await this.send(client, ids);
      this.unregistered = new Set(unknown);
      const heard = ids.filter((id) => !this.unregistered.has(id));
      fleet.heard(heard, askedAtMs);
      fleet.counts.beats += heard.length;
      this.next(unknown.length > 0 ? BACKOFF_MS : every);
    } catch {
      // Unreachable, stopped or ending: the next one.
      fleet.counts.failedCalls += 1;
      this.replica = (this.replica + 1) % clients.length;
      this.stream?.close();
      this.stream = undefined;
      this.next(BACKOFF_MS);
    }
  }

  private async register(client: TestClient, id: string): Promise<void> {
    const { ttlMs, fleet } = this.options;
    const metadata = { instance_id: `${id}-1`, heartbeat_ttl: `${ttlMs}ms` };
    const request = { processorId: id, endpoint: "127.0.0.1:9000", metadata };
    const askedAtMs = Date.now();
    await client.unary(ControlPlaneService.registerProcessor, request, deadline());
    fleet.counts.registrations += 1;
    fleet.heard([id], askedAtMs);
    this.unregistered.delete(id);
  }

  private readonly send: Send = (client, ids) => {
    if (this.options.way === "unary") return this.sendUnary(client, ids);
    const heartbeats = ids.map((id) =>
      Heartbeat.fromPartial({ kind, id, instance: `${id}-1`, status: "HEALTHY", metrics: { queue: 1 } }),
    );
    if (this.options.way === "batch")
      return client
        .unary(RegistryService.batchHeartbeat, { heartbeats }, deadline())
        .then(({ failures }) => failures.map(({ index }) => ids[index] as string));
    this.stream ??= new HeartbeatStream(client);
    return this.stream.send({ heartbeats }).then(({ failures }) => failures.map(({ index }) => ids[index] as string));
  };

  private async sendUnary(client: TestClient, ids: readonly string[]): Promise<readonly string[]> {
    const unknown: string[] = [];
    const beat = { status: "HEALTHY", metrics: { queue: 1 }, timestamp: undefined };
    await Promise.all(
      ids.map((processorId) =>
        client
          .unary(ControlPlaneService.processorHeartbeat, { processorId, ...beat }, deadline())
          .catch((error: ServiceError) => {
            if (error.code !== status.NOT_FOUND) throw error;
            unknown.push(processorId);
          }),
      ),
    );
    return unknown;
  }
}

/** One request at a time, each answered. */
class HeartbeatStream {
  private readonly stream: ClientDuplexStream<HeartbeatsRequest, HeartbeatsResponse>;
  private failed: Error | undefined;
  private settle: ((answer: HeartbeatsResponse | Error) => void) | undefined;

  constructor(client: TestClient) {
    this.stream = client.bidiStream(RegistryService.heartbeats);
    this.stream.on("data", (answer: HeartbeatsResponse) => this.settle?.(answer));
    this.stream.on("error", (error: Error) => this.fail(error));
    this.stream.on("end", () => this.fail(new Error("the stream ended")));
  }

  send(request: HeartbeatsRequest): Promise<HeartbeatsResponse> {
    return new Promise((resolve, reject) => {
      if (this.failed !== undefined) return reject(this.failed);
      const timer = setTimeout(() => this.fail(new Error("no answer in time")), CALL_DEADLINE_MS);
      this.settle = (answer) => {
        clearTimeout(timer);
        this.settle = undefined;
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      };
      this.stream.write(request);
    });
  }

  close(): void {
    this.stream.cancel();
  }

  private fail(error: Error): void {
    this.failed ??= error;
    this.settle?.(this.failed);
  }
}

function deadline(): { readonly deadline: number } {
  return { deadline: Date.now() + CALL_DEADLINE_MS };
}
