// One component: registers, beats until it ends, registers again when it was forgotten. None of it is ever waited for by the
// component's own work, and none of it throws there.
import { setTimeout as delay } from "node:timers/promises";
import type { Heartbeat } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { heartbeatDelayMs, retryDelayMs } from "./backoff.ts";
import type { CallProblem } from "./call-problem.ts";
import { type AppliedConfiguration, type ConfigurationCallback, ConfigurationWatch } from "./configuration-watch.ts";
import type { Connection } from "./connection.ts";
import type { EventListener } from "./events.ts";
import type { Heartbeats } from "./heartbeats.ts";
import { KINDS, type Registration, register, unregister } from "./registration.ts";
import { type Metrics, trimReport } from "./report.ts";
import { Wakeable } from "./wakeable.ts";

export interface ComponentParts {
  readonly connection: Connection;
  readonly heartbeats: Heartbeats;
  readonly registration: Registration;
  readonly instance: string;
  readonly ttlMs: number;
  readonly tell: EventListener;
  readonly onConfiguration: ConfigurationCallback | undefined;
  readonly onEnd: (component: RegisteredComponent) => void;
}

export type ComponentState = "registering" | "registered" | "superseded" | "ended";

const REGISTER_TIMEOUT_MS = 5_000;
/** An unanswered heartbeat must leave time for another one, to another replica. */
const BEAT_TIMEOUTS_PER_TTL = 6;
const BEAT_TIMEOUT_MS = { least: 250, most: 5_000 } as const;
/** Between two heartbeats, however often the status changes. */
const MIN_BEAT_GAP_MS = 200;
/** Of each call while draining: a control plane that is away holds nobody's exit up for longer. */
const DRAIN_CALL_MS = 1_000;
const STOPPING = "STOPPING";
/** Reason with which the control plane tells an instance that another one has its id. */
const SUPERSEDED = "INSTANCE_SUPERSEDED";

export class RegisteredComponent {
  private readonly parts: ComponentParts;
  private readonly watch: ConfigurationWatch | undefined;
  private readonly wakeable = new Wakeable();
  private readonly running: Promise<void>;
  private currentState: ComponentState = "registering";
  private currentId: string;
  private status = "HEALTHY";
  private metrics: Metrics = {};
  /** Something changed that must not wait for the next heartbeat. */
  private urgent = false;
  private failures = 0;
  private reachable = true;
  private trimmed = "";
  private following = false;
  private draining: Promise<void> | undefined;

  constructor(parts: ComponentParts) {
    this.parts = parts;
    this.currentId = parts.registration.id;
    const { connection, onConfiguration: apply, tell } = parts;
    this.watch =
      apply === undefined
        ? undefined
        : new ConfigurationWatch({ connection, apply, tell, onReport: () => this.beatSoon() });
    this.running = this.run();
  }

  /** The one that was asked for, or the one that the control plane made up; empty until then. */
  get id(): string {
    return this.currentId;
  }

  get instance(): string {
    return this.parts.instance;
  }

  get state(): ComponentState {
    return this.currentState;
  }

  /** The last one that the component took. */
  get configuration(): AppliedConfiguration | undefined {
    return this.watch?.lastGood;
  }

  /** `HEALTHY`, `UNHEALTHY`, or any other text; a change is reported at once. */
  setStatus(status: string): void {
    if (status === this.status) return;
    this.status = status;
    this.beatSoon();
  }

  /** Goes with the next heartbeat, in place of those before. */
  setMetrics(metrics: Metrics): void {
    this.metrics = metrics;
  }

  /** Reports STOPPING, waits for `finishWork`, and unregisters. Rejects only with what `finishWork` rejects with. */
  drain(finishWork?: () => Promise<void>): Promise<void> {
    this.draining ??= this.leave(finishWork);
    return this.draining;
  }

  /** Ends at once and tells nobody: the control plane loses the component when its time to live is over. */
  end(state: "superseded" | "ended" = "ended"): void {
    if (this.isOver) return;
    this.currentState = state;
    this.watch?.stop();
    this.wakeable.wake();
    this.parts.onEnd(this);
  }

  private get isOver(): boolean {
    return this.currentState === "superseded" || this.currentState === "ended";
  }

  private beatSoon(): void {
    this.urgent = true;
    this.wakeable.wake();
  }

  private async run(): Promise<void> {
    while (!this.isOver) {
      const registered = this.currentState === "registered";
      const delayMs = registered ? await this.beat() : await this.register();
      await this.pause(delayMs);
    }
  }

  /** Until the next step; what is urgent shortens it only for a component that is heard. */
  private async pause(delayMs: number): Promise<void> {
    const startMs = performance.now();
    const shortest = this.failures === 0 ? Math.min(delayMs, MIN_BEAT_GAP_MS) : delayMs;
    while (!this.isOver) {
      const leftMs = startMs + (this.urgent ? shortest : delayMs) - performance.now();
      if (leftMs <= 0) return;
      await this.wakeable.wait(leftMs);
    }
  }

