// What producers send in a simulation: a few messages in every encoding, with and without keys, right and wrong ones.
import { encodeBinary } from "../../../core/schema/encode-binary.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { TENANT } from "./tables.ts";

export type InputEncoding = "protobuf" | "json" | "older-json";

/** One message as its producer means it. */
export interface Input {
  readonly encoding: InputEncoding;
  readonly key: string | undefined;
  /** Distinguishes bodies: one key with two of them is a violation. */
  readonly content: string;
  readonly push: boolean;
  /** Refused by intake. */
  readonly invalid: boolean;
}

const cache = new Map<string, Uint8Array>();

/** The bytes of an input; equal inputs share them. */
export function encodeInput(input: Input): Uint8Array {
  const name = JSON.stringify(input);
  const known = cache.get(name);
  if (known !== undefined) return known;
  const bytes = input.encoding === "older-json" ? olderBody(input) : requestBody(input);
  cache.set(name, bytes);
  return bytes;
}

export function headersOf(input: Input): ReadonlyMap<string, string> {
  const type = input.encoding === "protobuf" ? "application/x-protobuf" : "application/json";
  return new Map([
    ["Content-Type", type],
    ["version", "1"],
  ]);
}

function requestBody({ encoding, key, content, push, invalid }: Input): Uint8Array {
  const payload = nodeCodec.encodeUtf8(`payload ${content}`);
  const message = {
    message_id: `m-${content}`,
    tenant_id: TENANT,
    message_type: invalid ? "" : "chat",
    metadata: { content },
  };
  const request = {
    context: push ? { "beamline.push": "true" } : {},
    ...(key === undefined ? {} : { idempotency_key: key }),
  };
  if (encoding === "protobuf") {
    const plain = { ...request, message: { ...message, payload } };
    return encodeBinary(schemaTable, "beamline.flow.v1.RouteRequest", plain, nodeCodec);
  }
  return json({ ...request, message: { ...message, payload: nodeCodec.base64Encode(payload) } });
}

function olderBody({ key, content, push, invalid }: Input): Uint8Array {
  return json({
    version: "1",
    request_id: `r-${content}`,
    tenant_id: TENANT,
    task: { type: invalid ? "" : "chat", payload: { content: `payload ${content}` } },
    push_assignment: push,
    ...(key === undefined ? {} : { idempotency_key: key }),
  });
}

function json(value: unknown): Uint8Array {
  return nodeCodec.encodeUtf8(JSON.stringify(value));
}
