// Dispositions that a server gives rise to only after minutes, or by bad luck: back-off, giving up, the window, poison.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Effect, EffectResult, StoredMessage } from "../../core/handover/effects.ts";
import { MAX_ERRORS } from "../../router/reject.ts";
import { contextOf, type Driven, drive, durable, healthyServer, NOW_MS } from "./drive.ts";
import { encodeRequest } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const context = contextOf(POLICIES);
const withoutPolicy = encodeRequest("protobuf", { policy: "nowhere" });
const RETENTION_MS = 15 * 60_000;

function letterOf({ effects }: Driven): { code: string; intakeCode: string } | undefined {
  for (const effect of effects) {
    if (effect.kind !== "publish" || effect.message.purpose !== "dead-letter") continue;
    const record = JSON.parse(new TextDecoder().decode(effect.message.body));
    return { code: record.validation_error.code, intakeCode: record.validation_error.intake_error_code };
  }
  return undefined;
}

function delayOf({ handled }: Driven): number {
  assert.equal(handled.disposition.kind, "nak");
  return handled.disposition.kind === "nak" ? handled.disposition.delayMs : Number.NaN;
}

/** Publishes of one purpose end so, everything else is healthy. */
const refusing =
  (purpose: string, result: EffectResult) =>
  (effect: Effect): EffectResult =>
    effect.kind === "publish" && effect.message.purpose === purpose ? result : healthyServer(effect);

/** The message that a handling stored, as a server gives it back. */
function storedBy(driven: Driven): StoredMessage {
  const effect = driven.effects.find((one) => one.kind === "publish");
  assert.ok(effect?.kind === "publish");
  const { subject, headers, body } = effect.message;
  return { subject, sequence: 1, timestampMs: NOW_MS, headers: new Map(headers), body };
}

describe("a durable message whose decision fails", () => {
  const waits = [1_000, 5_000, 15_000, 15_000];
  for (const [errorCount, waitMs] of waits.entries()) {
    it(`comes back after about ${waitMs} ms the ${errorCount + 1}. time, and that counts as an error`, () => {
      const driven = drive(durable({ body: withoutPolicy, errorCount }), context);
      const delayMs = delayOf(driven);
      assert.ok(delayMs >= waitMs * 0.9 && delayMs <= waitMs * 1.1, String(delayMs));
      assert.equal(driven.handled.countsAsError, true);
      assert.equal(letterOf(driven), undefined);
    });
  }

  it(`is given up at the ${MAX_ERRORS}. error, with a dead letter`, () => {
    const driven = drive(durable({ body: withoutPolicy, errorCount: MAX_ERRORS - 1 }), context);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "decision_failed" });
    assert.deepEqual(letterOf(driven), { code: "decision_failed", intakeCode: "INTERNAL_VALIDATION_ERROR" });
  });

  it("waits differently for messages that failed together", () => {
    const delays = Array.from({ length: 20 }, () => delayOf(drive(durable({ body: withoutPolicy }), context)));
    assert.ok(new Set(delays).size > 10, delays.join(" "));
  });
});

describe("a durable message that JetStream does not take", () => {
  it("is given up after the last error when a stream refuses it for what it is", () => {
    const refused = refusing("assignment", { kind: "rejected", code: 10060, description: "expected stream differs" });
    assert.equal(drive(durable(), context, refused).handled.countsAsError, true);
    const last = drive(durable({ errorCount: MAX_ERRORS - 1 }), context, refused);
    assert.deepEqual(letterOf(last), { code: "retries_exhausted", intakeCode: "INTERNAL_VALIDATION_ERROR" });
    assert.deepEqual(last.handled.disposition, { kind: "term", reason: "retries_exhausted" });
  });

  it("is refused for good when its assignment is larger than any message may be", () => {
    const tooLarge = refusing("assignment", { kind: "rejected", code: 0, description: "max_payload exceeded" });
    const driven = drive(durable(), context, tooLarge);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "payload_too_large" });
    assert.equal(letterOf(driven)?.intakeCode, "SCHEMA_VALIDATION_FAILED");
  });

  for (const reason of ["no_responders", "timeout", "disconnected", "overloaded"] as const) {
    it(`comes back without an error counted after ${reason}, however often`, () => {
      const away = refusing("assignment", { kind: "unavailable", reason });
      const driven = drive(durable({ errorCount: MAX_ERRORS - 1 }), context, away);
      const delayMs = delayOf(driven);
      assert.ok(delayMs >= 900 && delayMs <= 1_100, String(delayMs));
      assert.equal(driven.handled.countsAsError, false);
    });
  }

  it("waits longer with each delivery while the stream is full, up to a minute, and is never given up", () => {
    const full = refusing("assignment", { kind: "full", description: "maximum messages exceeded" });
    for (const [deliveryCount, waitMs] of [
      [1, 1_000],
      [2, 2_000],
      [5, 16_000],
      [40, 60_000],
    ] as const) {
      const driven = drive(durable({ errorCount: MAX_ERRORS - 1, position: { deliveryCount } }), context, full);
      const delayMs = delayOf(driven);
      assert.ok(delayMs >= waitMs * 0.9 && delayMs <= waitMs * 1.1, `${deliveryCount}: ${delayMs}`);
      assert.equal(driven.handled.countsAsError, false);
    }
  });

  it("asks again while another publish of its effect is in flight, then comes back", () => {
    const driven = drive(durable(), context, refusing("assignment", { kind: "inFlight" }));
    const waits = driven.effects.filter((effect) => effect.kind === "wait").map((effect) => effect.ms);
    assert.deepEqual(waits, [2, 4, 8, 16, 32, 64, 100]);
    assert.equal(driven.handled.disposition.kind, "nak");
  });
});

