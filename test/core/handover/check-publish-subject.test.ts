// Where a router may publish, one row a case.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  checkPublishSubject,
  MAX_SUBJECT_BYTES,
  type PublishRules,
  type PublishUse,
  type SubjectProblem,
} from "../../../core/handover/check-publish-subject.ts";
import { assignmentSubject, decidedSubject, endSubject } from "../../../core/handover/subjects.ts";
import { EFFECT_ID, OPENAI } from "./requests.ts";

const RULES: PublishRules = {
  tenantId: "demo",
  allowedSubjects: new Set(["caf.exec.assign.v1", "legacy.*.jobs", "ext.>", "beamline.ext.*.v1"]),
  prefix: undefined,
};
/** Everything that a careless administrator could list. */
const CARELESS: PublishRules = { ...RULES, allowedSubjects: new Set([">", "*", "*.>", "$JS.>", "beamline.router.>"]) };

const ALLOWED: [PublishUse, string][] = [
  ["reply", "_INBOX.abc.1"],
  ["reply", "_R_.x1.y2"],
  ["reply-to", "_INBOX.abc.1"],
  ["reply-to", "beamline.reply.v1.demo.orders"],
  ["assignment", assignmentSubject(EFFECT_ID, OPENAI)],
  ["assignment", decidedSubject(EFFECT_ID)],
  ["assignment", endSubject(EFFECT_ID)],
  ["legacy", "caf.exec.assign.v1"],
  ["legacy", "legacy.emea.jobs"],
  ["legacy", "ext.a"],
  ["legacy", "ext.a.b.c"],
  ["step", "beamline.ext.tier.v1"],
];

const REFUSED: [PublishUse, string, SubjectProblem, PublishRules?][] = [
  ["reply", "", "empty"],
  ["reply", "_INBOX.a b", "invalid_character"],
  ["reply", "_INBOX.a\r\nPUB x 0", "invalid_character"],
  ["reply", "_INBOX.ä", "invalid_character"],
  ["reply", "_INBOX.\u007f", "invalid_character"],
  ["reply", "_INBOX.", "empty_token"],
  ["reply", "_INBOX..a", "empty_token"],
  ["reply", "._INBOX.a", "empty_token"],
  ["reply", "_INBOX.*", "wildcard"],
  ["reply", "_INBOX.>", "wildcard"],
  ["reply", `_INBOX.${"a".repeat(MAX_SUBJECT_BYTES)}`, "too_long"],
  ["reply", "_INBOX", "not_allowed"],
  ["reply", "_INBOXES.a", "not_allowed"],
  ["reply", "orders.replies", "not_allowed"],
  ["reply", "beamline.reply.v1.demo.orders", "not_allowed"],
  ["reply", "$JS.API.STREAM.DELETE.BEAMLINE_SUBMIT", "forbidden"],
  ["reply", "$KV.beamline-config.ns.default.head", "forbidden"],
  ["reply", "$SYS.REQ.SERVER.PING", "forbidden"],
  ["reply", "beamline.router.v1.submit.demo", "forbidden"],
  ["reply", "caf.exec.result.v1", "forbidden"],
  ["reply-to", "_R_.x1.y2", "not_allowed"],
  ["reply-to", "beamline.reply.v1.demo", "not_allowed"],
  ["reply-to", "beamline.reply.v1.acme.orders", "not_allowed"],
  ["reply-to", "beamline.reply.v1.demo2.orders", "not_allowed"],
  ["reply-to", "beamline.reply.v1.demo.eu.orders", "not_allowed", { ...RULES, tenantId: "demo.eu" }],
  ["reply-to", "beamline.reply.v1.demo.orders", "not_allowed", { ...RULES, prefix: "team-a" }],
  ["assignment", "caf.exec.assign.v1", "not_allowed"],
  ["assignment", `caf.exec.assign.v1.to.${EFFECT_ID}.demo`, "not_allowed"],
  ["assignment", "_INBOX.a", "not_allowed"],
  ["legacy", "legacy.jobs", "not_allowed"],
  ["legacy", "legacy.a.b.jobs", "not_allowed"],
  ["legacy", "ext", "not_allowed"],
  ["legacy", assignmentSubject(EFFECT_ID, OPENAI), "forbidden", CARELESS],
  ["legacy", "beamline.router.v1.submit.demo", "forbidden", CARELESS],
  ["legacy", "team-a.beamline.router.v1.decide", "forbidden", CARELESS],
  ["legacy", "beamline.usage.v1.metered", "forbidden", CARELESS],
  ["legacy", "caf.exec.result.v1", "forbidden", CARELESS],
  ["legacy", "caf.exec.assign.v1.ack", "forbidden", CARELESS],
  ["legacy", "$JS.API.STREAM.PURGE.BEAMLINE_ASSIGNMENTS", "forbidden", CARELESS],
  ["legacy", "_INBOX.abc.1", "not_allowed", CARELESS],
  ["legacy", "beamline.ext.tier.v1", "not_allowed", CARELESS],
  ["step", "beamline.ext.tier.v2", "not_allowed"],
  ["step", "beamline.ext.", "empty_token"],
  ["step", "beamline.ext", "not_allowed", CARELESS],
  ["step", "caf.exec.assign.v1", "not_allowed"],
  ["step", "ext.a", "not_allowed", CARELESS],
  ["step", "_INBOX.abc.1", "not_allowed", CARELESS],
  ["step", "beamline.router.v1.decide", "forbidden", CARELESS],
];

describe("checkPublishSubject", () => {
  for (const [use, subject] of ALLOWED) {
    it(`lets ${use} go to ${subject}`, () => {
      assert.deepEqual(checkPublishSubject(subject, use, RULES), { ok: true, value: subject });
    });
  }

  for (const [use, subject, problem, rules] of REFUSED) {
    it(`refuses ${use} on ${JSON.stringify(subject.slice(0, 80))}: ${problem}`, () => {
      assert.deepEqual(checkPublishSubject(subject, use, rules ?? RULES), { ok: false, error: problem });
    });
  }

  it("closes every inbox where the server does, and nothing else", () => {
    const closed = { ...RULES, inboxesClosed: true };
    const refused = { ok: false, error: "not_allowed" };
    assert.deepEqual(checkPublishSubject("_INBOX.abc.1", "reply", closed), refused);
    assert.deepEqual(checkPublishSubject("_INBOX.abc.1", "reply-to", closed), refused);
    assert.equal(checkPublishSubject("_R_.abc.1", "reply", closed).ok, true);
    assert.equal(checkPublishSubject("beamline.reply.v1.demo.orders", "reply-to", closed).ok, true);
  });

  it("knows the replies of a tenant below the Router's prefix", () => {
    const rules = { ...RULES, prefix: "team-a" };
    const subject = "team-a.beamline.reply.v1.demo.orders";
    assert.deepEqual(checkPublishSubject(subject, "reply-to", rules), { ok: true, value: subject });
    assert.equal(checkPublishSubject(subject, "reply-to", RULES).ok, false);
  });
});
