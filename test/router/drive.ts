// Handling driven by hand: each effect is answered by the test, so that what takes minutes or bad luck on a server takes neither.
import { parseAllDocuments } from "yaml";
import type { Effect, EffectResult } from "../../core/handover/effects.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { compileTable } from "../../core/policy/compile.ts";
import { parseObject } from "../../core/policy/parse.ts";
import type { BeamlineObject } from "../../core/policy/spec.ts";
import { schemaTable } from "../../proto/gen/messages/schema.ts";
import { routerConfig } from "../../router/config.ts";
import { contextFor } from "../../router/context.ts";
import type { Delivery, HandleContext, Handled, StreamPosition } from "../../router/delivery.ts";
import { handleDelivery } from "../../router/handle.ts";
import { parseConfig } from "../../runtime/config.ts";
import { encodeRequest, SUBMIT, TENANT } from "./messages.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
/** Any moment: handling reads no clock. */
export const NOW_MS = 1_800_000_000_000;
const STREAM_CREATED = "2026-11-21T06:00:00.000000001Z";

export function contextOf(policies: string, environment: Readonly<Record<string, string>> = {}): HandleContext {
  const config = parseConfig(routerConfig, environment);
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const objects = parseAllDocuments(policies).map((document) => parse(document.toJS()));
  const { table } = compileTable(objects);
  const names = namesFor();
  return contextFor({ config: config.value, routerKey: ROUTER, names, schemas: schemaTable, table, revision: 7 });
}

function parse(raw: unknown): BeamlineObject {
  const parsed = parseObject(raw, { namespace: TENANT, routerRef: ROUTER });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

export interface DeliveryFields {
  readonly body?: Uint8Array;
  readonly errorCount?: number;
  readonly position?: Partial<StreamPosition>;
}

/** A durable message: delivered for the first time, stored a second before it is handled, unless said otherwise. */
export function durable({ body, errorCount, position }: DeliveryFields = {}): Delivery {
  return {
    subject: SUBMIT,
    headers: new Map<string, string>(),
    body: body ?? encodeRequest("protobuf"),
    replyTo: undefined,
    position: {
      stream: "BEAMLINE_SUBMIT",
      streamCreated: STREAM_CREATED,
      sequence: 42,
      deliveryCount: 1,
      timestampMs: NOW_MS - 1_000,
      ...position,
    },
    nowMs: NOW_MS,
    errorCount: errorCount ?? 0,
  };
}

export interface Driven {
  readonly handled: Handled;
  readonly effects: readonly Effect[];
}

/** Everything is stored at once, nothing stands, every step agrees. */
export function healthyServer(effect: Effect): EffectResult {
  if (effect.kind === "callStep") return { kind: "called", outcome: { kind: "answered", parts: [] }, elapsedMs: 1 };
  if (effect.kind === "publish") return { kind: "stored", sequence: 1, duplicate: false };
  return effect.kind === "readLast" ? { kind: "absent" } : { kind: "done" };
}

/** More effects than any handling has: a handling that goes on for ever ends here. */
const MAX_EFFECTS = 100;

export function drive(
  delivery: Delivery,
  context: HandleContext,
  answer: (effect: Effect) => EffectResult = healthyServer,
): Driven {
  const handling = handleDelivery(delivery, context);
  const effects: Effect[] = [];
  let step = handling.next({ kind: "done" });
  while (!step.done) {
    if (effects.length === MAX_EFFECTS) throw new Error(`more than ${MAX_EFFECTS} effects`);
    effects.push(step.value);
    step = handling.next(answer(step.value));
  }
  return { handled: step.value, effects };
}