  /** One attempt; gives the time until the next step. */
  private async register(): Promise<number> {
    const { connection, registration, instance, ttlMs, tell } = this.parts;
    const metadata = { instance_id: instance, heartbeat_ttl: `${ttlMs}ms`, ...registration.metadata };
    try {
      const [id, address] = await connection.use(async (channel) => {
        const what = { ...registration, id: this.currentId, metadata };
        return [await register(channel, what, REGISTER_TIMEOUT_MS), channel.address] as const;
      });
      this.reached();
      if (this.isOver) return 0;
      this.currentId = id;
      this.currentState = "registered";
      tell({ kind: "registered", id, instance, address });
      this.followConfiguration();
      return 0;
    } catch (error) {
      return this.failed(error as CallProblem);
    }
  }

  /** One heartbeat; gives the time until the next step. */
  private async beat(): Promise<number> {
    const { heartbeats, ttlMs, tell } = this.parts;
    const intervalMs = heartbeatDelayMs(ttlMs, Math.random());
    this.urgent = false;
    try {
      const answer = await heartbeats.send(this.heartbeat(this.status), beatTimeoutMs(ttlMs));
      this.reached();
      if (answer === undefined) this.failures = 0;
      else if (answer.code === "NOT_FOUND") return this.unknown(answer);
      else tell({ kind: "refused", code: answer.code, message: answer.message, violations: answer.violations });
      return intervalMs;
    } catch (error) {
      return Math.min(this.failed(error as CallProblem), intervalMs);
    }
  }

  private heartbeat(status: string): Heartbeat {
    const { registration, instance, tell } = this.parts;
    const { report, problems } = trimReport({ status, metrics: this.metrics });
    const message = problems.join("; ");
    if (message !== this.trimmed && message !== "") tell({ kind: "reportTrimmed", message });
    this.trimmed = message;
    const configuration = this.watch?.report;
    return { kind: KINDS[registration.kind], id: this.currentId, instance, ...report, configuration };
  }

  private unknown({ reason, message }: CallProblem): number {
    if (this.isOver) return 0;
    if (reason === SUPERSEDED) {
      this.parts.tell({ kind: "superseded", message });
      this.end("superseded");
      return 0;
    }
    this.currentState = "registering";
    this.parts.tell({ kind: "forgotten" });
    return retryDelayMs(this.failures++, Math.random());
  }

  /** Gives the time until the next attempt: none while there are addresses that were not tried. */
  private failed(problem: CallProblem): number {
    const { code, message, violations } = problem;
    const { tell, connection } = this.parts;
    if (this.isOver) return 0;
    const attempt = this.failures++;
    if (!problem.isOutage) tell({ kind: "refused", code, message, violations });
    else if (this.reachable) tell({ kind: "unreachable", code, message });
    if (problem.isOutage) this.reachable = false;
    const untried = problem.isOutage && attempt + 1 < connection.addressCount;
    return untried ? 0 : retryDelayMs(attempt, Math.random());
  }

  private reached(): void {
    if (!this.reachable) this.parts.tell({ kind: "reached" });
    this.reachable = true;
  }

  private followConfiguration(): void {
    if (this.following) return;
    this.following = true;
    void this.watch?.follow(this.parts.registration.kind, () => this.currentId);
  }

  private async leave(finishWork: (() => Promise<void>) | undefined): Promise<void> {
    this.status = STOPPING;
    try {
      await Promise.all([this.sayStopping(), finishWork?.()]);
    } finally {
      const wasRegistered = this.currentState === "registered";
      const superseded = this.currentState === "superseded";
      this.end();
      // A registration that is on its way would stand until its time to live is over.
      await Promise.race([this.running, delay(DRAIN_CALL_MS)]);
      if (!superseded && (wasRegistered || this.reachable)) await this.unregister();
    }
  }

  private async sayStopping(): Promise<void> {
    if (this.currentState !== "registered") return;
    try {
      await this.parts.heartbeats.send(this.heartbeat(STOPPING), DRAIN_CALL_MS);
    } catch (error) {
      this.failed(error as CallProblem);
    }
  }

  private async unregister(): Promise<void> {
    const { connection, registration, instance, tell } = this.parts;
    if (this.currentId === "") return;
    const name = { kind: registration.kind, id: this.currentId, instance };
    const problem = await unregister(connection, name, DRAIN_CALL_MS);
    if (problem === undefined) tell({ kind: "unregistered" });
    else tell({ kind: "refused", code: problem.code, message: problem.message, violations: problem.violations });
  }
}

function beatTimeoutMs(ttlMs: number): number {
  return Math.min(BEAT_TIMEOUT_MS.most, Math.max(BEAT_TIMEOUT_MS.least, ttlMs / BEAT_TIMEOUTS_PER_TTL));
}
