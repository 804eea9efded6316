// The router's staging, event by event: when it swaps, when it waits, and when it reads everything afresh.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { StagedEntry } from "../../../core/config/entry.ts";
import { configHead, encodeHead } from "../../../core/config/head.ts";
import { headKey, policyKey } from "../../../core/config/keys.ts";
import { advanceStage, createStage, isSettled, type Stage, type StageEvent } from "../../../core/config/stage.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const router = { namespace: "beamline-system", name: "default" };
const A = policyKey(router, "demo", "a");
const B = policyKey(router, "demo", "b");
const bytes = (text: string): Uint8Array => nodeCodec.encodeUtf8(text);

function put(key: string, text: string, sequence: number): StageEvent {
  return { kind: "change", key, value: bytes(text), sequence };
}

function remove(key: string, sequence: number): StageEvent {
  return { kind: "change", key, value: undefined, sequence };
}

function head(entries: Readonly<Record<string, string>>, sequence: number, epoch = "e1"): StageEvent {
  const staged: StagedEntry[] = Object.entries(entries).map(([key, text]) => ({
    key,
    value: bytes(text),
    sequence: 0,
  }));
  return {
    kind: "change",
    key: headKey(router),
    value: encodeHead(nodeCodec, configHead(nodeCodec, epoch, staged)),
    sequence,
  };
}

const BEGIN: StageEvent = { kind: "snapshotBegin", bucketCreated: "one" };
const COMPLETE: StageEvent = { kind: "snapshotComplete" };

/** What came of each event, shortly: `swap 3 a=1 b=2`, `reread <reason>`, or nothing. */
function run(events: readonly StageEvent[], from: Stage = createStage(router)): { log: string[]; state: Stage } {
  let state = from;
  const log: string[] = [];
  const served = new Map<string, StagedEntry>(from.applied === undefined ? [] : from.staged);
  for (const event of events) {
    const step = advanceStage(state, event, nodeCodec);
    state = step.state;
    for (const action of step.actions) {
      if (action.kind === "reread") log.push(`reread ${action.reason}`);
      else {
        if (action.isWhole) served.clear();
        for (const [key, entry] of action.changes) {
          if (entry === undefined) served.delete(key);
          else served.set(key, entry);
        }
        const entries = [...served.values()]
          .map(({ key, value }) => `${key.slice(-1)}=${nodeCodec.decodeUtf8(value)}`)
          .sort();
        log.push(["swap", action.revision, ...entries].join(" "));
      }
    }
  }
  return { log, state };
}

const LIVE: readonly StageEvent[] = [BEGIN, put(A, "1", 1), head({ [A]: "1" }, 2), COMPLETE];

