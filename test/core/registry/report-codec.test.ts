// Reports between replicas: every entry arrives once, in messages that the bus carries, and no bytes make a reader fail.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { COMPONENT_KINDS } from "../../../core/registry/component.ts";
import type { PeerBeat, PeerReport, PeerSilence } from "../../../core/registry/event.ts";
import { readHealthStatus } from "../../../core/registry/health-status.ts";
import { decodeReport, encodeReport } from "../../../core/registry/report-codec.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const MAX_BYTES = 2_048;

const name = fc.record({
  kind: fc.constantFrom(...COMPONENT_KINDS),
  id: fc.stringMatching(/^[A-Za-z0-9._:-]{1,40}$/),
  instance: fc.stringMatching(/^[A-Za-z0-9._:-]{1,40}$/),
});
const time = fc.double({ min: 0, max: 4e12, noNaN: true }).map((ms) => Math.abs(ms));
const report = fc
  .record({
    text: fc.string({ maxLength: 20, unit: "grapheme" }).filter((text) => text.length <= 64),
    metrics: fc.dictionary(fc.string({ minLength: 1, maxLength: 10 }), fc.integer(), {
      maxKeys: 4,
      noNullPrototype: true,
    }),
    atMs: time,
  })
  .map(({ text, metrics, atMs }) => ({
    status: readHealthStatus(text),
    text,
    metrics: new Map(Object.entries(metrics)),
    atMs,
  }));
const beat: fc.Arbitrary<PeerBeat> = fc
  .tuple(name, time, fc.option(report, { nil: undefined }), fc.nat())
  .map(([named, lastSeenMs, said, configurationRevision]) => ({
    ...named,
    lastSeenMs,
    configurationRevision,
    ...(said === undefined ? {} : { report: said }),
  }));
const silence: fc.Arbitrary<PeerSilence> = fc
  .tuple(name, time, fc.boolean())
  .map(([named, sinceMs, held]) => ({ ...named, sinceMs, held }));

describe("reports between replicas", () => {
  it("arrive whole, in messages that are small enough", () => {
    fc.assert(
      fc.property(
        fc.array(beat, { maxLength: 30 }),
        fc.array(silence, { maxLength: 30 }),
        time,
        (beats, silent, sentAtMs) => {
          const whole: PeerReport = { replica: "r-1", sentAtMs, beats, silent };
          const messages = encodeReport(nodeCodec, whole, MAX_BYTES);
          assert.ok(messages.length > 0, "a report with nothing in it is sent as well");
          for (const message of messages) assert.ok(message.length <= MAX_BYTES, `${message.length}`);
          const read = messages.map((message) => decodeReport(nodeCodec, message));
          assert.ok(
            read.every((one) => one?.ignored === 0 && one.report.replica === "r-1" && one.report.sentAtMs === sentAtMs),
          );
          assert.deepEqual(
            read.flatMap((one) => one?.report.beats ?? []),
            beats,
          );
          assert.deepEqual(
            read.flatMap((one) => one?.report.silent ?? []),
            silent,
          );
        },
      ),
    );
  });

  it("what is wrong in one is left out and counted, the rest is taken", () => {
    const good = { kind: "source", id: "a", instance: "i", lastSeenMs: 5, configurationRevision: 0 };
    const bad = [null, 1, {}, { ...good, id: "a b" }, { ...good, kind: "router" }, { ...good, lastSeenMs: "x" }];
    const text = JSON.stringify({ replica: "r", sentAtMs: 1, beats: [...bad, good], silent: [{ ...good, held: 1 }] });
    const read = decodeReport(nodeCodec, nodeCodec.encodeUtf8(text));
    assert.deepEqual(read?.report.beats, [good]);
    assert.equal(read?.ignored, bad.length + 1);
  });

  it("no bytes make a reader fail", () => {
    const texts = fc.oneof(fc.json(), fc.string()).map((text) => nodeCodec.encodeUtf8(text));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), texts), (bytes) => {
        decodeReport(nodeCodec, bytes);
      }),
    );
  });
});
