// What the two ways in share: the table in force, the drive of one delivery to its end, what is counted and logged about it.
import { buildErrorAnswer } from "../core/handover/answer.ts";
import { checkPublishSubject } from "../core/handover/check-publish-subject.ts";
import type { Names } from "../core/handover/subjects.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import { reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { encodeHeaderBlock, formatHeaderLines } from "../runtime/nats/headers.ts";
import type { Delivery, HandleContext, Handled } from "./delivery.ts";
import { handleDelivery } from "./handle.ts";
import type { RouterMetrics } from "./metrics.ts";
import type { Outbox } from "./outbox.ts";

export type Source = "request" | "submit";

/** When a refused request may be tried again. */
const OVERLOAD_RETRY_MS = 1_000;

export interface RouterOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly outbox: Outbox;
  readonly metrics: RouterMetrics;
  readonly log: Logger;
  /** Context of the table in force, undefined before the first. */
  context(): HandleContext | undefined;
}

export class Router {
  private readonly options: RouterOptions;

  constructor(options: RouterOptions) {
    this.options = options;
  }

  get names(): Names {
    return this.options.names;
  }

  /** Handles one delivery; `settle` gets undefined when handling threw, which is a bug and is logged as one. */
  handle(source: Source, delivery: Delivery, settle: (handled: Handled | undefined) => void): void {
    const { outbox, metrics, log } = this.options;
    const startMs = performance.now();
    const context = this.options.context();
    if (context === undefined) {
      settle(undefined);
      return;
    }
    outbox.run(
      handleDelivery(delivery, context),
      (handled) => {
        metrics.count(source, handled, (performance.now() - startMs) / 1000);
        this.logOutcome(delivery, handled);
        this.logSteps(handled);
        settle(handled);
      },
      (bug) => {
        metrics.countBug(source);
        log.error("handling failed", { subject: delivery.subject, reason: reasonOf(bug) });
        settle(undefined);
      },
    );
  }

  /** Refuses a request that does not fit into the window. */
  refuse(delivery: Delivery): void {
    this.options.metrics.countOverload();
    if (delivery.replyTo === undefined) return;
    const { names, link } = this.options;
    const rules = { tenantId: "", allowedSubjects: [], prefix: names.prefix };
    const subject = checkPublishSubject(delivery.replyTo, "reply", rules);
    if (!subject.ok) return;
    const error = {
      code: "unavailable" as const,
      message: "the router's window is full",
      retryAfterMs: OVERLOAD_RETRY_MS,
    };
    const answer = buildErrorAnswer(error, {}, nodeCodec);
    const lines = formatHeaderLines(answer.headers);
    if (lines.ok) link.mux.send(subject.value, answer.body, encodeHeaderBlock(lines.value));
  }

  /** A step that stops its message is told with the outcome. */
  private logSteps({ steps = [], outcome }: Handled): void {
    for (const { stage, step, target, outcome: end, reason, consequence } of steps) {
      if (consequence !== "warned") continue;
      const tenant = "tenantId" in outcome ? outcome.tenantId : outcome.rejection.tenantId;
      this.options.log.warn("step passed over", {
        stage,
        step,
        target,
        outcome: end,
        detail: reason,
        tenant_id: tenant,
      });
    }
  }

  private logOutcome(delivery: Delivery, handled: Handled): void {
    const { outcome } = handled;
    const { log } = this.options;
    switch (outcome.kind) {
      case "rejected": {
        const { reason, message, field, tenantId, correlation } = outcome.rejection;
        log.warn("message rejected", {
          reason,
          detail: message,
          field,
          subject: delivery.subject,
          tenant_id: tenantId,
          message_id: correlation.messageId,
          request_id: correlation.requestId,
          run_id: correlation.runId,
          flow_id: correlation.flowId,
          step_id: correlation.stepId,
          trace_id: correlation.traceId,
          dead_letter: outcome.deadLetter,
        });
        return;
      }
      case "failed":
        log.warn("decision failed", { error_code: outcome.code, detail: outcome.message, tenant_id: outcome.tenantId });
        return;
      case "postponed":
        log.warn("dispatch postponed", {
          error_code: outcome.code,
          detail: outcome.message,
          tenant_id: outcome.tenantId,
        });
        return;
      case "decided":
        if (outcome.existing)
          log.info("duplicate answered", { tenant_id: outcome.tenantId, provider_id: outcome.providerId });
        if (outcome.generatedTraceId) log.warn("trace id generated", { tenant_id: outcome.tenantId });
    }
  }
}
