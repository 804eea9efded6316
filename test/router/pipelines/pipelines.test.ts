// What becomes of an event, by what its processors do: a router, a nats-server and gRPC processors, all real.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import {
  MessageRefused,
  type ProcessMessage,
  type ProcessorMessage,
  type ProcessorServer,
  serveProcessor,
} from "../../../controlplane/client/serve-processor.ts";
import type { Verdict } from "../../../core/registry/verdicts.ts";
import { Message, RouteRequest } from "../../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../../support/nats.ts";
import { removeVerdict, writeVerdict } from "../../support/verdicts.ts";
import { Bus, SETTLED_MS } from "../bus.ts";
import type { LocalRouter } from "../local-router.ts";

const DEADLINE_MS = 30_000;
const PREFIX = "team-a";
/** Together they take longer than the timeout of one call, four at once. */
const [MANY, SLOW_MS] = [100, 30] as const;

const pipeline = (name: string, more: string): string => `
apiVersion: beamline.dev/v1alpha1
kind: Pipeline
metadata: {name: ${name}, namespace: demo}
spec:
  source: {id: shop, eventTypes: [order]}
  consumers: [{name: a}, {name: b}]
  ${more}
`;

const PIPELINES = [
  pipeline("none", "tenantId: demo"),
  pipeline("two", "processors: [{name: split}, {name: shout}]"),
  pipeline("refusing", "processors: [{name: refuse}]"),
  pipeline("dropping", "processors: [{name: refuse}]\n  onFailure: Drop"),
  pipeline("waiting", "processors: [{name: late}]"),
  pipeline("flooding", "processors: [{name: flood}]"),
  pipeline("retrying", "processors: [{name: once, retry: 1, timeout: 5s}]"),
  pipeline("silent", "processors: [{name: swallow}]"),
  pipeline("wide", "processors: [{name: split}, {name: slow, timeout: 500ms}]"),
].join("---");

