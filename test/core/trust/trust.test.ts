// Who may do what, as data: least rights, nothing that crosses without a right, and every Router's own names.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { matchesPattern } from "../../../core/handover/check-publish-subject.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import { isFenced, mayPublish, type ServerUser } from "../../../core/trust/confinement.ts";
import { ROLES, type Role, type RoleName, type Trust, trustFor } from "../../../core/trust/trust.ts";

const PREFIXED = "team-a";

function roleOf(trust: Trust, name: RoleName): Role {
  const role = trust.roles.find((candidate) => candidate.name === name);
  assert.ok(role !== undefined);
  return role;
}

function may(trust: Trust, name: RoleName, verb: "publish" | "subscribe", subject: string): boolean {
  return roleOf(trust, name)[verb].some((grant) => matchesPattern(grant.subject, subject.split(".")));
}

/** Roles that may publish to each of these; everybody else may not. */
const PUBLISHERS: readonly (readonly [subject: string, ...roles: RoleName[]])[] = [
  ["$KV.beamline-config.beamline-system.default.head", "operator"],
  ["$KV.beamline-acks.beamline-system.default.router-0", "router"],
  ["$KV.beamline-registry.verdict.processor.cDE", "controlplane"],
  ["$JS.API.CONSUMER.CREATE.KV_beamline-registry", "operator", "router", "controlplane"],
  ["$JS.API.STREAM.CREATE.KV_beamline-registry", "operator"],
  ["beamline.registry.v1.report", "controlplane"],
  ["beamline.router.v1.decide", "producer"],
  ["beamline.router.v1.decide.tenant.demo"],
  ["beamline.router.v1.submit.demo", "producer"],
  ["caf.exec.assign.v1.to.0a.demo.openai", "router"],
  ["caf.exec.assign.v1.ack", "worker"],
  ["caf.exec.result.v1", "worker"],
  ["caf.exec.result.v1.from.0a.demo.openai", "worker"],
  ["beamline.router.v1.intake.dlq", "router"],
  ["beamline.reply.v1.demo.x", "router"],
  ["_R_.x", "router"],
  ["_INBOX.x"],
  ["$JS.API.STREAM.DELETE.BEAMLINE_ASSIGNMENTS"],
  ["$JS.API.STREAM.PURGE.BEAMLINE_SUBMIT"],
  ["$JS.API.STREAM.CREATE.BEAMLINE_SUBMIT", "operator"],
  ["$JS.API.STREAM.UPDATE.KV_beamline-config"],
  ["$JS.API.STREAM.MSG.DELETE.BEAMLINE_ASSIGNMENTS", "router"],
  ["$JS.API.STREAM.MSG.DELETE.KV_beamline-config"],
  ["$JS.API.CONSUMER.DELETE.BEAMLINE_ASSIGNMENTS.provider_demo_openai"],
  ["$JS.API.CONSUMER.CREATE.BEAMLINE_ASSIGNMENTS.provider_demo_openai", "operator"],
  ["$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_ASSIGNMENTS.provider_demo_openai", "worker"],
  ["$JS.API.CONSUMER.MSG.NEXT.BEAMLINE_SUBMIT.router-decide-consumer", "router"],
  ["$JS.API.DIRECT.GET.BEAMLINE_DLQ", "operator"],
  ["$JS.ACK.BEAMLINE_ASSIGNMENTS.provider_demo_openai.1.2.3.4.5", "worker"],
  ["$JS.ACK.domain.hash.BEAMLINE_ASSIGNMENTS.provider_demo_openai.1.2.3.4.5", "worker"],
  ["$JS.ACK.BEAMLINE_SUBMIT.router-decide-consumer.1.2.3.4.5", "router"],
  ["$JS.ACK.domain.hash.BEAMLINE_SUBMIT.router-decide-consumer.1.2.3.4.5.random", "router"],
];

