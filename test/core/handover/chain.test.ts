// The chain of attempts: what is published, what may be withdrawn and when, and what each answer of the store comes to.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  attemptOfExisting,
  planAssignment,
  planDecided,
  planEnd,
  planLegacyAssignment,
} from "../../../core/handover/assignment.ts";
import {
  finishWithdrawal,
  MAX_IN_FLIGHT_TRIES,
  planNextAttempt,
  planPush,
  readStanding,
  type SuccessorInput,
  storeForEffect,
  supersede,
  withdrawalOf,
} from "../../../core/handover/chain.ts";
import type { Effect, EffectResult, OutgoingMessage, StoredMessage } from "../../../core/handover/effects.ts";
import { compareExisting, readExisting } from "../../../core/handover/existing.ts";
import type { ExistingEffect } from "../../../core/handover/record.ts";
import { effectWildcard } from "../../../core/handover/subjects.ts";
import { schemaTable } from "../../../proto/gen/messages/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { EFFECT_ID, FINGERPRINT, OPENAI, RECORD, requestOf } from "./requests.ts";

const NOW_MS = 1_700_000_000_000;
const EFFECT = { codec: nodeCodec, effectId: EFFECT_ID, fingerprint: FINGERPRINT, provider: OPENAI, record: RECORD };
const SUCCESSOR: SuccessorInput = {
  codec: nodeCodec,
  schemas: schemaTable,
  request: requestOf(),
  token: "token-2",
  deadlineMs: NOW_MS + 30_000,
  nowMs: NOW_MS,
};

function stored(message: OutgoingMessage, sequence: number): StoredMessage {
  const headers = new Map(message.headers);
  return { subject: message.subject, sequence, timestampMs: NOW_MS, headers, body: message.body };
}

function standing(message: OutgoingMessage, sequence: number): ExistingEffect {
  const existing = readExisting(stored(message, sequence));
  assert.ok(existing);
  return existing;
}

const first = planAssignment({ ...EFFECT, ...SUCCESSOR, attempt: 1, token: "token-1", expectLastSequence: 0 });
const decided = planDecided({ ...EFFECT, request: requestOf(), expectLastSequence: 0, ttlMs: 900_000 });
const legacy = { subject: "caf.exec.assign.v1", token: "token-1", deadlineMs: NOW_MS + 30_000 };
const legacyClaim = planDecided({ ...EFFECT, request: requestOf(), expectLastSequence: 0, ttlMs: undefined, legacy });