describe("pipelines of a router", function () {
  this.timeout(90_000);
  let bus: Bus;
  let router: LocalRouter;
  const servers: ProcessorServer[] = [];
  const seen: ProcessorMessage[] = [];

  async function register(id: string, process: ProcessMessage, more: Partial<Verdict> = {}): Promise<void> {
    const server = await serveProcessor({ address: "127.0.0.1:0", process });
    servers.push(server);
    await writeVerdict(bus.link, id, { endpoint: `127.0.0.1:${server.port}`, ...more });
  }

  const textOf = ({ payload }: ProcessorMessage): string => Buffer.from(payload).toString("utf8");
  const give = (name: string, text: string, more: object = {}, headers: Readonly<Record<string, string>> = {}) => {
    const payload = Buffer.from(text).toString("base64");
    const message = {
      message_id: "m-1",
      tenant_id: "demo",
      message_type: "order",
      payload,
      metadata: { colour: "red" },
    };
    const body = JSON.stringify({ message: { ...message, ...more } });
    return bus.submit(Buffer.from(body), headers, `${PREFIX}.beamline.pipeline.v1.in.demo.${name}`);
  };
  const settled = (): Promise<unknown> =>
    eventually(async () => (await bus.manager.streams.info(bus.names.streams.pipelines)).state.messages === 0, {
      deadlineMs: SETTLED_MS,
      describe: () => `every event is settled: ${JSON.stringify(router.lines.slice(-3))}`,
    });
  /** What one consumer of a pipeline is given, oldest first. */
  const outputs = async (name: string, consumer = "a") =>
    await bus.storedOn(
      `${PREFIX}.beamline.pipeline.v1.out.*.*.demo.${name}.${consumer}`,
      bus.names.streams.pipelineOutputs,
    );
  const texts = async (name: string, consumer = "a"): Promise<readonly string[]> =>
    (await outputs(name, consumer)).map((one) =>
      Buffer.from(one.json<{ payload: string }>().payload, "base64").toString("utf8"),
    );
  const reasons = async (name: string): Promise<readonly string[]> =>
    (await bus.deadLetters())
      .map((one) => one.json<{ original_subject: string; validation_error: { code: string; message: string } }>())
      .filter(({ original_subject: subject }) => subject.endsWith(`.${name}`))
      .map(({ validation_error: { code } }) => code);

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    bus = await Bus.start({ context: this, policies: PIPELINES, prefix: PREFIX });
    router = await bus.startRouter();
    const answer = (text: string, type?: string): ProcessorMessage => ({
      payload: Buffer.from(text),
      metadata: type === undefined ? {} : { event_type: type },
    });
    await register("split", (message) => {
      seen.push(message);
      return textOf(message)
        .split(" ")
        .map((word) => answer(word, "word"));
    });
    await register("shout", (message) => answer(textOf(message).toUpperCase()), { outputEventTypes: ["loud"] });
    await register("refuse", () => {
      throw new MessageRefused("FAILED_PRECONDITION", "closed on Sundays");
    });
    await register("flood", () => Array.from({ length: 500 }, (_, at) => answer(String(at))));
    await register("swallow", () => undefined);
    await register(
      "slow",
      async ({ payload }) => {
        await delay(SLOW_MS);
        return { payload, metadata: {} };
      },
      { maxConcurrent: 4 },
    );
    let isFirst = true;
    await register("once", (message) => {
      if (!isFirst) return answer(textOf(message));
      isFirst = false;
      throw new Error("the first call fails");
    });
  });

  after(async () => {
    await bus?.stop();
    for (const server of servers) await server.stop(0);
  });

  it("gives every consumer what the last processor answers, in order, with ids of their own", async () => {
    await give("two", "one two three");
    await settled();
    assert.deepEqual(await texts("two"), ["ONE", "TWO", "THREE"]);
    assert.deepEqual(await texts("two", "b"), ["ONE", "TWO", "THREE"]);
    const [first, second] = (await outputs("two")).map((one) => one.json<Record<string, unknown>>());
    assert.match(String(first?.message_id), /^[0-9a-f]{32}-1$/);
    assert.equal(second?.message_id, String(first?.message_id).replace(/1$/, "2"));
    assert.equal(first?.message_type, "loud", "the only type that the processor registered");
    const [told] = seen;
    assert.equal(told?.metadata.event_type, "order");
    assert.equal(told?.metadata.colour, "red");
    assert.equal(told?.metadata["beamline.pipeline"], "demo/two");
    assert.equal(told?.metadata["beamline.step"], "split");
    assert.equal(await router.metric('router_pipeline_messages_total{outcome="done"}'), 1);
    assert.equal(await router.metric("router_pipeline_outputs_total"), 6);
  });

  it("writes in protobuf what came in protobuf, and needs no processor", async () => {
    const message = Message.fromPartial({
      tenantId: "demo",
      messageType: "order",
      payload: Buffer.from("raw"),
      runId: "",
    });
    const body = RouteRequest.encode(RouteRequest.fromPartial({ message })).finish();
    const about = { "Content-Type": "application/x-protobuf" };
    await bus.submit(body, about, `${PREFIX}.beamline.pipeline.v1.in.demo.none`);
    await settled();
    const [stored] = await outputs("none");
    assert.ok(stored !== undefined);
    const event = Message.decode(stored.data);
    assert.equal(Buffer.from(event.payload).toString("utf8"), "raw");
    assert.equal(event.messageType, "order");
    assert.equal(stored.header.get("Content-Type"), "application/x-protobuf");
  });

  it("makes a dead letter of what a processor refuses, with its words", async () => {
    await give("refusing", "x");
    await settled();
    assert.deepEqual(await reasons("refusing"), ["processor_refused"]);
    const [letter] = await bus.deadLetters();
    assert.match(letter?.string() ?? "", /processor refuse: FAILED_PRECONDITION closed on Sundays/);
  });

  it("drops it where the object says so", async () => {
    await give("dropping", "x");
    await settled();
    assert.deepEqual(await reasons("dropping"), []);
    assert.equal(await router.metric('router_pipeline_messages_total{outcome="dropped"}'), 1);
  });

  it("keeps an event as long as its processor is not there", async () => {
    await give("waiting", "patience");
    await eventually(
      async () => ((await router.metric('router_pipeline_messages_total{outcome="postponed"}')) ?? 0) >= 2,
      {
        deadlineMs: DEADLINE_MS,
        describe: "it is tried again and again",
      },
    );
    assert.deepEqual(await texts("waiting"), []);
    await register("late", (message) => ({ payload: message.payload, metadata: {} }));
    await settled();
    assert.deepEqual(await texts("waiting"), ["patience"]);
    assert.deepEqual(await reasons("waiting"), []);
  });

  it("calls a processor again at once that failed, as often as the object says", async () => {
    await give("retrying", "again");
    await settled();
    assert.deepEqual(await texts("retrying"), ["again"]);
  });

  it("refuses what comes to more than can be stored together", async () => {
    await give("flooding", "x");
    await settled();
    assert.deepEqual(await reasons("flooding"), ["pipeline_output_too_large"]);
    assert.deepEqual(await texts("flooding"), []);
  });

  it("gives each of many events the time of its processor, which takes few at once", async () => {
    const words = Array.from({ length: MANY }, (_, at) => `w${at}`);
    await give("wide", words.join(" "));
    await settled();
    assert.deepEqual(await texts("wide"), words);
    assert.deepEqual(await reasons("wide"), []);
  });

  it("settles an event that comes to nothing", async () => {
    await give("silent", "x");
    await settled();
    assert.deepEqual(await texts("silent"), []);
    assert.deepEqual(await reasons("silent"), []);
  });

  it("refuses other tenants, other types and what intake refuses", async () => {
    await give("none", "x", { tenant_id: "acme" });
    await give("none", "x", { message_type: "invoice" });
    await give("none", "x", { message_type: "" });
    await settled();
    assert.deepEqual((await reasons("none")).toSorted(), [
      "event_type_not_expected",
      "missing_message_type",
      "tenant_not_allowed",
    ]);
  });

  it("does an event with a key once, without calling anybody again", async () => {
    const calls = seen.length;
    await give("two", "keyed", { idempotency_key: "k-1" });
    await settled();
    await give("two", "keyed otherwise", { idempotency_key: "k-1" });
    await settled();
    assert.deepEqual((await texts("two")).slice(3), ["KEYED"]);
    assert.equal(seen.length, calls + 1);
    assert.equal(await router.metric('router_pipeline_messages_total{outcome="existing"}'), 1);
  });

  it("tries an event again whose pipeline it does not run, and runs it when it does", async () => {
    await give("new", "early");
    await eventually(async () => (await router.metric('router_pipeline_messages_total{outcome="retried"}')) === 1, {
      deadlineMs: DEADLINE_MS,
      describe: "it is counted as an error",
    });
    await bus.applyPolicies(`${PIPELINES}---${pipeline("new", "tenantId: demo")}`);
    await settled();
    assert.deepEqual(await texts("new"), ["early"]);
  });

  it("waits again when its processor has gone", async () => {
    await removeVerdict(bus.link, "shout");
    const calls = (await router.metric('router_pipeline_messages_total{outcome="postponed"}')) ?? 0;
    await give("two", "gone");
    await eventually(
      async () => ((await router.metric('router_pipeline_messages_total{outcome="postponed"}')) ?? 0) > calls,
      { deadlineMs: DEADLINE_MS, describe: "it is postponed" },
    );
    await register("shout", (message) => ({ payload: Buffer.from(`back: ${textOf(message)}`), metadata: {} }));
    await settled();
    assert.deepEqual((await texts("two")).at(-1), "back: gone");
  });
});
