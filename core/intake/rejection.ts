// What a refused message leaves behind: the rule that it broke, and as much about it as could be read.
import type { Correlation, IntakeKind, Rejection } from "./message.ts";
import { presentOnly, presentText } from "./presence.ts";
import { describeRefusal, type Refusal } from "./reasons.ts";
import { textFieldsOf } from "./schema.ts";

/** Characters of an identifier that was not validated which answers, records and logs repeat. */
export const ECHOED_CHARACTERS = 256;

/** What is known of a message when it is refused. */
export interface KnownFields {
  readonly tenantId: string | undefined;
  readonly correlation: Correlation;
}

export function buildRejection(kind: IntakeKind, refusal: Refusal, known: KnownFields): Rejection {
  const { reason, field } = refusal;
  const correlation = Object.fromEntries(
    Object.entries(known.correlation).map(([name, text]) => [name, shorten(text)]),
  );
  const tenantId = known.tenantId === undefined ? undefined : shorten(known.tenantId);
  return { kind, reason, message: describeRefusal(refusal), correlation, ...presentOnly({ field, tenantId }) };
}

function shorten(text: string): string {
  return text.length <= ECHOED_CHARACTERS ? text : text.slice(0, ECHOED_CHARACTERS);
}

/** Identifiers of a JSON body that broke its schema: the requester should still learn which of its requests it was. */
export function knownFromBody(body: Readonly<Record<string, unknown>> | undefined, outside: KnownFields): KnownFields {
  const fields = textFieldsOf(body);
  const text = (name: string) => presentText(fields[name]);
  const id = text("request_id") ?? text("message_id");
  const correlation = presentOnly({
    messageId: id,
    requestId: id,
    runId: text("run_id"),
    flowId: text("flow_id"),
    stepId: text("step_id"),
    traceId: text("trace_id"),
  });
  return { tenantId: text("tenant_id") ?? outside.tenantId, correlation };
}
