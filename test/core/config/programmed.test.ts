// Programmed is a statement about routers: who must have said what for it to be true.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { buildAck, encodeAck, MAX_LISTED_REJECTIONS, parseAck } from "../../../core/config/acknowledge.ts";
import type { RejectedEntry, RouterAck } from "../../../core/config/entry.ts";
import { nextEntry, wasServed } from "../../../core/config/last-good.ts";
import { type ProgrammedTarget, programmed, type RouterPod } from "../../../core/config/programmed.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const TARGET: ProgrammedTarget = { key: "k", uid: "object", generation: 3, epoch: "e1", revision: 10 };
const rejection: RejectedEntry = {
  key: "k",
  uid: "object",
  generation: 3,
  reason: "spec.rules[0].when: no such field",
};

function pod(name: string, ready = true): RouterPod {
  return { name, uid: `uid-${name}`, ready };
}

function ack(name: string, revision: number, more: Partial<RouterAck> = {}): RouterAck {
  const made = buildAck({ podUid: `uid-${name}`, version: "1", applied: { revision, epoch: "e1" }, rejected: [] });
  return { ...made, ...more };
}

describe("Programmed", () => {
  const cases: readonly [string, readonly RouterAck[], readonly RouterPod[], string, string][] = [
    ["no pod at all", [], [], "Unknown", "NoReadyPods"],
    ["no ready pod, though it acknowledges", [ack("a", 10)], [pod("a", false)], "Unknown", "NoReadyPods"],
    ["a ready pod says nothing", [ack("a", 10)], [pod("a"), pod("b")], "Unknown", "Pending"],
    ["a ready pod is behind", [ack("a", 10), ack("b", 9)], [pod("a"), pod("b")], "Unknown", "Pending"],
    ["another epoch, however far", [ack("a", 99, { epoch: "e0" })], [pod("a")], "Unknown", "Pending"],
    ["exactly the target", [ack("a", 10)], [pod("a")], "True", "Programmed"],
    ["beyond the target", [ack("a", 12), ack("b", 10)], [pod("a"), pod("b")], "True", "Programmed"],
    [
      "a pod that is not ready does not count",
      [ack("a", 10), ack("b", 2)],
      [pod("a"), pod("b", false)],
      "True",
      "Programmed",
    ],
    ["rejected", [ack("a", 10, { rejected: [rejection], rejectedCount: 1 })], [pod("a")], "False", "Rejected"],
    [
      "another generation rejected",
      [ack("a", 10, { rejected: [{ ...rejection, generation: 2 }], rejectedCount: 1 })],
      [pod("a")],
      "True",
      "Programmed",
    ],
    [
      "another object of the same name rejected",
      [ack("a", 10, { rejected: [{ ...rejection, uid: "before" }], rejectedCount: 1 })],
      [pod("a")],
      "True",
      "Programmed",
    ],
    ["more rejected than listed", [ack("a", 10, { rejectedCount: 101 })], [pod("a")], "Unknown", "RejectionsTruncated"],
    ["acknowledged by a process that is gone", [ack("a", 10, { podUid: "old" })], [pod("a")], "Unknown", "Pending"],
  ];
  for (const [name, acks, pods, status, reason] of cases) {
    it(`${name}: ${status}/${reason}`, () => {
      const verdict = programmed(TARGET, acks, pods);
      assert.deepEqual([verdict.status, verdict.reason], [status, reason]);
    });
  }

  it("is pending while its head is not written", () => {
    assert.equal(programmed({ ...TARGET, revision: undefined }, [ack("a", 99)], [pod("a")]).reason, "Pending");
  });

  it("names the router and the reason of a rejection", () => {
    const { message } = programmed(TARGET, [ack("a", 10, { rejected: [rejection], rejectedCount: 1 })], [pod("a")]);
    assert.equal(message, "router a rejects it: spec.rules[0].when: no such field");
  });

  it("is true only if every ready pod has applied the target in its epoch", () => {
    const state = fc.record({
      ready: fc.boolean(),
      revision: fc.integer({ min: 8, max: 12 }),
      sameEpoch: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(state, { maxLength: 4 }), (states) => {
        const pods = states.map(({ ready }, index) => pod(String(index), ready));
        const acks = states.map(({ revision, sameEpoch }, index) =>
          ack(String(index), revision, sameEpoch ? {} : { epoch: "e0" }),
        );
        const ready = states.filter((one) => one.ready);
        const expected = ready.length > 0 && ready.every((one) => one.sameEpoch && one.revision >= 10);
        assert.equal(programmed(TARGET, acks, pods).status === "True", expected);
      }),
    );
  });
});

