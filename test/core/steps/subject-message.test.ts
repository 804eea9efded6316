// The JSON that extensions on subjects get and give.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { StepOutcome } from "../../../core/steps/step.ts";
import { encodeSubjectCall, readSubjectReply } from "../../../core/steps/subject-message.ts";
import { DataMessage } from "../../../proto/gen/messages/processor/processor.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const BROKEN = "broken";
const REPLIES: readonly (readonly [string, StepOutcome | typeof BROKEN])[] = [
  ["", { kind: "answered", parts: [] }],
  ["{}", { kind: "answered", parts: [{}] }],
  ['{"metadata":{"context.a":"1"},"payload":"AA=="}', { kind: "answered", parts: [{ "context.a": "1" }] }],
  ['{"metadata":{"context.a":1}}', BROKEN],
  ['{"metadata":[]}', BROKEN],
  ["[]", BROKEN],
  ["null", BROKEN],
  ["yes", BROKEN],
];

describe("a step on a subject", () => {
  it("gets the JSON form of a DataMessage", () => {
    const payload = Buffer.from([0, 255, 1]);
    const metadata = { "beamline.stage": "pre" };
    const target = { kind: "subject", subject: "beamline.ext.a" } as const;
    const body = JSON.parse(
      nodeCodec.decodeUtf8(encodeSubjectCall(nodeCodec, { target, payload, metadata, timeoutMs: 1 })) ?? "",
    );
    assert.deepEqual(body, { payload: payload.toString("base64"), metadata });
    assert.deepEqual(
      Object.keys(body).sort(),
      Object.keys(DataMessage.create({}))
        .filter((key) => key !== "_unknownFields")
        .sort(),
    );
  });

  for (const [text, expected] of REPLIES) {
    it(`that answers ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
      const outcome = readSubjectReply(nodeCodec, new Map<string, string>(), Buffer.from(text));
      if (expected === BROKEN) assert.equal(outcome.kind, BROKEN);
      else assert.deepEqual(outcome, expected);
    });
  }

  for (const [code, kind] of [
    ["400", "refused"],
    ["403", "refused"],
    ["500", "unavailable"],
    ["503", "unavailable"],
    ["odd", "unavailable"],
  ] as const) {
    it(`that answers the error ${code} is ${kind}`, () => {
      const headers = new Map([
        ["Nats-Service-Error-Code", code],
        ["Nats-Service-Error", "why"],
      ]);
      assert.deepEqual(readSubjectReply(nodeCodec, headers, new Uint8Array(0)), { kind, reason: "why" });
    });
  }

  it("that answers what is no UTF-8 is broken", () => {
    assert.equal(readSubjectReply(nodeCodec, new Map<string, string>(), Buffer.from([0xff])).kind, BROKEN);
  });
});