describe("trust", () => {
  const trust = trustFor();
  const plain = ROLES.filter((name) => name !== "system");

  for (const [subject, ...publishers] of PUBLISHERS) {
    it(`${subject} is written by ${publishers.join(", ") || "nobody"}`, () => {
      assert.deepEqual(
        plain.filter((name) => may(trust, name, "publish", subject)),
        publishers,
      );
    });
  }

  it("gives nobody but `system` a wildcard for everything, or a subject of another account's inbox", () => {
    for (const name of plain) {
      const { publish, subscribe } = roleOf(trust, name);
      for (const { subject } of [...publish, ...subscribe]) {
        assert.ok(!/^[*>]/.test(subject), `${name}: ${subject}`);
        assert.notEqual(subject, "$JS.API.>");
        assert.notEqual(subject, "$KV.>");
      }
    }
  });

  it("holds streams in one account, which imports nothing", () => {
    assert.deepEqual(
      trust.accounts.filter(({ jetstream }) => jetstream).map(({ name }) => name),
      ["BEAMLINE"],
    );
    assert.deepEqual(trust.accounts.find(({ name }) => name === "BEAMLINE")?.imports, []);
  });

  it("lets nothing into the internal account that no role of the importing one may publish, and exports nothing else", () => {
    const internal = trust.accounts.find(({ name }) => name === "BEAMLINE");
    const imported: string[] = [];
    for (const { name, imports } of trust.accounts) {
      for (const { kind, subject } of imports) {
        const verb = kind === "service" ? "publish" : "subscribe";
        const users = trust.roles.filter((role) => role.account === name);
        assert.ok(
          users.some((role) => role[verb].some((grant) => grant.subject === subject)),
          `${name} imports ${subject} for nobody`,
        );
        imported.push(`${kind} ${subject}`);
      }
    }
    const exported = (internal?.exports ?? []).map(({ kind, subject }) => `${kind} ${subject}`);
    assert.deepEqual(exported.sort(), imported.sort());
  });

  it("lets whoever publishes outside reach what it names: all but its inbox is imported", () => {
    for (const role of trust.roles.filter(({ account }) => account === "PRODUCERS" || account === "WORKERS")) {
      const imports = trust.accounts.find(({ name }) => name === role.account)?.imports ?? [];
      const reached = new Set(imports.map(({ subject }) => subject));
      for (const { subject } of [...role.publish, ...role.subscribe]) {
        assert.ok(subject === "_INBOX.>" || reached.has(subject), `${role.name}: ${subject} leads nowhere`);
      }
    }
  });

  it("puts a Router's prefix into every name, and keeps one Router's names from another's", () => {
    const prefixed = trustFor({ prefixes: [PREFIXED] });
    const names = namesFor(PREFIXED);
    assert.ok(may(prefixed, "producer", "publish", names.decideSubject));
    assert.ok(may(prefixed, "operator", "publish", `$KV.${names.buckets.config}.head`));
    assert.ok(!may(prefixed, "producer", "publish", "beamline.router.v1.decide"));
    assert.ok(!may(prefixed, "operator", "publish", "$KV.beamline-config.head"));
    assert.ok(!may(trust, "operator", "publish", `$KV.${names.buckets.config}.head`));
    const both = trustFor({ prefixes: [undefined, PREFIXED] });
    assert.ok(may(both, "operator", "publish", "$KV.beamline-config.head"));
    assert.ok(may(both, "operator", "publish", `$KV.${names.buckets.config}.head`));
  });

  it("gives a legacy provider's fixed subject to routers and workers, and to nobody else", () => {
    const subject = "caf.exec.assign.v1";
    const legacy = trustFor({ fixedSubjects: [subject] });
    assert.deepEqual(
      plain.filter((name) => may(legacy, name, "publish", subject)),
      ["router"],
    );
    assert.deepEqual(
      plain.filter((name) => may(legacy, name, "subscribe", subject)),
      ["worker"],
    );
    assert.ok(!may(trust, "router", "publish", subject));
  });
});

describe("the subject of a step", () => {
  const subject = "beamline.ext.tier.v1";
  const stepped = trustFor({ fixedSubjects: [subject], prefixes: [PREFIXED] });
  const wire = namesFor(PREFIXED).toWire(subject);
  const accountOf = (name: string) => stepped.accounts.find((account) => account.name === name);

  it("is routers' to ask on and workers' to answer on, and nobody else's", () => {
    const names = stepped.roles.map(({ name }) => name).filter((name) => name !== "system");
    assert.deepEqual(
      names.filter((name) => may(stepped, name, "publish", wire)),
      ["router"],
    );
    assert.deepEqual(
      names.filter((name) => may(stepped, name, "subscribe", wire)),
      ["worker"],
    );
    assert.ok(may(stepped, "worker", "publish", "_R_.a.b"));
    assert.ok(!may(trustFor(), "worker", "publish", "_R_.a.b"));
  });

  it("leads from the internal account to the workers', and is the only thing that does", () => {
    const crossing = { kind: "service", subject: wire };
    assert.deepEqual(accountOf("WORKERS")?.exports, [crossing]);
    assert.deepEqual(accountOf("BEAMLINE")?.imports, [{ ...crossing, from: "WORKERS" }]);
    assert.deepEqual(trustFor().accounts.find(({ name }) => name === "BEAMLINE")?.imports, []);
  });
});

describe("confinement", () => {
  const names = namesFor();
  const user = (account: string, allow?: readonly string[], deny: readonly string[] = []): ServerUser => ({
    account,
    allow,
    deny,
  });

  it("reads what the server says of a user's rights", () => {
    assert.equal(mayPublish(user("A"), "any.subject"), true);
    assert.equal(mayPublish(user("A", []), "any.subject"), false);
    assert.equal(mayPublish(user("A", ["any.*"]), "any.subject"), true);
    assert.equal(mayPublish(user("A", ["any.>"], ["any.subject"]), "any.subject"), false);
    assert.equal(mayPublish(user("A", undefined, [">"]), "any.subject"), false);
  });

  it("calls fenced only a user of its own account without a producer's right", () => {
    const operator = trustFor().roles.find(({ name }) => name === "operator");
    const allow = operator?.publish.map(({ subject }) => subject) ?? [];
    assert.equal(isFenced(user("ABC", allow), names), true);
    assert.equal(isFenced(user("$G", allow), names), false);
    assert.equal(isFenced(user("ABC"), names), false);
    assert.equal(isFenced(user("ABC", ["beamline.>"]), names), false);
  });
});