describe("messages of an effect", () => {
  it("the first attempt is its own claim and has no TTL", () => {
    assert.equal(first.expectLastSequence, 0);
    assert.equal(first.expectSubject, effectWildcard(EFFECT_ID));
    assert.equal(first.msgId, `${EFFECT_ID}:1`);
    assert.equal(first.ttlMs, undefined);
  });

  it("a decision that was not pushed has a TTL; the claim of a legacy assignment has none", () => {
    assert.equal(decided.ttlMs, 900_000);
    assert.equal(legacyClaim.ttlMs, undefined);
    assert.equal(decided.msgId, `${EFFECT_ID}:0`);
  });

  it("tell of themselves when they are read back", () => {
    const existing = standing(first, 7);
    assert.equal(existing.stage, "assignment");
    assert.equal(existing.attempt, 1);
    assert.equal(existing.sequence, 7);
    assert.equal(existing.attemptToken, "token-1");
    assert.equal(existing.deadlineMs, NOW_MS + 30_000);
    assert.deepEqual(existing.provider, OPENAI);
    assert.deepEqual(existing.decision, RECORD);
    assert.equal(existing.supersedes, undefined);
    assert.equal(compareExisting(existing, FINGERPRINT), "same");
    assert.equal(compareExisting(existing, "0".repeat(32)), "violation");
  });

  it("a legacy claim tells what its assignment is repeated from", () => {
    const existing = standing(legacyClaim, 3);
    assert.equal(existing.stage, "decided");
    assert.equal(existing.legacySubject, legacy.subject);
    const given = { ...SUCCESSOR, legacySubject: legacy.subject };
    const before = planLegacyAssignment({ ...given, ...EFFECT, attempt: 1, token: legacy.token });
    const repeated = planLegacyAssignment({ ...given, ...attemptOfExisting(existing) });
    assert.deepEqual(repeated, before);
    assert.equal(repeated.subject, legacy.subject);
    assert.equal(repeated.msgId, `${EFFECT_ID}:1`);
    assert.equal(repeated.expectLastSequence, undefined);
  });

  it("an end mark keeps the claim, and the decision with it", () => {
    const previous = standing(first, 7);
    const end = planEnd({ codec: nodeCodec, existing: previous, tenantId: "demo", reason: "attempts_exhausted" });
    assert.equal(end.expectLastSequence, 7);
    assert.equal(end.ttlMs, undefined);
    const existing = standing(end, 8);
    assert.deepEqual(
      { ...existing, stage: "assignment", sequence: 7 },
      {
        ...previous,
        attemptToken: undefined,
        deadlineMs: undefined,
        supersedes: 7,
      },
    );
  });

  for (const name of ["Beamline-Decision", "Beamline-Fingerprint", "Beamline-Attempt"]) {
    it(`without ${name} are not ours`, () => {
      const message = { ...first, headers: first.headers.filter(([header]) => header !== name) };
      assert.equal(readExisting(stored(message, 1)), undefined);
    });
  }
});

describe("the next message of a chain", () => {
  it("a later push goes to the decided provider with the decided answer, on the decision's sequence", () => {
    const push = planPush(standing(decided, 41), SUCCESSOR);
    assert.equal(push.expectLastSequence, 41);
    assert.equal(push.msgId, `${EFFECT_ID}:1`);
    const existing = standing(push, 42);
    assert.deepEqual(existing.decision, RECORD);
    assert.equal(existing.supersedes, 41);
    assert.equal(existing.fingerprint, FINGERPRINT);
  });

  it("attempt n+1 goes to the next provider on the sequence of attempt n", () => {
    const provider = { namespace: "demo", name: "anthropic" };
    const record = { ...RECORD, provider_id: "anthropic", reason: "retry" };
    const next = standing(planNextAttempt(standing(first, 7), { provider, record }, SUCCESSOR), 9);
    assert.equal(next.attempt, 2);
    assert.equal(next.decision.metadata.attempt, "2");
    assert.deepEqual(next.provider, provider);
    assert.equal(next.supersedes, 7);
  });

  it("follows nothing that is not its predecessor", () => {
    assert.throws(() => planPush(standing(first, 7), SUCCESSOR), /only a decision/);
    assert.throws(() => planPush(standing(legacyClaim, 7), SUCCESSOR), /only a decision/);
    assert.throws(
      () => planNextAttempt(standing(decided, 7), { provider: OPENAI, record: RECORD }, SUCCESSOR),
      /no attempt/,
    );
  });

  it("only what a later message supersedes may be withdrawn", () => {
    const previous = standing(first, 7);
    assert.deepEqual(withdrawalOf(previous, 8), { kind: "withdraw", subject: effectWildcard(EFFECT_ID), sequence: 7 });
    for (const sequence of [7, 6, 0]) assert.throws(() => withdrawalOf(previous, sequence), /supersedes/);
  });
});

