// What follows an attempt that failed, in its shortest form: the next provider of the policy takes over, or the effect
// is given up.
import { decide } from "../../../core/decide/decide.ts";
import { planEnd } from "../../../core/handover/assignment.ts";
import { finishWithdrawal, planNextAttempt, readStanding, supersede } from "../../../core/handover/chain.ts";
import { decisionRecord } from "../../../core/handover/decision-record.ts";
import type { Effect, EffectResult, OutgoingMessage } from "../../../core/handover/effects.ts";
import type { ExistingEffect } from "../../../core/handover/record.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";
import type { HandleContext } from "../../../router/delivery.ts";

export interface RerouteJob {
  readonly effectId: string;
  /** The attempt that failed; another one standing means that the job was done. */
  readonly attempt: number;
  readonly request: DecideRequest;
}

/** `again`: nothing is known, or a withdrawal may be undone; the job's timer fires once more. */
export type Rerouting = Generator<Effect, "done" | "again", EffectResult>;
export type Reroute = (job: RerouteJob, context: HandleContext, nowMs: number) => Rerouting;

const MAX_ATTEMPTS = 3;
const DEADLINE_MS = 30_000;

export function* rerouteEffect(job: RerouteJob, context: HandleContext, nowMs: number): Rerouting {
  const found = yield* readStanding(job.effectId);
  if (found.kind === "unavailable") return "again";
  if (found.kind !== "standing") return "done";
  const { existing } = found;
  if (existing.stage !== "assignment" || existing.attempt !== job.attempt) {
    yield* finishWithdrawal(existing);
    return "done";
  }
  const outcome = yield* supersede(existing, planSuccessor(existing, job.request, context, nowMs));
  return outcome.kind === "stored" || outcome.kind === "standing" || outcome.kind === "vanished" ? "done" : "again";
}

/** The next attempt at another provider, or the end mark when there is none or enough were made. */
export function planSuccessor(
  existing: ExistingEffect,
  request: DecideRequest,
  context: HandleContext,
  nowMs: number,
): OutgoingMessage {
  const { codec, schemas } = context;
  const attempt = existing.attempt + 1;
  const next = attempt <= MAX_ATTEMPTS ? decideNext(existing, request, context, attempt) : undefined;
  if (next === undefined) return planEnd({ codec, existing, tenantId: request.tenantId, reason: "attempts_exhausted" });
  const deadlineMs = nowMs + DEADLINE_MS;
  return planNextAttempt(existing, next, { codec, schemas, request, token: context.newId(), deadlineMs, nowMs });
}

function decideNext(existing: ExistingEffect, request: DecideRequest, context: HandleContext, attempt: number) {
  const decided = decide(
    {
      tenantId: request.tenantId,
      policyId: request.policyId,
      messageId: "",
      messageType: request.messageType,
      payloadBytes: request.payload.length,
      metadata: request.metadata,
      context: request.context,
      constraints: request.constraints,
      pickKey: existing.effectId,
      attempt,
      exclude: new Set([existing.provider.name]),
      explain: false,
    },
    context.table,
    context.snapshot,
  );
  if (!decided.ok || decided.value.provider.legacySubject !== undefined) return undefined;
  const { provider } = decided.value;
  const record = decisionRecord(decided.value, { configRevision: context.configRevision });
  return { provider: { namespace: provider.namespace, name: provider.objectName }, record };
}
