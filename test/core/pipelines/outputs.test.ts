// What a pipeline stores of one event, what it tells processors, and what it lets in.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { DecideRequest } from "../../../core/intake/message.ts";
import { describeEvent, firstEvent, readAnswer } from "../../../core/pipelines/event.ts";
import { maxEvents, pipelineEffectId, planOutputs } from "../../../core/pipelines/outputs.ts";
import { refuseInput } from "../../../core/pipelines/take-input.ts";
import type { PipelineObject } from "../../../core/policy/objects.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";

const ROUTER = { namespace: "beamline-system", name: "default" };
const EFFECT = "0123456789abcdef0123456789abcdef";
const POSITION = { streamCreated: "2026-01-01T00:00:00Z", sequence: 7 };

function pipeline(change: object = {}): PipelineObject {
  const spec = { source: { id: "shop" }, consumers: [{ name: "a" }, { name: "b" }], ...change };
  const raw = { apiVersion: API_VERSION, kind: "Pipeline", metadata: { namespace: "demo", name: "orders" }, spec };
  const parsed = parseObject(raw, { namespace: "demo", routerRef: ROUTER });
  assert.ok(parsed.ok && parsed.value.kind === "Pipeline");
  return parsed.value;
}

/** As intake makes it; only what pipelines look at. */
function request(change: object = {}): DecideRequest {
  const correlation = { messageId: "m-1", traceId: "t".repeat(32), idempotencyKey: "k" };
  const metadata = { colour: "red", "beamline.step": "forged" };
  const payload = new Uint8Array([1]);
  const made = { tenantId: "demo", messageType: "created", payload, metadata, correlation, ...change };
  return made as unknown as DecideRequest;
}

const event = (type: string) => ({ type, payload: new Uint8Array(), metadata: {} });

describe("outputs of a pipeline", () => {
  const plan = (events: readonly ReturnType<typeof event>[]) =>
    planOutputs({
      codec: nodeCodec,
      pipeline: pipeline(),
      request: request(),
      effectId: EFFECT,
      events,
      doneTtlMs: 60_000,
      encode: ({ type }, id) => ({ contentType: "text/plain", body: nodeCodec.encodeUtf8(`${id} ${type}`) }),
    });

  it("are a mark that expects none before it, and a message for each event and consumer, in order", () => {
    const [done, ...outputs] = plan([event("x"), event("y")]);
    assert.equal(done?.subject, `beamline.pipeline.v1.done.${EFFECT}`);
    assert.equal(done?.expectLastSequence, 0);
    assert.equal(done?.ttlMs, 60_000);
    assert.deepEqual(
      outputs.map(({ subject, body }) => [subject, nodeCodec.decodeUtf8(body)]),
      ["1.demo.orders.a|1 x", "1.demo.orders.b|1 x", "2.demo.orders.a|2 y", "2.demo.orders.b|2 y"].map((text) => {
        const [place = "", body = ""] = text.split("|");
        return [`beamline.pipeline.v1.out.${EFFECT}.${place}`, `${EFFECT}-${body}`];
      }),
    );
  });

  it("name effect, pipeline, tenant and type in their headers", () => {
    const headers = new Map(plan([event("größe")])[1]?.headers);
    assert.equal(headers.get("Beamline-Effect-Id"), EFFECT);
    assert.equal(headers.get("Beamline-Pipeline"), "demo/orders");
    assert.equal(headers.get("tenant_id"), "demo");
    assert.equal(headers.get("Beamline-Event-Type"), "gr%C3%B6%C3%9Fe");
  });

  it("fit into one batch, with the mark", () => {
    assert.equal(maxEvents(pipeline()) * 2 + 1, 999);
    assert.equal(maxEvents(pipeline({ consumers: [{ name: "a" }] })) + 1, 1_000);
  });
});

describe("an effect of a pipeline", () => {
  const idOf = (name: string, change: object = {}, position = POSITION) =>
    pipelineEffectId(nodeCodec, ROUTER, { namespace: "demo", name }, request(change), position);

  it("is the key's within tenant and pipeline, wherever the message stands", () => {
    assert.match(idOf("orders"), /^[0-9a-f]{32}$/);
    assert.equal(idOf("orders"), idOf("orders", {}, { ...POSITION, sequence: 8 }));
    assert.notEqual(idOf("orders"), idOf("others"));
    assert.notEqual(idOf("orders"), idOf("orders", { tenantId: "acme" }));
  });

  it("is the place's without a key", () => {
    const keyless = { correlation: {} };
    assert.equal(idOf("orders", keyless), idOf("orders", keyless));
    assert.notEqual(idOf("orders", keyless), idOf("orders", keyless, { ...POSITION, sequence: 8 }));
  });
});

describe("an event of a pipeline", () => {
  const facts = { pipeline: "demo/orders", request: request(), effectId: EFFECT, delivery: 2 };

  it("is told with its own properties, and with ours in place of what a sender wrote under their names", () => {
    const told = describeEvent(firstEvent(facts.request), facts, "lines");
    assert.equal(told.colour, "red");
    assert.equal(told.event_type, "created");
    assert.equal(told["beamline.step"], "lines");
    assert.equal(told["beamline.delivery"], "2");
    assert.equal(told["beamline.run_id"], undefined);
  });

  it("has the type that is said, else the only one registered, else the one before", () => {
    const answer = (metadata: Readonly<Record<string, string>>, types: readonly string[]) =>
      readAnswer({ payload: new Uint8Array(), metadata }, event("before"), types).type;
    assert.equal(answer({ event_type: "said" }, ["only"]), "said");
    assert.equal(answer({}, ["only"]), "only");
    assert.equal(answer({ event_type: "" }, ["one", "two"]), "before");
  });

  it("loses our properties on the way back, and keeps none of the event before", () => {
    const metadata = { event_type: "line", "beamline.step": "lines", size: "2" };
    const read = readAnswer({ payload: new Uint8Array(), metadata }, firstEvent(facts.request), []);
    assert.deepEqual(read.metadata, { size: "2" });
  });
});

describe("what may enter a pipeline", () => {
  const reason = (change: object, spec: object, registered?: readonly string[]) =>
    refuseInput(pipeline(spec), request(change), registered)?.reason;

  it("is of its tenant, and of a type that the object or else the source names", () => {
    assert.equal(reason({ tenantId: "acme" }, {}), "tenant_mismatch");
    assert.equal(reason({}, {}), undefined);
    assert.equal(reason({}, {}, ["other"]), "event_type_not_expected");
    assert.equal(reason({}, {}, ["created"]), undefined);
    assert.equal(reason({}, { source: { id: "shop", eventTypes: ["created"] } }, ["other"]), undefined);
    assert.equal(reason({}, { source: { id: "shop", eventTypes: ["other"] } }, ["created"]), "event_type_not_expected");
  });
});
