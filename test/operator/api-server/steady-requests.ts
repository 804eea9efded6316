// One request at a time, each counted: whether the data plane answers while something else is broken.

import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { pause } from "../../../kubernetes/client.ts";
import { eventually } from "../../support/await.ts";

export interface SteadyRequestsOptions {
  readonly natsUrl: string;
  /** Text of a `.creds` file, where the server asks for one. */
  readonly credentials?: string;
  /** Of the decide requests; with the prefix of the Router's subjects, if it has one. */
  readonly subject?: string;
  readonly tenant: string;
  readonly policy: string;
}

export interface RequestCounts {
  readonly answered: number;
  /** What came instead of a decision. */
  readonly failures: readonly string[];
  /** The longest wait for an answer, in milliseconds. */
  readonly slowestMs: number;
}

const DECIDE = "beamline.router.v1.decide";
const EVERY_MS = 20;
const REQUEST_TIMEOUT_MS = 5_000;
/** Kept of what failed; a test has failed by then. */
const MAX_FAILURES = 100;

/** Runs until it is disposed of. Hold it by `await using`. */
export class SteadyRequests implements AsyncDisposable {
  private readonly nc: NatsConnection;
  private readonly options: SteadyRequestsOptions;
  private readonly ending = new AbortController();
  private readonly running: Promise<void>;
  private answered = 0;
  private slowestMs = 0;
  private readonly failures: string[] = [];

  private constructor(nc: NatsConnection, options: SteadyRequestsOptions) {
    this.nc = nc;
    this.options = options;
    this.running = this.run();
  }

  /** Resolves when the first request has been answered. */
  static async start(options: SteadyRequestsOptions): Promise<SteadyRequests> {
    const { natsUrl: servers, credentials } = options;
    const login = credentials === undefined ? {} : { authenticator: credsAuthenticator(Buffer.from(credentials)) };
    const nc = await connect({ servers, ...login });
    const first = await askOnce(nc, options);
    if (first !== undefined) {
      await nc.close();
      throw new Error(first);
    }
    return new SteadyRequests(nc, options);
  }

  counts(): RequestCounts {
    const { answered, failures, slowestMs } = this;
    return { answered, failures: [...failures], slowestMs: Math.round(slowestMs) };
  }

  /** Waits until as many more have been answered. */
  async whenAnswered(more: number): Promise<void> {
    const wanted = this.answered + more;
    await eventually(() => this.answered >= wanted, {
      deadlineMs: more * EVERY_MS + REQUEST_TIMEOUT_MS,
      describe: () => `${more} more answers: ${JSON.stringify(this.counts())}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.ending.abort();
    await this.running;
    await this.nc.close();
  }

  private async run(): Promise<void> {
    const { signal } = this.ending;
    for (;;) {
      const startMs = performance.now();
      const failure = await askOnce(this.nc, this.options);
      this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
      if (failure === undefined) this.answered++;
      else if (this.failures.length < MAX_FAILURES) this.failures.push(failure);
      if (signal.aborted || !(await pause(EVERY_MS, signal))) return;
    }
  }
}

/** Asks for a decision; undefined when one came, else what came instead. */
export async function askOnce(nc: NatsConnection, options: SteadyRequestsOptions): Promise<string | undefined> {
  const { tenant: tenantId, policy: policyId, subject = DECIDE } = options;
  const request = { message: { tenantId, messageType: "chat", payload: "aGk=" }, policyId };
  try {
    const reply = await nc.request(subject, JSON.stringify(request), { timeout: REQUEST_TIMEOUT_MS });
    return reply.json<{ providerId?: string }>().providerId === undefined ? reply.string() : undefined;
  } catch (error) {
    return String(error);
  }
}
