// What a router answered to a decide request, read from the wire.
import type { ExplainStep } from "../core/decide/decision.ts";
import { HEADER } from "../core/handover/header.ts";
import { RouteDecision } from "../proto/gen/messages/beamline/flow/v1/flow.ts";
import { EXPLAIN_HEADER } from "./route-request.ts";

/** A decision as the CLI shows it; names are those of `beamline.flow.v1.RouteDecision`. */
export interface ShownDecision {
  readonly provider_id: string;
  readonly reason: string;
  readonly priority: number;
  readonly expected_latency_ms: number;
  readonly expected_cost: number;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly intake_error_code?: string;
  readonly details?: unknown;
}

export type RouteAnswer =
  | { readonly ok: true; readonly decision: ShownDecision; readonly steps: readonly ExplainStep[] | undefined }
  | { readonly ok: false; readonly error: ShownError; readonly steps: readonly ExplainStep[] | undefined };

/** A reply as it came: from the wire, or from the router's own code run here. */
export interface RouteReply {
  header(name: string): string | undefined;
  readonly body: Uint8Array;
}

/** Reads a reply; an error is JSON whatever the request's encoding, and its header says that it is one. */
export function readRouteAnswer(reply: RouteReply, encoding: "json" | "protobuf"): RouteAnswer {
  const explained = reply.header(EXPLAIN_HEADER);
  const steps = explained === undefined ? undefined : (JSON.parse(explained) as readonly ExplainStep[]);
  if (reply.header(HEADER.serviceErrorCode) !== undefined) {
    const { error } = parseJson(reply.body) as { readonly error: ShownError };
    return { ok: false, error, steps };
  }
  const decision =
    encoding === "json" ? RouteDecision.fromJSON(parseJson(reply.body)) : RouteDecision.decode(reply.body);
  return { ok: true, decision: showDecision(decision), steps };
}

function parseJson(body: Uint8Array): unknown {
  return JSON.parse(Buffer.from(body).toString("utf8"));
}

function showDecision(decision: RouteDecision): ShownDecision {
  return {
    provider_id: decision.providerId,
    reason: decision.reason,
    priority: decision.priority,
    expected_latency_ms: Number(decision.expectedLatencyMs),
    expected_cost: decision.expectedCost,
    metadata: decision.metadata,
  };
}
