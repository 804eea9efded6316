// Providers that are fed by a fixed subject: the claim is stored first, the assignment follows it, a mark says that it did.
import {
  attemptOfExisting,
  type DecidedInput,
  planDecided,
  planLegacyAssignment,
  planLegacyPublished,
} from "../core/handover/assignment.ts";
import { supersede } from "../core/handover/chain.ts";
import { checkPublishSubject } from "../core/handover/check-publish-subject.ts";
import type { Effect, EffectResult, OutgoingMessage, PublishResult } from "../core/handover/effects.ts";
import { readExisting } from "../core/handover/existing.ts";
import type { ExistingEffect, ProviderKey } from "../core/handover/record.ts";
import type { DecideRequest } from "../core/intake/message.ts";
import type { CompiledPolicy } from "../core/policy/table.ts";
import { err, ok, type Result } from "../core/result.ts";
import type { Delivery, HandleContext } from "./delivery.ts";
import { type Dispatched, describeUnstored, refused } from "./unstored.ts";

/** The claim of a legacy provider's assignment, or why its subject may not be used. */
export function planLegacyClaim(
  about: Omit<DecidedInput, "ttlMs" | "legacy">,
  legacy: { readonly subject: string; readonly token: string; readonly deadlineMs: number },
  context: HandleContext,
): Result<OutgoingMessage, string> {
  const { allowedSubjects, names } = context;
  const rules = { tenantId: about.request.tenantId, allowedSubjects, prefix: names.prefix };
  const subject = checkPublishSubject(legacy.subject, "legacy", rules);
  if (!subject.ok) return err(`legacy subject ${legacy.subject} is ${subject.error}`);
  return ok(planDecided({ ...about, ttlMs: undefined, legacy }));
}

/** The fixed subject of a provider, as the policy in force has it. */
export function legacySubjectOf(policy: CompiledPolicy | undefined, provider: ProviderKey): string | undefined {
  const found = policy?.providers.find(
    ({ namespace, objectName }) => namespace === provider.namespace && objectName === provider.name,
  );
  return found?.legacySubject;
}

/** A claim that was stored just now, in the form in which a later reader finds it. */
export function storedClaim(message: OutgoingMessage, sequence: number, nowMs: number): ExistingEffect {
  const headers = new Map(message.headers);
  const claim = readExisting({ ...message, sequence, timestampMs: nowMs, headers });
  if (claim === undefined) throw new Error("a claim that this router made cannot be read by it");
  return claim;
}

/**
 * Publishes the assignment of a claim on its fixed subject, unless a mark says that this was done. Undefined when it is
 * stored. Between publish and mark a crash leaves a repetition that only the stream's duplicate window catches.
 */
export function* deliverLegacy(
  claim: ExistingEffect,
  delivery: Delivery,
  request: DecideRequest,
  context: HandleContext,
): Generator<Effect, Dispatched | undefined, EffectResult> {
  const { codec, schemas } = context;
  if (claim.legacySubject === undefined || claim.legacyPublished) return undefined;
  const attempt = { ...attemptOfExisting(claim), codec, schemas, request, nowMs: delivery.nowMs };
  const message = planLegacyAssignment({ ...attempt, legacySubject: claim.legacySubject });
  const result = (yield { kind: "publish", message }) as PublishResult;
  if (result.kind === "full" || result.kind === "unavailable" || result.kind === "rejected")
    return describeUnstored(result);
  if (result.kind !== "stored") return refused(`legacy publish ended as ${result.kind}`);
  // Without the mark the next repetition publishes again under the same message id, and tries to mark again.
  yield* supersede(claim, planLegacyPublished({ codec, claim, tenantId: request.tenantId }));
  return undefined;
}
