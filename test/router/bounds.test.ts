// What a router takes on at once is bounded, and what it refuses for that is told or counted.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { Bus } from "./bus.ts";
import type { LocalRouter } from "./local-router.ts";
import { encodeRequest, readDecision, readError } from "./messages.ts";
import { POLICIES } from "./policies.ts";

const REQUESTS = 200;
const DURABLES = 200;
const REFUSED = 50;
const DEAD_LETTERS_PER_SECOND = 5;

describe("bounds of a router", () => {
  let bus: Bus;
  let router: LocalRouter;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES });
    router = await bus.startRouter({
      BEAMLINE_REQUEST_WINDOW: "1",
      BEAMLINE_SUBMIT_WINDOW: "1",
      BEAMLINE_DEAD_LETTERS_PER_SECOND: String(DEAD_LETTERS_PER_SECOND),
    });
  });
  after(() => bus?.stop());

  it("requests beyond the window are refused with Retry-After, the others are decided", async () => {
    const asks = Array.from({ length: REQUESTS }, () => bus.ask("protobuf", { push: true }));
    let refused = 0;
    for (const answer of await Promise.all(asks)) {
      if (!answer.headers?.get("Nats-Service-Error-Code")) {
        assert.equal(readDecision("protobuf", answer).providerId, "open_ai");
        continue;
      }
      refused++;
      assert.deepEqual([readError(answer).error.code, answer.headers.get("Retry-After")], ["unavailable", "1"]);
    }
    assert.ok(refused > 0 && refused < REQUESTS, `${refused} of ${REQUESTS}`);
    assert.equal(await router.metric("router_requests_refused_total"), refused);
    const stored = (await bus.storedOn("caf.exec.assign.v1.to.>")).length;
    assert.equal(stored, REQUESTS - refused, "what is refused has no effect");
  });

  it("durable messages wait in their stream for a place in the window", async () => {
    const before = (await bus.storedOn("caf.exec.assign.v1.to.>")).length;
    await Promise.all(Array.from({ length: DURABLES }, () => bus.submit(encodeRequest("protobuf"))));
    await bus.settled();
    assert.equal((await bus.storedOn("caf.exec.assign.v1.to.>")).length, before + DURABLES);
  });

  it("dead letters of requests beyond the tenant's bound are counted, those of durable messages are all stored", async () => {
    const refuse = (index: number): Uint8Array =>
      encodeRequest("protobuf", { tenant: "nobody", messageId: `m-${index}` });
    // One after the other: at once they would not fit into the window.
    for (let index = 0; index < REFUSED; index++) readError(await bus.askRaw(refuse(index)));
    const labels = 'kind="decide",code="TENANT_FORBIDDEN",reason="tenant_not_allowed"';
    const left = (await router.metric(`router_intake_dlq_publish_failed_total{${labels}}`)) ?? 0;
    const stored = (await router.metric(`router_intake_dlq_messages_total{${labels}}`)) ?? 0;
    assert.ok(left > 0 && stored >= DEAD_LETTERS_PER_SECOND, `${left} left out, ${stored} stored`);
    assert.equal(left + stored, REFUSED);
    assert.equal((await bus.deadLetters()).length, stored);
    for (let index = 0; index < REFUSED; index++) await bus.submit(refuse(REFUSED + index));
    await bus.settled();
    assert.equal((await bus.deadLetters()).length, stored + REFUSED);
  });
});

describe("a router with a prefix", () => {
  const PREFIX = "team-a.eu";
  let bus: Bus;

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: POLICIES, prefix: PREFIX });
    await bus.startRouter();
  });
  after(() => bus?.stop());

  it("uses it for every subject, stream and bucket, and for nothing in its answers", async () => {
    const answer = await bus.ask("protobuf", { key: "prefixed" });
    assert.equal(readDecision("protobuf", answer).providerId, "open_ai");
    const pushed = await bus.ask("json", { key: "prefixed", push: true });
    assert.equal(readDecision("json", pushed).providerId, "open_ai");
    await bus.submit(encodeRequest("protobuf"));
    await bus.submit(encodeRequest("protobuf", { tenant: "other" }));
    await bus.settled();
    const subjects = (await bus.storedOn(">")).map(({ subject }) => subject);
    assert.equal(subjects.length, 2, "the decision of the key is withdrawn");
    for (const subject of subjects)
      assert.match(subject, /^team-a\.eu\.caf\.exec\.assign\.v1\.to\.[0-9a-f]{32}\.demo\.openai$/);
    const [letter] = await bus.deadLetters();
    assert.equal(letter?.subject, "team-a.eu.beamline.router.v1.intake.dlq");
    const streams = (await bus.manager.streams.list().next()).map(({ config }) => config.name);
    // The registry is the account's, whatever prefixes its Routers have.
    const own = streams.filter((name) => name !== "KV_beamline-registry");
    for (const name of own) assert.match(name, /^(KV_)?team-a_eu_/);
  });
});
