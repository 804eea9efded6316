// The pure functions alone, one thread, no NATS: what of a message's cost is ours.
import { tableFromEntries } from "../../core/config/apply.ts";
import { decide } from "../../core/decide/decide.ts";
import { type DecideInput, emptySnapshot } from "../../core/decide/decision.ts";
import { keyedEffectId, streamEffectId } from "../../core/handover/effect-id.ts";
import { fingerprint } from "../../core/handover/fingerprint.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import type { DecideRequest } from "../../core/intake/message.ts";
import { validateIntakeMessage } from "../../core/intake/validate-intake-message.ts";
import { decodeBinary } from "../../core/schema/decode-binary.ts";
import { RouteRequest } from "../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { routerConfig } from "../../router/config.ts";
import { contextFor } from "../../router/context.ts";
import type { Delivery, HandleContext } from "../../router/delivery.ts";
import { handleDelivery } from "../../router/handle.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { parseConfig } from "../../runtime/config.ts";
import { registryCases } from "./measure-registry.ts";
import { timeFunction } from "./nanobench.ts";
import { BENCH_ROUTER, benchEntries, plainEntries, ruleEntries, stageEntries } from "./objects.ts";
import { BENCH_POLICY, BENCH_TENANT, benchKey, compatBody, jsonBody, keyedBody, unkeyedBody } from "./payload.ts";
import type { Summary } from "./statistics.ts";

export interface FunctionFigure {
  readonly name: string;
  readonly nanos: Summary;
}

const SUBMIT_SUBJECT = `beamline.router.v1.submit.${BENCH_TENANT}`;
const DECIDE_SUBJECT = "beamline.router.v1.decide";
const STREAM_CREATED = "2026-01-01T00:00:00.123456789Z";
const MAX_EFFECTS = 4;
const noHeaders = { get: () => undefined };

/** About 20 s. Throws when a function refuses the input that it is measured with. */
export function measureFunctions(): FunctionFigure[] {
  const context = benchContext();
  const figures: FunctionFigure[] = [];
  const time = (name: string, operation: (index: number) => unknown): void => {
    figures.push({ name, nanos: timeFunction(operation) });
  };
  const protobuf = keyedBody(1);
  const json = jsonBody();
  const compat = compatBody();
  const request = accept(protobuf, context);
  accept(json, context);
  accept(compat, context);
  const validate = (body: Uint8Array) => () =>
    validateIntakeMessage("decide", DECIDE_SUBJECT, noHeaders, body, context.rules);

  time(`decode, generated codec (protobuf, ${protobuf.length} B)`, () => RouteRequest.decode(protobuf));
  time("decodeBinary (the same message)", () => readRequest(protobuf, context));
  time(`validateIntakeMessage, protobuf (${protobuf.length} B)`, validate(protobuf));
  time(`validateIntakeMessage, JSON (${json.length} B)`, validate(json));
  time(`validateIntakeMessage, older JSON (${compat.length} B)`, validate(compat));
  for (const [name, policyId] of DECIDE_CASES) time(`decide, ${name}`, decideCase(request, policyId, context));
  time("fingerprint (256 B payload, 3 metadata, 2 context)", () => fingerprint(nodeCodec, request));
  time("effect id, keyed", (index) => keyedEffectId(nodeCodec, BENCH_ROUTER, BENCH_TENANT, benchKey(index)));
  time("effect id, by stream sequence", (index) => streamEffectId(nodeCodec, STREAM_CREATED, index));
  time("whole handling of a durable message, without I/O", (index) => handleWhole(index, unkeyedBody(1), context));
  for (const { name, operation } of registryCases()) time(name, operation);
  return figures;
}

const DECIDE_CASES = [
  ["3 providers, 2 rules, none matches", BENCH_POLICY],
  ["3 providers, no rules", "plain-3"],
  ["16 providers, no rules", "plain-16"],
  ["16 providers, a rule of 5 clauses", "rule-16"],
] as const;

function benchContext(): HandleContext {
  const entries = [
    ...benchEntries(),
    ...plainEntries("plain-3", 3),
    ...plainEntries("plain-16", 16),
    ...ruleEntries("rule-16"),
  ];
  const { table, rejected } = tableFromEntries(stageEntries(BENCH_ROUTER, entries), {
    codec: nodeCodec,
    router: BENCH_ROUTER,
  });
  if (rejected.length > 0) throw new Error(`an entry of the benchmark is refused: ${JSON.stringify(rejected)}`);
  const config = parseConfig(routerConfig, {});
  if (!config.ok) throw new Error("the router's defaults are refused");
  return contextFor({
    config: config.value,
    routerKey: BENCH_ROUTER,
    names: namesFor(),
    schemas: schemaTable,
    table,
    revision: 1,
  });
}

function accept(body: Uint8Array, context: HandleContext): DecideRequest {
  const result = validateIntakeMessage("decide", DECIDE_SUBJECT, noHeaders, body, context.rules);
  if (!result.ok) throw new Error(`a message of the benchmark is refused: ${result.error.message}`);
  return result.value;
}

function readRequest(body: Uint8Array, context: HandleContext): unknown {
  const result = decodeBinary(context.schemas, "beamline.flow.v1.RouteRequest", body, nodeCodec);
  if (!result.ok) throw new Error(`a message of the benchmark cannot be read: ${result.error.rule}`);
  return result.value;
}

function decideCase(request: DecideRequest, policyId: string, context: HandleContext): (index: number) => unknown {
  const input: DecideInput = {
    tenantId: BENCH_TENANT,
    policyId,
    messageId: request.correlation.messageId ?? "",
    messageType: request.messageType,
    payloadBytes: request.payload.length,
    metadata: request.metadata,
    context: request.context,
    constraints: {},
    pickKey: benchKey(1),
    attempt: 1,
    explain: false,
  };
  return () => {
    const result = decide(input, context.table, emptySnapshot);
    if (!result.ok) throw new Error(`${policyId}: ${result.error.message}`);
    return result;
  };
}

/** What the router does with a durable message, with the answers that NATS gives in the normal case. */
function handleWhole(index: number, body: Uint8Array, context: HandleContext): unknown {
  const delivery: Delivery = {
    subject: SUBMIT_SUBJECT,
    headers: noHeaders,
    body,
    replyTo: undefined,
    position: {
      stream: context.names.streams.submit,
      streamCreated: STREAM_CREATED,
      sequence: index + 1,
      deliveryCount: 1,
      timestampMs: 1_790_000_000_000,
    },
    nowMs: 1_790_000_000_001,
    errorCount: 0,
  };
  const handling = handleDelivery(delivery, context);
  let step = handling.next({ kind: "done" });
  for (let effects = 0; !step.done; effects++) {
    if (effects === MAX_EFFECTS) throw new Error("handling does not end");
    const stored = { kind: "stored", sequence: index + 1, duplicate: false } as const;
    step = handling.next(step.value.kind === "publish" ? stored : { kind: "done" });
  }
  if (step.value.disposition.kind !== "ack")
    throw new Error(`a message of the benchmark ended as ${step.value.outcome.kind}`);
  return step.value;
}
