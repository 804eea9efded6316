// How a body is written: protobuf or JSON, and JSON text made a value.
import type { Codec } from "../codec.ts";
import { HEADER } from "../handover/header.ts";
import { err, ok, type Result } from "../result.ts";
import { isJsonObject } from "../schema/well-known.ts";
import type { HeaderReader } from "./message.ts";
import { type Refusal, refuse } from "./reasons.ts";

const OPENING_BRACE = 0x7b;

const WRITING_BY_CONTENT_TYPE: Readonly<Record<string, "json" | "protobuf">> = {
  "application/json": "json",
  "application/x-protobuf": "protobuf",
  "application/protobuf": "protobuf",
};

/**
 * By the header Content-Type where it names one of the two; else JSON when the first byte is `{`, which begins no message of
 * ours in protobuf; else protobuf (contracts.md: JSON that begins with white space needs the header).
 */
export function writingOf(headers: HeaderReader, bytes: Uint8Array): "json" | "protobuf" {
  const mediaType = headers.get(HEADER.contentType)?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const named = Object.hasOwn(WRITING_BY_CONTENT_TYPE, mediaType) ? WRITING_BY_CONTENT_TYPE[mediaType] : undefined;
  return named ?? (bytes[0] === OPENING_BRACE ? "json" : "protobuf");
}

/** A JSON body as text and as the object that it is. */
export interface JsonBody {
  readonly text: string;
  readonly object: Readonly<Record<string, unknown>>;
}

export function parseJsonBody(bytes: Uint8Array, codec: Codec): Result<JsonBody, Refusal> {
  const text = codec.decodeUtf8(bytes);
  if (text === undefined) return err(refuse("invalid_json_format", undefined, "not UTF-8"));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser throws on text that is not JSON; its message repeats the text, so ours stands in its place.
    return err(refuse("invalid_json_format", undefined, "not JSON"));
  }
  return isJsonObject(value)
    ? ok({ text, object: value })
    : err(refuse("invalid_json_format", undefined, "another JSON value"));
}
