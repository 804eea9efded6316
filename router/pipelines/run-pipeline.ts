// The whole life of a pipeline's message in this router: validate, look whether it is done, process, store, settle.
import type { Effect, EffectResult } from "../../core/handover/effects.ts";
import { parsePipelineInput, pipelineDoneSubject } from "../../core/handover/pipeline-subjects.ts";
import type { DecideRequest } from "../../core/intake/message.ts";
import type { IntakeReason } from "../../core/intake/reasons.ts";
import { buildRejection } from "../../core/intake/rejection.ts";
import { validateIntakeMessage } from "../../core/intake/validate-intake-message.ts";
import { pipelineEffectId, planOutputs } from "../../core/pipelines/outputs.ts";
import { refuseInput } from "../../core/pipelines/take-input.ts";
import type { PipelineObject } from "../../core/policy/objects.ts";
import { componentKey } from "../../core/registry/component.ts";
import type { GetResult } from "../../runtime/nats/get-result.ts";
import type { Delivery, HandleContext, Handled, StreamPosition } from "../delivery.ts";
import { rejectDelivery, rejectFor, retryOrGiveUp } from "../reject.ts";
import { isBeyondWindow, isPoisonSuspected } from "../window.ts";
import type { BatchStore } from "./batch-store.ts";
import { encodeEvent } from "./output-body.ts";
import { runStages, type StagesHost } from "./run-stages.ts";

export interface PipelineHost extends StagesHost {
  readonly store: Pick<BatchStore, "store">;
  /** Largest message that the server takes. */
  readonly maxOutputBytes: number;
  /** What stands on a canonical subject of the outputs' stream. */
  readLast(subject: string): Promise<GetResult>;
  /** Performs the effects of a refusal. */
  perform(handling: Generator<Effect, Handled, EffectResult>): Promise<Handled>;
}

export type PipelineOutcome = "done" | "existing" | "rejected" | "dropped" | "retried" | "postponed";

export interface PipelineEnd extends Pick<Handled, "disposition" | "countsAsError"> {
  readonly outcome: PipelineOutcome;
  /** Messages stored for consumers. */
  readonly stored: number;
  /** Why, where it is not done. */
  readonly reason?: string;
}

type DurableDelivery = Delivery & { readonly position: StreamPosition };

const FIRST_AWAY_DELAY_MS = 1_000;
/** Components come back within seconds, and their messages should not wait much longer than that. */
const MAX_AWAY_DELAY_MS = 10_000;
/** For the first three minutes or so. */
const PROMPT_DELIVERIES = 20;
/** Later: waiting alone must not make a message one that was delivered suspiciously often. */
const LONG_AWAY_DELAY_MS = 60_000;

export async function runPipeline(
  delivery: DurableDelivery,
  context: HandleContext,
  host: PipelineHost,
): Promise<PipelineEnd> {
  const key = parsePipelineInput(delivery.subject);
  const name = key === undefined ? delivery.subject : `${key.namespace}/${key.name}`;
  const pipeline = context.table.pipelines.get(name);
  const refusal = new Refusals(delivery, context, host, pipeline);
  if (isPoisonSuspected(delivery))
    return refusal.final("poison_suspected", `${delivery.position.deliveryCount} deliveries`);

  const intake = validateIntakeMessage("decide", delivery.subject, delivery.headers, delivery.body, context.rules);
  if (!intake.ok) return refusal.settle(rejectDelivery(delivery, intake.error, context));
  const request = intake.value;
  if (pipeline === undefined) return refusal.orRetry("pipeline_not_found", name, request);
  const { id } = pipeline.spec.source;
  const source = host.verdicts().get(componentKey({ kind: "source", id }));
  const unfit = refuseInput(pipeline, request, source?.outputEventTypes);
  if (unfit !== undefined) {
    const known = { tenantId: request.tenantId, correlation: request.correlation };
    return refusal.settle(rejectDelivery(delivery, buildRejection("decide", unfit, known), context));
  }

  const effectId = pipelineEffectId(context.codec, context.router, pipeline.meta, request, delivery.position);
  const standing = await findStanding(delivery, request, effectId, host);
  if (standing === "done")
    return { disposition: { kind: "ack" }, countsAsError: false, outcome: "existing", stored: 0 };
  if (standing === "unknown") return postpone(delivery, "what is stored could not be read");
  if (isBeyondWindow(delivery, context)) return refusal.final("redelivered_after_window", "", request);
  return processAndStore(delivery, { pipeline, request, effectId }, context, host, refusal);
}

interface Work {
  readonly pipeline: PipelineObject;
  readonly request: DecideRequest;
  readonly effectId: string;
}

