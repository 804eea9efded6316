// One instance of a processor at one endpoint, from its registration until it goes: asked once what it can do, and then how it is.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "@grpc/grpc-js";
import { backoffMs } from "../../core/reconcile/backoff.ts";
import type { EndpointHealth, Registration } from "../../core/registry/component.ts";
import { describeError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import type { LiveRegistry } from "../live-registry.ts";
import type { AskMetrics } from "./ask-metrics.ts";
import { dial } from "./dial.ts";
import type { DialRules } from "./dial-rules.ts";
import { askCapabilities, askHealth, type Outcome } from "./questions.ts";
import type { Turns } from "./turns.ts";

/** What all conversations have in common. */
export interface AskingParts {
  readonly registry: LiveRegistry;
  readonly rules: DialRules;
  readonly metrics: AskMetrics;
  readonly log: Logger;
  /** Between two questions for the health of one component. */
  readonly healthEveryMs: number;
}

export interface ConversationOptions extends AskingParts {
  readonly turns: Turns;
  readonly registration: Registration;
  readonly wantsCapabilities: boolean;
}

/** A processor may register before it listens. */
const CAPABILITY_ATTEMPTS = 5;
const BACKOFF = { baseMs: 500, maxMs: 15_000 };
/** Share of the interval by which each one varies, so that they do not come together. */
const JITTER = 0.2;
/** After so many questions without an answer, the last answer counts no more. */
const MAX_UNANSWERED = 3;
const MAX_DOUBLINGS = 5;

export class Conversation {
  private readonly options: ConversationOptions;
  private readonly ending = new AbortController();
  private client: Client | undefined;

  constructor(options: ConversationOptions) {
    this.options = options;
  }

  /** Whether nothing that matters to it differs. */
  isWith({ instance, endpoint }: Registration): boolean {
    const { registration } = this.options;
    return registration.instance === instance && registration.endpoint === endpoint;
  }

  start(): void {
    this.run().catch((error: unknown) => {
      if (!this.ended) this.options.log.error("asking a processor failed", { error: describeError(error) });
    });
  }

  end(): void {
    this.ending.abort();
    this.hangUp();
  }

  private get ended(): boolean {
    return this.ending.signal.aborted;
  }

  private async run(): Promise<void> {
    const isOpen = !this.options.wantsCapabilities || (await this.readCapabilities());
    if (isOpen) await this.followHealth();
    this.hangUp();
  }

  /** Resolves to whether the endpoint may be asked more. */
  private async readCapabilities(): Promise<boolean> {
    const { registry, registration, metrics, log } = this.options;
    for (let attempt = 1; !this.ended && attempt <= CAPABILITY_ATTEMPTS; attempt++) {
      const outcome = await this.ask((client) => askCapabilities(client, registration));
      metrics.asked("capabilities", outcome.kind);
      const { kind, id, instance, endpoint } = registration;
      if (this.ended || outcome.kind === "unoffered") return !this.ended;
      if (outcome.kind === "answered") {
        registry.apply({ kind: "capabilitiesRead", name: { kind, id }, instance, capabilities: outcome.value });
        return true;
      }
      if (outcome.kind !== "failed") {
        const what = outcome.kind === "refused" ? "endpoint is not asked" : "answer to GetCapabilities ignored";
        log.warn(`${what}`, { id, instance, endpoint, reason: outcome.reason });
        return outcome.kind === "ignored";
      }
      if (attempt < CAPABILITY_ATTEMPTS) await this.pause(backoffMs(BACKOFF, attempt, Math.random()));
      else log.warn("no answer to GetCapabilities", { id, instance, endpoint, reason: outcome.reason });
    }
    return !this.ended;
  }

  private async followHealth(): Promise<void> {
    const { metrics, healthEveryMs } = this.options;
    for (let unanswered = 0; !this.ended; ) {
      const outcome = await this.ask(askHealth);
      if (this.ended) return;
      metrics.asked("health", outcome.kind);
      if (outcome.kind === "unoffered" || outcome.kind === "refused") return this.tell("unknown");
      unanswered = outcome.kind === "answered" ? 0 : unanswered + 1;
      if (outcome.kind === "answered") this.tell(outcome.value);
      else if (unanswered >= MAX_UNANSWERED) this.tell("unknown");
      // Who cannot be reached from here is asked less and less often: its heartbeats say that it lives.
      const everyMs = healthEveryMs * 2 ** Math.min(Math.max(0, unanswered - MAX_UNANSWERED), MAX_DOUBLINGS);
      await this.pause(everyMs * (1 - JITTER + 2 * JITTER * Math.random()));
    }
  }

  private tell(health: EndpointHealth): void {
    const { registry, registration } = this.options;
    const { kind, id, instance } = registration;
    registry.apply({ kind: "endpointProbed", name: { kind, id }, instance, health });
  }

  private ask<T>(question: (client: Client) => Promise<Outcome<T>>): Promise<AskOutcome<T>> {
    return this.options.turns.take(async () => {
      if (this.ended) return { kind: "failed", reason: "it has gone" };
      if (this.client === undefined) {
        const dialled = await dial(this.options.registration.endpoint, this.options.rules);
        if (!dialled.ok) {
          const { kind, reason } = dialled.error;
          return kind === "refused" ? { kind, reason } : { kind: "failed", reason };
        }
        this.client = dialled.value;
      }
      const outcome = await question(this.client);
      // The name may stand for another address by now.
      if (outcome.kind === "failed" || this.ended) this.hangUp();
      return outcome;
    });
  }

  private hangUp(): void {
    this.client?.close();
    this.client = undefined;
  }

  private async pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.ending.signal, ref: false }).catch(() => undefined);
  }
}

type AskOutcome<T> = Outcome<T> | { readonly kind: "refused"; readonly reason: string };
