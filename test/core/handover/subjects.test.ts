// Names on the wire: canonical subjects, what they parse to, and what a Router's prefix makes of them.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  assignmentSubject,
  decidedSubject,
  effectWildcard,
  endSubject,
  isTenantToken,
  namesFor,
  parseEffectSubject,
  prefixProblem,
  providerFilter,
} from "../../../core/handover/subjects.ts";
import { EFFECT_ID, OPENAI } from "./requests.ts";

describe("subjects", () => {
  it("an assignment lies below its effect, and its provider's filter finds it", () => {
    assert.equal(assignmentSubject(EFFECT_ID, OPENAI), `caf.exec.assign.v1.to.${EFFECT_ID}.demo.openai`);
    assert.equal(effectWildcard(EFFECT_ID), `caf.exec.assign.v1.to.${EFFECT_ID}.>`);
    assert.equal(providerFilter(OPENAI), "caf.exec.assign.v1.to.*.demo.openai");
  });

  it("a tenant is one token of at most 64 letters, digits, hyphens and underscores", () => {
    for (const tenant of ["A_b-9", "a".repeat(64)]) assert.equal(isTenantToken(tenant), true);
    for (const tenant of ["", "a.b", "*", ">", "a b", "ä", "a".repeat(65)]) assert.equal(isTenantToken(tenant), false);
  });

  it("what is stored about an effect is told apart by its subject", () => {
    const effectId = EFFECT_ID;
    assert.deepEqual(parseEffectSubject(assignmentSubject(effectId, OPENAI)), {
      stage: "assignment",
      effectId,
      provider: OPENAI,
    });
    assert.deepEqual(parseEffectSubject(decidedSubject(effectId)), { stage: "decided", effectId });
    assert.deepEqual(parseEffectSubject(endSubject(effectId)), { stage: "end", effectId });
  });

  for (const subject of [
    "caf.exec.assign.v1",
    "caf.exec.assign.v1.to.",
    "caf.exec.assign.v1.to.x",
    "caf.exec.assign.v1.to.x.demo",
    "caf.exec.assign.v1.to.x..openai",
    "caf.exec.assign.v1.to.x.demo.openai.more",
    "caf.exec.assign.v1.to.x._.other",
    "p.caf.exec.assign.v1.to.x.demo.openai",
  ]) {
    it(`${subject} is no subject of an effect`, () => assert.equal(parseEffectSubject(subject), undefined));
  }
});

describe("a Router's names", () => {
  it("are the canonical ones without a prefix", () => {
    const names = namesFor();
    assert.equal(names.decideSubject, "beamline.router.v1.decide");
    assert.equal(names.streams.assignments, "BEAMLINE_ASSIGNMENTS");
    assert.equal(names.buckets.config, "beamline-config");
    assert.equal(names.consumers.decide, "router-decide-consumer");
    assert.equal(names.fromWire(names.toWire("a.b")), "a.b");
  });

  it("have the prefix in front of every subject, stream, durable and bucket", () => {
    const names = namesFor("team-a.eu");
    assert.equal(names.decideSubject, "team-a.eu.beamline.router.v1.decide");
    assert.equal(names.decideTenantPattern, "team-a.eu.beamline.router.v1.decide.tenant.*");
    assert.equal(names.submitPattern, "team-a.eu.beamline.router.v1.submit.*");
    assert.equal(names.assignmentPattern, "team-a.eu.caf.exec.assign.v1.to.>");
    assert.equal(names.dlqSubject, "team-a.eu.beamline.router.v1.intake.dlq");
    // The registry is the account's, whatever prefixes its Routers have.
    const { registry, ...buckets } = names.buckets;
    assert.equal(registry, "beamline-registry");
    const { decide, pipelines, provider, pipeline } = names.consumers;
    const durables = [decide, pipelines, provider(OPENAI), pipeline(OPENAI, "warehouse")];
    for (const name of [
      ...Object.values(names.streams),
      ...Object.values(buckets),
      ...durables,
      names.queueGroups.decide,
    ]) {
      assert.match(name, /^team-a_eu_[A-Za-z_-]+$/);
    }
    assert.equal(names.fromWire("team-a.eu.x.y"), "x.y");
    assert.equal(names.fromWire("team-b.x.y"), undefined);
  });

  it("of two providers never meet", () => {
    const { provider } = namesFor().consumers;
    assert.notEqual(
      provider({ namespace: "a-b", name: "c" }),
      provider({ namespace: "a", name: "b-c" }),
      "the underscore is in neither name",
    );
  });

  for (const prefix of ["", ".", "a.", "a..b", "a_b", "$SYS", "_INBOX", "a b", "a.*", "a.>", "x".repeat(65)]) {
    it(`cannot have the prefix ${JSON.stringify(prefix)}`, () => {
      assert.notEqual(prefixProblem(prefix), undefined);
      assert.throws(() => namesFor(prefix), /subject prefix/);
    });
  }
});
