// What steps must not do: stop what is dispatched already, or be passed by.
import { HEADER } from "../../../core/handover/header.ts";
import { ExecAssignment } from "../../../proto/gen/messages/beamline/worker/v1/worker.ts";
import { POST_MARK } from "./extensions.ts";
import { STALE_MS } from "./network.ts";
import type { Handling, StoreRecord } from "./records.ts";
import { STEPS_TABLE } from "./tables.ts";

/** Reasons for which a step refuses a message, or gives it up. */
const STEP_REASONS: ReadonlySet<string> = new Set([
  "pre_processor_blocked",
  "validator_blocked",
  "post_processor_blocked",
  "step_failed",
]);

export function checkSteps(handlings: readonly Handling[], assignments: readonly StoreRecord[]): string[] {
  return [
    ...handlings.flatMap((handling) => checkStopped(handling, assignments)),
    ...assignments.flatMap((assignment) => checkPassed(assignment)),
  ];
}

/** A delivery that begins when its work stands is settled by that, whatever its steps would say. */
function checkStopped(handling: Handling, assignments: readonly StoreRecord[]): string[] {
  const { handled, sequence, effectId, startedMs } = handling;
  const { outcome } = handled ?? {};
  if (outcome?.kind !== "rejected" || !STEP_REASONS.has(outcome.rejection.reason)) return [];
  const stood = assignments.find(
    ({ message }) =>
      message.headers.get(HEADER.effectId) === effectId &&
      message.headers.get(HEADER.fingerprint) === handling.fingerprint &&
      message.timestampMs < startedMs - STALE_MS &&
      message.expiresMs > (handling.endedMs ?? Number.POSITIVE_INFINITY),
  );
  return stood === undefined ? [] : [`message ${sequence ?? "of a request"} was refused by a step: its work stands`];
}

/** Work that is dispatched under steps has their consent and carries what they add; a push of what stood has the latter. */
function checkPassed({ handling, message }: StoreRecord): string[] {
  if (handling?.table !== STEPS_TABLE || message.headers.get(HEADER.attempt) !== "1") return [];
  const isFirst = message.headers.get(HEADER.supersedes) === undefined;
  const name = `effect ${message.headers.get(HEADER.effectId)?.slice(0, 6)}`;
  return [
    ...(isFirst && !handling.isValidated ? [`${name} was dispatched: no validator agreed`] : []),
    ...(markOf(message) === POST_MARK ? [] : [`${name} was dispatched: without its post step`]),
  ];
}

function markOf({ headers, body }: StoreRecord["message"]): string | undefined {
  if (headers.get(HEADER.contentType) === "application/x-protobuf") return ExecAssignment.decode(body).metadata.post;
  const { metadata } = JSON.parse(Buffer.from(body).toString("utf8")) as { readonly metadata: { post?: string } };
  return metadata.post;
}