describe("acknowledgements", () => {
  it("list at most 100 rejections, by key, and count all", () => {
    const rejected = Array.from({ length: 150 }, (_, index) => ({
      ...rejection,
      key: `k${String(index).padStart(3, "0")}`,
    }));
    const made = buildAck({ podUid: "u", version: "1", applied: undefined, rejected: rejected.reverse() });
    assert.equal(made.rejected.length, MAX_LISTED_REJECTIONS);
    assert.equal(made.rejectedCount, 150);
    assert.deepEqual([made.rejected[0]?.key, made.rejected.at(-1)?.key], ["k000", "k099"]);
    assert.deepEqual([made.appliedRevision, made.epoch], [0, ""]);
  });

  it("read back, and what is none is refused", () => {
    const made = ack("a", 10, { rejected: [rejection], rejectedCount: 1 });
    assert.deepEqual(parseAck(nodeCodec, encodeAck(nodeCodec, made)), made);
    const wrong: unknown[] = [
      {},
      [],
      { ...made, appliedRevision: 1.5 },
      { ...made, rejected: [{}] },
      { ...made, podUid: 1 },
    ];
    for (const value of wrong) {
      assert.equal(parseAck(nodeCodec, nodeCodec.encodeUtf8(JSON.stringify(value))), undefined, JSON.stringify(value));
    }
  });
});

describe("last good spec", () => {
  const meta = (generation: number, uid = "u1") => ({ namespace: "demo", name: "a", uid, generation, creationMs: 5 });
  const desired = (generation: number, uid?: string) => ({
    kind: "RoutingPolicy" as const,
    meta: meta(generation, uid),
    spec: { n: generation },
  });

  it("is the spec before, once that was Programmed", () => {
    const first = nextEntry(undefined, false, desired(1));
    assert.equal(first.lastGood, undefined);
    const second = nextEntry(first, true, desired(2));
    assert.deepEqual(second.lastGood, { generation: 1, spec: { n: 1 } });
  });

  it("stays while what follows is not Programmed", () => {
    const second = nextEntry(nextEntry(undefined, false, desired(1)), true, desired(2));
    const third = nextEntry(second, false, desired(3));
    assert.deepEqual(third.lastGood, { generation: 1, spec: { n: 1 } });
    assert.deepEqual(nextEntry(third, true, desired(3)), third, "the same generation is the same entry");
  });

  it("is not inherited by another object of the same name", () => {
    assert.equal(nextEntry(nextEntry(undefined, false, desired(1)), true, desired(1, "u2")).lastGood, undefined);
  });

  it("of a former operator's head is known by what routers acknowledged", () => {
    const head = { revision: 10, epoch: "e1" };
    const entry = { uid: "object", generation: 3 };
    assert.ok(wasServed("k", entry, head, [ack("a", 9), ack("b", 10)]));
    assert.ok(!wasServed("k", entry, head, [ack("a", 9), ack("b", 10, { epoch: "e0" })]));
    assert.ok(!wasServed("k", entry, head, [ack("a", 10, { rejected: [rejection], rejectedCount: 1 })]));
    assert.ok(!wasServed("k", entry, head, []));
  });
});
