// Whatever a producer, a policy or an administrator writes: no subject reaches what a router must not write to.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { checkPublishSubject, MAX_SUBJECT_BYTES, type PublishUse } from "../../core/handover/check-publish-subject.ts";
import { assignmentSubject, namesFor, parseEffectSubject } from "../../core/handover/subjects.ts";

const USES: readonly PublishUse[] = ["reply", "reply-to", "assignment", "legacy"];
const WORDS = [
  ..."$JS API KV SYS _INBOX _R_ beamline router reply usage v1 submit decide demo caf exec result assign to ack * > $".split(
    " ",
  ),
  "$JS",
  "$KV",
  "_",
  "",
  "a b",
  "ä",
  "\r\n",
];

/** Subjects near the rules: joined from the words they speak of, as well as any text at all. */
const subject = fc.oneof(
  fc.array(fc.constantFrom(...WORDS), { maxLength: 8 }).map((tokens) => tokens.join(".")),
  fc
    .tuple(fc.constantFrom("_INBOX.", "_R_.", "beamline.reply.v1.demo.", "p.beamline.reply.v1.demo."), fc.string())
    .map((parts) => parts.join("")),
  fc.string({ unit: "binary", maxLength: 600 }),
);
const rules = fc.record({
  tenantId: fc.oneof(fc.constantFrom("demo", "demo.x", "*", ">", ""), fc.string({ maxLength: 80 })),
  allowedSubjects: fc
    .array(fc.oneof(fc.constantFrom(">", "*.>", "*", "$JS.>", "beamline.>", "caf.>", "_INBOX.>"), subject), {
      maxLength: 4,
    })
    .map((list) => new Set(list)),
  prefix: fc.constantFrom(undefined, "p", "p.q"),
});

/**
 * The rule of architecture.md "Where a router may publish", written the other way round: what must never be written
 * to.
 */
function isForbidden(text: string): boolean {
  return (
    /(^|\.)\$/.test(text) ||
    /(^|\.)beamline\.router(\.|$)/.test(text) ||
    /(^|\.)caf\.exec\.result(\.|$)/.test(text) ||
    /[^!-~]/.test(text) ||
    /(^|\.)[*>](\.|$)/.test(text) ||
    /^\.|\.\.|\.$|^$/.test(text) ||
    Buffer.byteLength(text) > MAX_SUBJECT_BYTES
  );
}

describe("checkPublishSubject, for any input", () => {
  for (const use of USES) {
    it(`never lets ${use} reach a forbidden subject, and changes none`, () => {
      fc.assert(
        fc.property(subject, rules, (text, given) => {
          const result = checkPublishSubject(text, use, given);
          if (!result.ok) return;
          assert.equal(result.value, text);
          assert.equal(isForbidden(text), false, text);
          if (use === "reply") assert.match(text, /^_(INBOX|R_)\../);
          if (use === "assignment") assert.notEqual(parseEffectSubject(text), undefined);
          else
            assert.equal(
              text.includes("caf.exec.assign.v1.to."),
              false,
              "a claim is written by the canonical builder only",
            );
        }),
        { numRuns: 3000 },
      );
    });
  }

  it("a tenant's replies never reach another tenant's", () => {
    const token = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
    fc.assert(
      fc.property(token, token, fc.string(), (own, other, rest) => {
        fc.pre(own !== other);
        const given = { tenantId: own, allowedSubjects: new Set<string>(), prefix: undefined };
        assert.equal(checkPublishSubject(`beamline.reply.v1.${other}.${rest}`, "reply-to", given).ok, false);
      }),
    );
  });
});

describe("subjects of effects, for any provider", () => {
  it("parse back to what they were made of, with or without a prefix", () => {
    const label = fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,20}[a-z0-9])?$/);
    const id = fc.stringMatching(/^[0-9a-f]{32}$/);
    fc.assert(
      fc.property(id, label, label, fc.constantFrom(undefined, "p", "p.q-r"), (effectId, namespace, name, prefix) => {
        const names = namesFor(prefix);
        const wire = names.toWire(assignmentSubject(effectId, { namespace, name }));
        const canonical = names.fromWire(wire) ?? "";
        assert.deepEqual(parseEffectSubject(canonical), {
          stage: "assignment",
          effectId,
          provider: { namespace, name },
        });
      }),
    );
  });
});