describe("storing a message of an effect", () => {
  const found: EffectResult = { kind: "found", message: stored(first, 7) };
  const store = () => storeForEffect(first, EFFECT_ID);

  const rows: [string, EffectResult[], object, string[]][] = [
    ["stored", [{ kind: "stored", sequence: 7, duplicate: false }], { kind: "stored", sequence: 7 }, ["publish"]],
    [
      "stored before",
      [{ kind: "stored", sequence: 7, duplicate: true }, found],
      { kind: "standing", existing: standing(first, 7) },
      ["publish", "readLast"],
    ],
    [
      "a conflict",
      [{ kind: "conflict" }, found],
      { kind: "standing", existing: standing(first, 7) },
      ["publish", "readLast"],
    ],
    [
      "a conflict, then nothing",
      [{ kind: "conflict" }, { kind: "absent" }],
      { kind: "vanished" },
      ["publish", "readLast"],
    ],
    [
      "in flight once",
      [{ kind: "inFlight" }, { kind: "done" }, { kind: "stored", sequence: 7, duplicate: false }],
      { kind: "stored", sequence: 7 },
      ["publish", "wait", "publish"],
    ],
    [
      "full",
      [{ kind: "full", description: "maximum messages exceeded" }],
      { kind: "full", description: "maximum messages exceeded" },
      ["publish"],
    ],
    [
      "unavailable",
      [{ kind: "unavailable", reason: "timeout" }],
      { kind: "unavailable", reason: "timeout" },
      ["publish"],
    ],
    [
      "a conflict, then unavailable",
      [{ kind: "conflict" }, { kind: "unavailable", reason: "timeout" }],
      { kind: "unavailable", reason: "timeout" },
      ["publish", "readLast"],
    ],
  ];
  for (const [name, results, outcome, effects] of rows) {
    it(`${name}: ${effects.join(", ")}`, () => assert.deepEqual(drive(store(), results), { outcome, effects }));
  }

  it("in flight without end: gives up after a bounded number of tries", () => {
    const results = Array.from({ length: 2 * MAX_IN_FLIGHT_TRIES }, (_, index): EffectResult => {
      return index % 2 === 0 ? { kind: "inFlight" } : { kind: "done" };
    });
    const { outcome, effects } = drive(store(), results);
    assert.deepEqual(outcome, { kind: "unavailable", reason: "in_flight" });
    assert.equal(effects.filter((effect) => effect === "publish").length, MAX_IN_FLIGHT_TRIES);
  });

  it("a foreign message is not taken for an effect", () => {
    const message = { ...stored(first, 7), headers: new Map<string, string>() };
    const { outcome } = drive(readStanding(EFFECT_ID), [{ kind: "found", message }]);
    assert.deepEqual(outcome, { kind: "foreign", stored: message });
  });

  it("supersede withdraws the previous message only after the next is stored", () => {
    const previous = standing(decided, 41);
    const push = planPush(previous, SUCCESSOR);
    const done = drive(supersede(previous, push), [
      { kind: "stored", sequence: 42, duplicate: false },
      { kind: "done" },
    ]);
    assert.deepEqual(done.effects, ["publish", "withdraw 41"]);
    const refused = drive(supersede(previous, push), [{ kind: "full", description: "x" }]);
    assert.deepEqual(refused.effects, ["publish"]);
  });

  it("who finds the next message finishes the withdrawal that its writer left", () => {
    const previous = standing(decided, 41);
    const push = planPush(previous, SUCCESSOR);
    const results: EffectResult[] = [
      { kind: "conflict" },
      { kind: "found", message: stored(push, 42) },
      { kind: "done" },
    ];
    assert.deepEqual(drive(supersede(previous, push), results).effects, ["publish", "readLast", "withdraw 41"]);
    assert.deepEqual(drive(finishWithdrawal(standing(first, 7)), []).effects, []);
  });
});

/** Runs a generator on scripted results; fails when it asks for more or for less. */
function drive<T>(
  run: Generator<Effect, T, EffectResult>,
  results: readonly EffectResult[],
): { outcome: T; effects: string[] } {
  const effects: string[] = [];
  let step = run.next();
  while (!step.done) {
    const { value } = step;
    effects.push(value.kind === "withdraw" ? `withdraw ${value.sequence}` : value.kind);
    const result = results[effects.length - 1];
    assert.ok(result, `no result for effect ${effects.length}: ${value.kind}`);
    step = run.next(result);
  }
  return { outcome: step.value, effects };
}