describe("staging of the configuration", () => {
  it("swaps once, at the head that names what has come", () => {
    const { log, state } = run([BEGIN, put(A, "1", 1), put(B, "2", 2), head({ [A]: "1", [B]: "2" }, 3), COMPLETE]);
    assert.deepEqual(log, ["swap 3 a=1 b=2"]);
    assert.ok(isSettled(state));
  });

  it("takes an empty set into force as well", () => {
    assert.deepEqual(run([BEGIN, head({}, 1), COMPLETE]).log, ["swap 1"]);
  });

  it("serves the former set until the next head is complete", () => {
    const { log } = run([...LIVE, put(A, "3", 3), put(B, "4", 4), head({ [A]: "3", [B]: "4" }, 5)]);
    assert.deepEqual(log, ["swap 2 a=1", "swap 5 a=3 b=4"]);
  });

  it("follows removals", () => {
    assert.deepEqual(run([...LIVE, remove(A, 3), head({}, 4)]).log, ["swap 2 a=1", "swap 4"]);
  });

  it("waits during a snapshot when entries were replaced after their head", () => {
    // The snapshot has no longer a=1: it was replaced at 5, so the head at 2 names a set that never comes.
    const events = [BEGIN, head({ [A]: "1" }, 2), put(A, "5", 5), COMPLETE, head({ [A]: "5" }, 6)];
    assert.deepEqual(run(events).log, ["swap 6 a=5"]);
  });

  it("reads afresh when a live head does not fit: something was lost", () => {
    const { log, state } = run([...LIVE, head({ [A]: "1", [B]: "2" }, 4)]);
    assert.deepEqual(log, ["swap 2 a=1", "reread head_mismatch"]);
    const again = [BEGIN, put(A, "1", 1), put(B, "2", 3), head({ [A]: "1", [B]: "2" }, 4), COMPLETE];
    assert.deepEqual(run(again, state).log, ["swap 4 a=1 b=2"]);
  });

  it("ignores everything between asking for a reread and its beginning", () => {
    const { state } = run([...LIVE, head({ [A]: "9" }, 4)]);
    assert.deepEqual(
      run([put(B, "2", 5), head({ [A]: "1", [B]: "2" }, 6), { kind: "heartbeatsMissed" }], state).log,
      [],
    );
  });

  it("does not swap again to what is in force when it has read afresh", () => {
    const { state } = run(LIVE);
    const lost = run([{ kind: "heartbeatsMissed" }], state);
    assert.deepEqual(lost.log, ["reread heartbeats_missed"]);
    assert.deepEqual(run([BEGIN, put(A, "1", 1), head({ [A]: "1" }, 2), COMPLETE], lost.state).log, []);
  });

  it("reads afresh on another epoch, and on a head below the one in force", () => {
    assert.deepEqual(run([...LIVE, head({ [A]: "1" }, 5, "e2")]).log, ["swap 2 a=1", "reread epoch_changed"]);
    const { state } = run([...LIVE, put(B, "2", 3), head({ [A]: "1", [B]: "2" }, 4)]);
    const restored: StageEvent[] = [BEGIN, put(A, "1", 1), head({ [A]: "1" }, 2), COMPLETE];
    assert.deepEqual(run(restored, state).log, ["swap 2 a=1"], "what a fresh look shows is the truth");
  });

  it("reads afresh when the poll shows another head, another bucket or none", () => {
    const poll = (headSequence: number | undefined, bucketCreated?: string): StageEvent => ({
      kind: "poll",
      headSequence,
      ...(bucketCreated === undefined ? {} : { bucketCreated }),
    });
    assert.deepEqual(run([...LIVE, poll(2, "one")]).log, ["swap 2 a=1"]);
    assert.deepEqual(run([...LIVE, poll(9, "one")]).log, ["swap 2 a=1", "reread poll_shows_other_head"]);
    assert.deepEqual(run([...LIVE, poll(2, "two")]).log, ["swap 2 a=1", "reread bucket_replaced"]);
    assert.deepEqual(run([...LIVE, poll(undefined)]).log, ["swap 2 a=1", "reread bucket_replaced"]);
  });

  it("looks again at each poll while the last head does not fit", () => {
    const events: StageEvent[] = [BEGIN, head({ [A]: "1" }, 2), COMPLETE];
    const poll: StageEvent = { kind: "poll", headSequence: 2, bucketCreated: "one" };
    assert.deepEqual(run([...events, poll]).log, ["reread head_mismatch"]);
  });

  it("keeps what is in force when the head is deleted or cannot be read", () => {
    const { log, state } = run([...LIVE, remove(headKey(router), 3)]);
    assert.deepEqual(log, ["swap 2 a=1"]);
    assert.equal(state.applied?.revision, 2);
    const broken: StageEvent = { kind: "change", key: headKey(router), value: bytes("{"), sequence: 3 };
    assert.deepEqual(run([...LIVE, broken]).log, ["swap 2 a=1", "reread head_unreadable"]);
  });

  it("asks again each time that reading fails", () => {
    const failed: StageEvent = { kind: "readFailed" };
    assert.deepEqual(run([failed, failed]).log, ["reread read_failed", "reread read_failed"]);
  });

  it("takes a message that comes twice or too late for what it is", () => {
    const events = [...LIVE, put(A, "3", 3), put(A, "1", 1), put(A, "3", 3), head({ [A]: "3" }, 4)];
    assert.deepEqual(run(events).log, ["swap 2 a=1", "swap 4 a=3"]);
  });

  it("keeps no view of the bytes that it was given", () => {
    const value = bytes("1");
    const { state } = run([BEGIN, { kind: "change", key: A, value, sequence: 1 }]);
    value.fill(0);
    assert.deepEqual(run([head({ [A]: "1" }, 2)], state).log, ["swap 2 a=1"]);
  });
});
