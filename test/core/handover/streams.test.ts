// Stream, consumer and bucket settings: each is a promise that something else relies on.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { DEFAULT_STREAM_SETTINGS, providerConsumer, streamSpecs } from "../../../core/handover/streams.ts";
import { DECIDE_SUBJECT, namesFor } from "../../../core/handover/subjects.ts";
import { OPENAI } from "./requests.ts";

const specs = streamSpecs(namesFor());
const stream = (name: string) => {
  const spec = specs.streams.find((candidate) => candidate.name === name);
  assert.ok(spec, name);
  return spec;
};

describe("stream specifications", () => {
  it("assignments are kept after delivery, for the retention, and push back when there are too many", () => {
    const assignments = stream("BEAMLINE_ASSIGNMENTS");
    assert.deepEqual(assignments.subjects, ["caf.exec.assign.v1.to.>"]);
    assert.equal(assignments.retention, "limits");
    assert.equal(assignments.discard, "new");
    assert.equal(assignments.maxAgeMs, 15 * 60_000);
    assert.equal(assignments.maxMessages, 4_000_000);
    assert.equal(assignments.allowDirect, true);
    assert.equal(assignments.allowMessageTtl, true);
  });

  it("submitted messages leave when they are settled, never by age, and push back", () => {
    const submit = stream("BEAMLINE_SUBMIT");
    assert.deepEqual(submit.subjects, ["beamline.router.v1.submit.*"]);
    assert.deepEqual([submit.retention, submit.discard, submit.maxAgeMs], ["workqueue", "new", undefined]);
  });

  it("a dead letter's id is remembered longer than any redelivery is handled", () => {
    const dlq = stream("BEAMLINE_DLQ");
    assert.ok(dlq.duplicateWindowMs > (stream("BEAMLINE_ASSIGNMENTS").maxAgeMs ?? 0));
    const long = streamSpecs(namesFor(), { ...DEFAULT_STREAM_SETTINGS, retentionMs: 86_400_000 * 30 });
    const longDlq = long.streams.find(({ name }) => name === "BEAMLINE_DLQ");
    assert.ok(
      longDlq && longDlq.duplicateWindowMs > 86_400_000 * 30 && (longDlq.maxAgeMs ?? 0) >= longDlq.duplicateWindowMs,
    );
  });

  it("no stream binds the request subject: a requester would get a PubAck for an answer", () => {
    for (const { subjects } of specs.streams) {
      for (const subject of subjects) {
        assert.equal(subject.startsWith(`${DECIDE_SUBJECT}.>`) || subject === DECIDE_SUBJECT, false);
        if (subject.startsWith(DECIDE_SUBJECT)) assert.equal(subject, "beamline.router.v1.decide.dlq");
      }
    }
  });

  it("a duplicate window is never longer than the age, which the server refuses", () => {
    const short = streamSpecs(namesFor(), { ...DEFAULT_STREAM_SETTINGS, retentionMs: 30_000 });
    for (const spec of [...specs.streams, ...short.streams]) {
      assert.ok(spec.maxAgeMs === undefined || spec.duplicateWindowMs <= spec.maxAgeMs, spec.name);
    }
  });

  it("consumers deliver without limit", () => {
    const [decide] = specs.consumers;
    assert.equal(decide?.durableName, "router-decide-consumer");
    assert.equal(decide?.ackWaitMs, 30_000);
    assert.equal(decide?.maxDeliver, -1);
    const provider = providerConsumer(namesFor("team-a"), OPENAI);
    assert.equal(provider.filterSubject, "team-a.caf.exec.assign.v1.to.*.demo.openai");
    assert.equal(provider.stream, "team-a_BEAMLINE_ASSIGNMENTS");
    assert.equal(provider.durableName, "team-a_provider_demo_openai");
    assert.equal(provider.maxDeliver, -1);
  });

  it("acknowledgements of routers expire, configuration and components do not", () => {
    assert.deepEqual(
      specs.buckets.map(({ name, ttlMs }) => [name, ttlMs]),
      [
        ["beamline-config", undefined],
        ["beamline-acks", 60_000],
        ["beamline-registry", undefined],
      ],
    );
  });
});
