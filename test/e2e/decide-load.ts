// Requests without pause, each counted: what was answered, by whom, and what was not.
import type { NatsConnection } from "@nats-io/transport-node";
import { eventually } from "../support/await.ts";

const SUBJECT = "beamline.router.v1.decide";
const CONCURRENCY = 8;
const REQUEST_TIMEOUT_MS = 10_000;
/** Answers kept; a test is over long before. */
const MAX_ANSWERS = 1_000_000;
/** Failures after which a lane gives up: the test has failed by then. */
const MAX_FAILURES = 1_000;

export interface LoadOutcome {
  /** Requests without an answer, or with an error for an answer. */
  readonly failures: readonly string[];
  /** Provider of each answer, in the order in which they came. */
  readonly providers: readonly string[];
}

/** Hold it by `await using`, so that a test that fails does not leave it running. */
export class DecideLoad implements AsyncDisposable {
  readonly concurrency = CONCURRENCY;
  private readonly nc: NatsConnection;
  private readonly target: { readonly tenant: string; readonly policy: string };
  private readonly failures: string[] = [];
  private readonly providers: string[] = [];
  private lanes: Promise<void>[] = [];
  private stopping = false;
  private sent = 0;

  constructor(nc: NatsConnection, target: { readonly tenant: string; readonly policy: string }) {
    this.nc = nc;
    this.target = target;
  }

  get count(): number {
    return this.providers.length;
  }

  start(): void {
    this.lanes = Array.from({ length: CONCURRENCY }, () => this.runLane());
  }

  /** Resolves when this many answers have come. */
  async answered(count: number): Promise<void> {
    await eventually(() => this.providers.length + this.failures.length >= count, {
      deadlineMs: 30_000,
      describe: () => `${count} answers; ${this.providers.length} came, ${this.failures.length} failed`,
    });
  }

  async stop(): Promise<LoadOutcome> {
    this.stopping = true;
    await Promise.all(this.lanes);
    return { failures: this.failures, providers: this.providers };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async runLane(): Promise<void> {
    while (!this.stopping && this.providers.length < MAX_ANSWERS && this.failures.length < MAX_FAILURES) {
      try {
        const reply = await this.nc.request(SUBJECT, this.nextRequest(), { timeout: REQUEST_TIMEOUT_MS });
        const body = reply.json<{ providerId?: string }>();
        if (body.providerId === undefined) this.failures.push(JSON.stringify(body));
        else this.providers.push(body.providerId);
      } catch (error) {
        this.failures.push(String(error));
      }
    }
  }

  private nextRequest(): string {
    const { tenant, policy } = this.target;
    this.sent += 1;
    const payload = Buffer.from(`message ${this.sent}`).toString("base64");
    const context = { session_id: `session-${this.sent}` };
    return JSON.stringify({ message: { tenantId: tenant, messageType: "chat", payload }, policyId: policy, context });
  }
}