async function processAndStore(
  delivery: DurableDelivery,
  { pipeline, request, effectId }: Work,
  context: HandleContext,
  host: PipelineHost,
  refusal: Refusals,
): Promise<PipelineEnd> {
  const facts = {
    pipeline: `${pipeline.meta.namespace}/${pipeline.meta.name}`,
    request,
    effectId,
    delivery: delivery.position.deliveryCount,
  };
  const made = await runStages(pipeline, facts, host);
  switch (made.kind) {
    case "refused":
      return refusal.final("processor_refused", made.reason, request);
    case "tooLarge":
      return refusal.final("pipeline_output_too_large", made.reason, request);
    case "failed":
      return refusal.orRetry("retries_exhausted", made.reason, request);
    case "away":
      return postpone(delivery, made.reason);
  }
  const messages = planOutputs({
    codec: context.codec,
    pipeline,
    request,
    effectId,
    events: made.events,
    doneTtlMs: context.retentionMs,
    encode: (event, id) => encodeEvent(request, event, id),
  });
  const largest = messages.reduce((most, { body }) => Math.max(most, body.length), 0);
  if (largest > host.maxOutputBytes) {
    const reason = `an event of ${largest} bytes, at most ${host.maxOutputBytes}`;
    return refusal.final("pipeline_output_too_large", reason, request);
  }
  const result = await host.store.store(messages);
  switch (result.kind) {
    case "stored":
      return { disposition: { kind: "ack" }, countsAsError: false, outcome: "done", stored: messages.length - 1 };
    case "conflict":
      return { disposition: { kind: "ack" }, countsAsError: false, outcome: "existing", stored: 0 };
    case "inFlight":
      return postpone(delivery, "another router is storing the same");
    case "unavailable":
      return postpone(delivery, `outputs not stored: ${result.reason}`);
    case "full":
      return postpone(delivery, `outputs not stored: ${result.description}`);
    case "rejected":
      return refusal.orRetry("retries_exhausted", `outputs not stored: ${result.description}`, request);
  }
}

/** Only a repeat can be done already: a delivery that is not the first, or a key that was sent before. */
async function findStanding(
  { position }: DurableDelivery,
  { correlation }: DecideRequest,
  effectId: string,
  host: PipelineHost,
): Promise<"done" | "not" | "unknown"> {
  if (position.deliveryCount <= 1 && correlation.idempotencyKey === undefined) return "not";
  const found = await host.readLast(pipelineDoneSubject(effectId));
  if (found.kind === "found") return "done";
  return found.kind === "missing" ? "not" : "unknown";
}

/** How long a message waits after this many deliveries, when nothing is known against it. */
export function awayDelayMs(deliveryCount: number): number {
  if (deliveryCount > PROMPT_DELIVERIES) return LONG_AWAY_DELAY_MS;
  return Math.min(MAX_AWAY_DELAY_MS, FIRST_AWAY_DELAY_MS * 2 ** (deliveryCount - 1));
}

function postpone({ position }: DurableDelivery, reason: string): PipelineEnd {
  const delayMs = awayDelayMs(position.deliveryCount);
  return { disposition: { kind: "nak", delayMs }, countsAsError: false, outcome: "postponed", stored: 0, reason };
}

/** What a message that is not processed comes to: a dead letter, another try, or nothing where the pipeline says so. */
class Refusals {
  private readonly delivery: DurableDelivery;
  private readonly context: HandleContext;
  private readonly host: PipelineHost;
  private readonly isDropped: boolean;

  constructor(
    delivery: DurableDelivery,
    context: HandleContext,
    host: PipelineHost,
    pipeline: PipelineObject | undefined,
  ) {
    this.delivery = delivery;
    this.context = context;
    this.host = host;
    this.isDropped = pipeline?.spec.onFailure === "Drop";
  }

  final(reason: IntakeReason, detail: string, request?: DecideRequest): Promise<PipelineEnd> {
    return this.settle(rejectFor(this.delivery, reason, detail, this.context, request));
  }

  orRetry(
    reason: "retries_exhausted" | "pipeline_not_found",
    detail: string,
    request: DecideRequest,
  ): Promise<PipelineEnd> {
    return this.settle(retryOrGiveUp(this.delivery, reason, detail, request, this.context));
  }

  async settle(handling: Generator<Effect, Handled, EffectResult>): Promise<PipelineEnd> {
    if (this.isDropped) return this.drop(handling);
    return endOf(await this.host.perform(handling), "rejected");
  }

  /** The refusal itself says whether it is final; its dead letter, the first thing it would store, is left out. */
  private drop(handling: Generator<Effect, Handled, EffectResult>): PipelineEnd {
    const step = handling.next();
    if (step.done) return endOf(step.value, "dropped");
    const reason = "the pipeline drops what it cannot process";
    return { disposition: { kind: "term", reason }, countsAsError: false, outcome: "dropped", stored: 0, reason };
  }
}

function endOf({ disposition, countsAsError, outcome: handled }: Handled, final: "rejected" | "dropped"): PipelineEnd {
  const outcome = disposition.kind === "term" ? final : countsAsError ? "retried" : "postponed";
  const reason = handled.kind === "rejected" ? handled.rejection.message : "message" in handled ? handled.message : "";
  return { disposition, countsAsError, outcome, stored: 0, reason };
}
