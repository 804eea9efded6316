// A route request from flags: the same message whichever encoding it travels in.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { HEADER, JSON_CONTENT, PROTOBUF_CONTENT } from "../core/handover/header.ts";
import { RouteRequest } from "../proto/gen/messages/beamline/flow/v1/flow.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import type { Invocation, OptionTable } from "./command.ts";
import { flagOption, pairsOption, requiredOption, textOption } from "./option-values.ts";

export const REQUEST_OPTIONS: OptionTable = {
  tenant: { type: "string", valueName: "TENANT", description: "tenant of the message (required)" },
  type: { type: "string", valueName: "TYPE", description: "message type, such as chat (required)" },
  policy: {
    type: "string",
    valueName: "POLICY",
    description: "policy to decide by (default: the tenant's policy named default)",
  },
  payload: {
    type: "string",
    valueName: "TEXT|@FILE",
    description: "the payload, or a file that holds it (default: {})",
  },
  meta: {
    type: "string",
    multiple: true,
    valueName: "KEY=VALUE",
    description: "metadata of the message; may be repeated",
  },
  context: {
    type: "string",
    multiple: true,
    valueName: "KEY=VALUE",
    description: "context of the request; may be repeated",
  },
  key: { type: "string", valueName: "KEY", description: "idempotency key: the same key gets the same decision" },
  push: { type: "boolean", description: "assign the work to the provider, too" },
};

/** Context key by which a route request asks for the assignment */
const PUSH_CONTEXT = { "beamline.push": "true" };

/** The request that the flags describe. Throws USAGE_INVALID, or INPUT_MISSING for a payload file. */
export async function buildRouteRequest(invocation: Invocation): Promise<RouteRequest> {
  const { values } = invocation;
  const tenantId = requiredOption(values, "tenant", "demo");
  const messageType = requiredOption(values, "type", "chat");
  return RouteRequest.fromPartial({
    message: {
      messageId: randomUUID(),
      tenantId,
      messageType,
      payload: await readPayload(textOption(values, "payload") ?? "{}", invocation.cwd),
      metadata: pairsOption(values, "meta"),
      timestampMs: BigInt(Date.now()),
    },
    policyId: textOption(values, "policy") ?? "",
    context: { ...pairsOption(values, "context"), ...(flagOption(values, "push") ? PUSH_CONTEXT : {}) },
    idempotencyKey: textOption(values, "key") ?? "",
  });
}

/** Bytes of the request with the content type that says what they are. */
export function encodeRouteRequest(
  request: RouteRequest,
  encoding: "json" | "protobuf",
): { body: Uint8Array; contentType: string } {
  if (encoding === "protobuf") return { body: RouteRequest.encode(request).finish(), contentType: PROTOBUF_CONTENT };
  return { body: Buffer.from(JSON.stringify(RouteRequest.toJSON(request))), contentType: JSON_CONTENT };
}

/** Header by which a request asks the router to answer with the stages of the decision, and in which they come back. */
export const EXPLAIN_HEADER = "Beamline-Explain";

export function requestHeaders(contentType: string, explain: boolean): readonly (readonly [string, string])[] {
  const content = [HEADER.contentType, contentType] as const;
  return explain ? [content, [EXPLAIN_HEADER, "true"]] : [content];
}

async function readPayload(text: string, cwd: string): Promise<Uint8Array> {
  if (!text.startsWith("@")) return Buffer.from(text);
  const path = resolve(cwd, text.slice(1));
  try {
    return await readFile(path);
  } catch (error) {
    throw new BeamlineError("INPUT_MISSING", `--payload names ${path}, which cannot be read: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
