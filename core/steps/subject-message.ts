// A step on a NATS subject: the JSON form of what processors get as protobuf (obsrvr.flow.processor.DataMessage).
import type { Codec } from "../codec.ts";
import type { StepCall, StepOutcome } from "./step.ts";

export function encodeSubjectCall(codec: Codec, { payload, metadata }: StepCall): Uint8Array {
  return codec.encodeUtf8(JSON.stringify({ payload: codec.base64Encode(payload), metadata }));
}

/** Header of a NATS service that could not do what was asked (ADR-32 of nats-architecture-and-design). */
export const SERVICE_ERROR_CODE = "Nats-Service-Error-Code";
export const SERVICE_ERROR = "Nats-Service-Error";
const FIRST_SERVER_ERROR = 500;

/** An empty answer is a yes that changes nothing. An error of 400 to 499 is a no to the message. */
export function readSubjectReply(
  codec: Codec,
  headers: { get(name: string): string | undefined },
  body: Uint8Array,
): StepOutcome {
  const code = headers.get(SERVICE_ERROR_CODE);
  if (code !== undefined && code !== "") {
    const reason = headers.get(SERVICE_ERROR) ?? `error ${code}`;
    const isRefusal = Number(code) >= 400 && Number(code) < FIRST_SERVER_ERROR;
    return { kind: isRefusal ? "refused" : "unavailable", reason };
  }
  if (body.length === 0) return { kind: "answered", parts: [] };
  const text = codec.decodeUtf8(body);
  const metadata = text === undefined ? undefined : readMetadata(text);
  return metadata === undefined
    ? { kind: "broken", reason: "it answered something other than JSON with texts in metadata" }
    : { kind: "answered", parts: [metadata] };
}

function readMetadata(text: string): Readonly<Record<string, string>> | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const { metadata = {} } = value;
  return isObject(metadata) && isTexts(metadata) ? metadata : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isTexts(record: Readonly<Record<string, unknown>>): record is Record<string, string> {
  return Object.values(record).every((value) => typeof value === "string");
}