describe("a rejected durable message", () => {
  const invalid = encodeRequest("protobuf", { tenant: "other" });

  it("is terminated only when its dead letter is stored", () => {
    const driven = drive(durable({ body: invalid }), context);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "tenant_mismatch" });
    for (const result of [
      { kind: "unavailable", reason: "no_responders" },
      { kind: "unavailable", reason: "timeout" },
      { kind: "full", description: "maximum bytes exceeded" },
      { kind: "rejected", code: 10060, description: "expected stream does not match" },
    ] as const) {
      const failed = drive(
        durable({ body: invalid, errorCount: MAX_ERRORS }),
        context,
        refusing("dead-letter", result),
      );
      assert.equal(failed.handled.disposition.kind, "nak", JSON.stringify(result));
      assert.equal(failed.handled.countsAsError, false);
    }
  });

  it("counts a dead letter that stood already as stored: the settlement before was lost", () => {
    const again = refusing("dead-letter", { kind: "stored", sequence: 7, duplicate: true });
    assert.equal(drive(durable({ body: invalid }), context, again).handled.disposition.kind, "term");
  });

  it("has a dead letter of the same id on every delivery, and another one for another message", () => {
    const idOf = (driven: Driven): string => {
      const effect = driven.effects[0];
      return effect?.kind === "publish" ? effect.message.msgId : "";
    };
    const first = idOf(drive(durable({ body: invalid }), context));
    const again = idOf(drive(durable({ body: invalid, position: { deliveryCount: 2 } }), context));
    assert.equal(again, first);
    assert.notEqual(idOf(drive(durable({ body: invalid, position: { sequence: 43 } }), context)), first);
  });
});

describe("subjects of dead letters", () => {
  const invalid = encodeRequest("protobuf", { tenant: "other" });
  for (const [setting, subject] of [
    ["Common", "beamline.router.v1.intake.dlq"],
    ["PerKind", "beamline.router.v1.decide.dlq"],
  ] as const) {
    it(`${setting}: ${subject}`, () => {
      const chosen = contextOf(POLICIES, { BEAMLINE_DEAD_LETTER_SUBJECTS: setting });
      const [effect] = drive(durable({ body: invalid }), chosen).effects;
      assert.equal(effect?.kind === "publish" ? effect.message.subject : undefined, subject);
    });
  }
});

describe("the window", () => {
  const old = { deliveryCount: 2, timestampMs: NOW_MS - RETENTION_MS };

  it("a redelivery beyond it is not dispatched when nothing stands", () => {
    const driven = drive(durable({ position: old }), context);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "redelivered_after_window" });
    const published = driven.effects.flatMap((effect) => (effect.kind === "publish" ? [effect.message.purpose] : []));
    assert.deepEqual(published, ["dead-letter"]);
    assert.deepEqual(letterOf(driven)?.intakeCode, "INTERNAL_VALIDATION_ERROR");
  });

  it("a redelivery beyond it is settled by what stands", () => {
    const message = storedBy(drive(durable(), context));
    const driven = drive(durable({ position: old }), context, (effect) =>
      effect.kind === "readLast" ? { kind: "found", message } : healthyServer(effect),
    );
    assert.deepEqual(driven.handled.disposition, { kind: "ack" });
    assert.deepEqual(
      driven.effects.map(({ kind }) => kind),
      ["readLast"],
    );
  });

  it("a redelivery beyond it comes back when it cannot be looked what stands", () => {
    const driven = drive(durable({ position: old }), context, (effect) =>
      effect.kind === "readLast" ? { kind: "unavailable", reason: "timeout" } : healthyServer(effect),
    );
    assert.equal(driven.handled.disposition.kind, "nak");
  });

  it("a first delivery is dispatched however old it is, and a redelivery within the window too", () => {
    const first = drive(durable({ position: { timestampMs: NOW_MS - 10 * RETENTION_MS } }), context);
    assert.deepEqual(first.handled.disposition, { kind: "ack" });
    const within = { deliveryCount: 2, timestampMs: NOW_MS - RETENTION_MS * 0.8 };
    assert.deepEqual(drive(durable({ position: within }), context).handled.disposition, { kind: "ack" });
  });
});

