// Dead letters beyond the goldens: payloads kept to the last digit, records that always fit, ids that repeat or differ.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  buildDeadLetter,
  type DeadLetterSource,
  deadLetterId,
  MAX_DEAD_LETTER_BYTES,
} from "../../../core/intake/dead-letter.ts";
import { refuse } from "../../../core/intake/reasons.ts";
import { buildRejection } from "../../../core/intake/rejection.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { DECIDE, noHeaders } from "./samples.ts";

const rejection = buildRejection("decide", refuse("missing_message", "message"), { tenantId: "t", correlation: {} });
const settings = { codec: nodeCodec, router: "default", payload: "Full", subjects: "Common" } as const;

function sourceOf(body: string | Uint8Array): DeadLetterSource {
  const bytes = typeof body === "string" ? nodeCodec.encodeUtf8(body) : body;
  return { subject: DECIDE, headers: noHeaders, body: bytes, position: undefined, nowMs: 0 };
}

function recordOf(body: string | Uint8Array): string {
  return nodeCodec.decodeUtf8(buildDeadLetter(rejection, sourceOf(body), settings).body) ?? "";
}

describe("buildDeadLetter", () => {
  it("keeps JSON as it was written", () => {
    const text = '{"a": 9007199254740993, "b":1.0, "__proto__": 1, "a": 2}';
    assert.ok(recordOf(text).includes(`"original_payload":${text},"validation_error"`));
  });

  it("keeps what is no JSON object as base64", () => {
    for (const body of ['{"a":', "{}}", "[1]", new Uint8Array([0x7b, 0xff])]) {
      const record = JSON.parse(recordOf(body)) as Record<string, unknown>;
      assert.equal(record.original_payload_encoding, "base64");
      const bytes = nodeCodec.base64Decode(String(record.original_payload)) ?? new Uint8Array(0);
      assert.deepEqual(Buffer.from(bytes), Buffer.from(sourceOf(body).body));
    }
  });

  it("takes nesting of any depth", () => {
    const depth = 100_000;
    const text = `{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    assert.ok(recordOf(text).includes(text));
  });

  it("falls back to a hash when the record would not fit a message", () => {
    const body = new Uint8Array(MAX_DEAD_LETTER_BYTES).fill(1);
    const letter = buildDeadLetter(rejection, sourceOf(body), settings);
    assert.ok(letter.body.length < 1000);
    const record = JSON.parse(nodeCodec.decodeUtf8(letter.body) ?? "") as Record<string, unknown>;
    assert.equal(record.original_payload_encoding, "sha256");
    assert.equal(record.original_payload, Buffer.from(nodeCodec.sha256(body)).toString("hex"));
    assert.equal(record.original_payload_bytes, body.length);
  });

  it("repeats no more than 256 characters of an identifier", () => {
    const long = "x".repeat(100_000);
    const known = { tenantId: long, correlation: { messageId: long, runId: long } };
    const shortened = buildRejection("decide", refuse("missing_message", "message"), known);
    const headers = new Map([["Nats-Msg-Id", long]]);
    const letter = buildDeadLetter(shortened, { ...sourceOf("{}"), headers }, settings);
    assert.ok(letter.body.length < 2000);
  });

  it("uses the seed's subject of the kind when told to", () => {
    const subjectOf = (kind: "decide" | "result" | "ack") =>
      buildDeadLetter({ ...rejection, kind }, sourceOf("{}"), { ...settings, subjects: "PerKind" }).subject;
    assert.equal(subjectOf("decide"), "beamline.router.v1.decide.dlq");
    assert.equal(subjectOf("result"), "caf.exec.result.dlq");
    assert.equal(subjectOf("ack"), "caf.exec.assign.ack.dlq");
  });
});

describe("deadLetterId", () => {
  it("is that of the stream position, whatever the bytes", () => {
    const position = { stream: "BEAMLINE_SUBMIT", streamCreated: "2025-01-27T00:00:00Z", sequence: 7 };
    const id = deadLetterId({ ...sourceOf("a"), position }, nodeCodec);
    assert.match(id, /^dlq:[0-9a-f]{32}$/);
    assert.equal(deadLetterId({ ...sourceOf("b"), position }, nodeCodec), id);
    const others = [{ sequence: 8 }, { stream: "x" }, { streamCreated: "2026-01-27T00:00:00Z" }];
    for (const other of others) {
      assert.notEqual(deadLetterId({ ...sourceOf("a"), position: { ...position, ...other } }, nodeCodec), id);
    }
  });

  it("is that of subject and bytes for a request", () => {
    const id = deadLetterId(sourceOf("a"), nodeCodec);
    assert.equal(deadLetterId(sourceOf("a"), nodeCodec), id);
    assert.notEqual(deadLetterId(sourceOf("b"), nodeCodec), id);
    assert.notEqual(deadLetterId({ ...sourceOf("a"), subject: "x" }, nodeCodec), id);
  });
});