describe("poison", () => {
  it("a message delivered 50 times is not looked at again", () => {
    const driven = drive(durable({ position: { deliveryCount: 50 } }), context);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "poison_suspected" });
    assert.deepEqual(letterOf(driven)?.code, "poison_suspected");
    assert.equal(drive(durable({ position: { deliveryCount: 49 } }), context).handled.disposition.kind, "ack");
  });
});

describe("settling", () => {
  it("nothing is acknowledged before its effect is stored", () => {
    const results: EffectResult[] = [
      { kind: "conflict" },
      { kind: "rejected", code: 10060, description: "refused" },
      { kind: "unavailable", reason: "closed" },
      { kind: "full", description: "full" },
      { kind: "inFlight" },
    ];
    for (const result of results) {
      const driven = drive(durable(), context, refusing("assignment", result));
      assert.equal(driven.handled.disposition.kind, "nak", JSON.stringify(result));
    }
  });

  it("a redelivery of a stored message is acknowledged and stores nothing more", () => {
    const message = storedBy(drive(durable(), context));
    const driven = drive(durable({ position: { deliveryCount: 2 } }), context, (effect) => {
      if (effect.kind === "publish") return { kind: "conflict" };
      return effect.kind === "readLast" ? { kind: "found", message } : { kind: "done" };
    });
    assert.deepEqual(driven.handled.disposition, { kind: "ack" });
    assert.ok(driven.handled.outcome.kind === "decided" && driven.handled.outcome.existing);
  });

  it("a message of its effect that no router wrote is not taken for an assignment", () => {
    const message = { ...storedBy(drive(durable(), context)), headers: new Map<string, string>() };
    const driven = drive(durable(), context, (effect) => {
      if (effect.kind === "publish") return { kind: "conflict" };
      return effect.kind === "readLast" ? { kind: "found", message } : { kind: "done" };
    });
    assert.equal(driven.handled.disposition.kind, "nak");
    assert.equal(driven.handled.countsAsError, true);
  });
});

describe("an answer", () => {
  const asking = { ...durable(), replyTo: "_INBOX.a" };

  it("that did not leave the router is counted so, and the message is settled all the same", () => {
    const unsent = (effect: Effect): EffectResult =>
      effect.kind === "reply" ? { kind: "unsent", reason: "no connection" } : healthyServer(effect);
    const { handled } = drive(asking, context, unsent);
    assert.deepEqual([handled.reply, handled.disposition.kind], ["unsent", "ack"]);
    assert.equal(drive(asking, context).handled.reply, "sent");
  });

  it("is a refusal when no server takes the assignment for its size", () => {
    const tooLarge = refusing("assignment", { kind: "rejected", code: 0, description: "max_payload size exceeded" });
    const driven = drive(asking, context, tooLarge);
    assert.deepEqual(driven.handled.disposition, { kind: "term", reason: "payload_too_large" });
    assert.deepEqual(letterOf(driven), { code: "payload_too_large", intakeCode: "SCHEMA_VALIDATION_FAILED" });
  });

  it("says whether it is known that nothing was dispatched", () => {
    const request = { ...durable(), position: undefined, subject: "beamline.router.v1.decide", replyTo: "_INBOX.a" };
    const pushed = { ...request, body: encodeRequest("protobuf", { push: true }) };
    for (const [reason, text] of [
      ["no_responders", "nothing is dispatched"],
      ["timeout", "it is not known whether this was dispatched"],
    ] as const) {
      const { effects } = drive(pushed, context, refusing("assignment", { kind: "unavailable", reason }));
      const reply = effects.find((effect) => effect.kind === "reply");
      assert.match(new TextDecoder().decode(reply?.kind === "reply" ? reply.body : undefined), new RegExp(text));
    }
  });
});
