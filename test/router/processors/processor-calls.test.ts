// Calls of real gRPC processors: what comes back, what each failure comes to, how many are in flight.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ServerCredentials, status } from "@grpc/grpc-js";
import { afterEach, describe, it } from "mocha";
import { ProcessorCalls, type ProcessorCallsOptions } from "../../../router/processors/processor-calls.ts";
import { createMetrics } from "../../../runtime/metrics.ts";
import { makeAuthority } from "../../cluster/certificates.ts";
import { eventually } from "../../support/await.ts";
import {
  answerWith,
  failWith,
  type OnMessage,
  type ProcessStream,
  startTestProcessor,
} from "../../support/processor.ts";
import { startSilentProcessor } from "../../support/processor-process.ts";
import { freePort } from "../../support/router-process.ts";
import { makeTempDir } from "../../support/temp.ts";

const MESSAGE = { payload: Buffer.from("hello"), metadata: { "beamline.stage": "pre" } };
const PATIENT = { timeoutMs: 10_000 };
const SOON_MS = 10_000;

describe("calls of processors", function () {
  this.timeout(60_000);
  const ends: (() => void | Promise<void>)[] = [];

  afterEach(async () => {
    for (const end of ends.splice(0).toReversed()) await end();
  });

  function makeCalls(options: Partial<ProcessorCallsOptions> = {}) {
    const metrics = createMetrics();
    const calls = new ProcessorCalls({ metrics, ...options });
    ends.push(() => calls.close());
    return { calls, page: () => metrics.text() };
  }

  async function makeProcessor(onMessage: OnMessage, maxConcurrent?: number) {
    const server = await startTestProcessor(onMessage);
    ends.push(() => server.stop());
    return { server, target: { id: "p", endpoint: server.address, maxConcurrent } };
  }

  it("gives the message as it is and gets everything that is answered, in order", async () => {
    const { server, target } = await makeProcessor((_message, stream) => {
      for (const text of ["one", "two", "three"]) stream.write({ payload: Buffer.from(text), metadata: { text } });
      stream.end();
    });
    const outcome = await makeCalls().calls.process(target, MESSAGE, PATIENT);
    assert.equal(outcome.kind, "answered");
    const messages = outcome.kind === "answered" ? outcome.messages : [];
    assert.deepEqual(
      messages.map(({ payload, metadata }) => [Buffer.from(payload).toString(), metadata]),
      ["one", "two", "three"].map((text) => [text, { text }]),
    );
    assert.deepEqual(
      server.received.map(({ payload, metadata }) => [Buffer.from(payload).toString(), metadata]),
      [["hello", MESSAGE.metadata]],
    );
  });

  it("knows an answer of no messages", async () => {
    const { target } = await makeProcessor((_message, stream) => stream.end());
    assert.deepEqual(await makeCalls().calls.process(target, MESSAGE, PATIENT), { kind: "answered", messages: [] });
  });

  const ENDS: readonly (readonly [status, string, object])[] = [
    [status.INVALID_ARGUMENT, "no name", { kind: "refused", code: "INVALID_ARGUMENT", message: "no name" }],
    [status.FAILED_PRECONDITION, "", { kind: "refused", code: "FAILED_PRECONDITION", message: "" }],
    [status.PERMISSION_DENIED, "no", { kind: "refused", code: "PERMISSION_DENIED", message: "no" }],
    [status.UNAVAILABLE, "", { kind: "unavailable", reason: "UNAVAILABLE" }],
    [status.INTERNAL, "broken", { kind: "unavailable", reason: "INTERNAL: broken" }],
    [status.UNIMPLEMENTED, "what", { kind: "unavailable", reason: "UNIMPLEMENTED: what" }],
    [status.RESOURCE_EXHAUSTED, "quota", { kind: "unavailable", reason: "RESOURCE_EXHAUSTED: quota" }],
    [status.DEADLINE_EXCEEDED, "slow", { kind: "timeout" }],
  ];
  for (const [code, details, expected] of ENDS) {
    it(`reads ${status[code]} as ${JSON.stringify(expected)}`, async () => {
      const { target } = await makeProcessor(failWith(code, details));
      assert.deepEqual(await makeCalls().calls.process(target, MESSAGE, PATIENT), expected);
    });
  }

  it("takes nothing of an answer whose stream does not end well", async () => {
    const { target } = await makeProcessor((message, stream) => {
      stream.write({ payload: message.payload, metadata: {} });
      failWith(status.INTERNAL, "later")(message, stream);
    });
    assert.equal((await makeCalls().calls.process(target, MESSAGE, PATIENT)).kind, "unavailable");
  });

  it("ends a call at its timeout, and lets the processor know", async () => {
    const { server, target } = await makeProcessor(() => undefined);
    assert.deepEqual(await makeCalls().calls.process(target, MESSAGE, { timeoutMs: 100 }), { kind: "timeout" });
    await eventually(() => server.cancelled() === 1, { deadlineMs: SOON_MS, describe: "the stream is cancelled" });
  });

  it("ends a call that its caller gives up", async () => {
    const { server, target } = await makeProcessor(() => undefined);
    const abort = new AbortController();
    const outcome = makeCalls().calls.process(target, MESSAGE, { ...PATIENT, signal: abort.signal });
    await eventually(() => server.open() === 1, { deadlineMs: SOON_MS, describe: "the message is there" });
    abort.abort();
    assert.deepEqual(await outcome, { kind: "unavailable", reason: "the call was given up" });
  });

  it("says so when nobody listens, and when the processor dies in the middle", async () => {
    const { calls } = makeCalls();
    const away = await calls.process({ id: "away", endpoint: `127.0.0.1:${await freePort()}` }, MESSAGE, PATIENT);
    assert.equal(away.kind, "unavailable");
    const processor = await startSilentProcessor();
    ends.push(() => processor.kill());
    const outcome = calls.process({ id: "p", endpoint: processor.address }, MESSAGE, PATIENT);
    await eventually(() => processor.taken() === 1, { deadlineMs: SOON_MS, describe: "the message is there" });
    processor.kill();
    assert.equal((await outcome).kind, "unavailable");
  });

  it("finds a processor that came back at its place", async () => {
    const { server, target } = await makeProcessor(answerWith({}));
    const { calls } = makeCalls();
    assert.equal((await calls.process(target, MESSAGE, PATIENT)).kind, "answered");
    server.stop();
    await eventually(async () => (await calls.process(target, MESSAGE, PATIENT)).kind === "unavailable", {
      deadlineMs: SOON_MS,
      describe: "the processor is missed",
    });
    const back = await startTestProcessor(answerWith({}), { address: server.address });
    ends.push(() => back.stop());
    await eventually(async () => (await calls.process(target, MESSAGE, PATIENT)).kind === "answered", {
      deadlineMs: SOON_MS,
      describe: "it is called again",
    });
  });

  it("takes no more than its bounds", async () => {
    const many = await makeProcessor((_message, stream) => {
      for (let count = 0; count < 4; count++) stream.write({ payload: Buffer.alloc(10), metadata: {} });
      stream.end();
    });
    const few = makeCalls({ maxMessages: 3 });
    assert.equal((await few.calls.process(many.target, MESSAGE, PATIENT)).kind, "tooLarge");
    const bytes = makeCalls({ maxMessageBytes: 39 });
    assert.equal((await bytes.calls.process(many.target, { ...MESSAGE, metadata: {} }, PATIENT)).kind, "tooLarge");
    const enough = makeCalls({ maxMessages: 4, maxMessageBytes: 40 });
    assert.equal((await enough.calls.process(many.target, { ...MESSAGE, metadata: {} }, PATIENT)).kind, "answered");
    const long = await makeProcessor(answerWith({}, Buffer.alloc(1_000)));
    assert.equal((await enough.calls.process(long.target, { ...MESSAGE, metadata: {} }, PATIENT)).kind, "tooLarge");
    const sent = await enough.calls.process(long.target, { payload: Buffer.alloc(1_000), metadata: {} }, PATIENT);
    assert.equal(sent.kind, "tooLarge");
  });

  it("keeps max_concurrent, and serves who waits in order", async () => {
    const held: ProcessStream[] = [];
    const { server, target } = await makeProcessor((_message, stream) => void held.push(stream), 2);
    const { calls } = makeCalls();
    const order: number[] = [];
    const all = [0, 1, 2, 3, 4].map(async (index) => {
      const message = { payload: Buffer.from([index]), metadata: {} };
      assert.equal((await calls.process(target, message, PATIENT)).kind, "answered");
    });
    for (let served = 0; served < 5; served++) {
      await eventually(() => held.length > 0, { deadlineMs: SOON_MS, describe: `message ${served} is there` });
      assert.ok(server.open() <= 2);
      held.shift()?.end();
    }
    await Promise.all(all);
    order.push(...server.received.map(({ payload }) => payload[0] ?? -1));
    assert.deepEqual(order, [0, 1, 2, 3, 4]);
    assert.equal(server.mostOpen(), 2);
  });

  it("does not wait for a place beyond the timeout, and is in nobody's way then", async () => {
    const held: ProcessStream[] = [];
    const { server, target } = await makeProcessor((_message, stream) => void held.push(stream), 1);
    const { calls } = makeCalls();
    const first = calls.process(target, MESSAGE, PATIENT);
    await eventually(() => held.length === 1, { deadlineMs: SOON_MS, describe: "the first is there" });
    const late = await calls.process(target, MESSAGE, { timeoutMs: 50 });
    assert.deepEqual(late, { kind: "unavailable", reason: "busy: 1 messages are in flight to it" });
    const next = calls.process(target, MESSAGE, PATIENT);
    held[0]?.end();
    assert.equal((await first).kind, "answered");
    await eventually(() => held.length === 2, { deadlineMs: SOON_MS, describe: "the next is there" });
    held[1]?.end();
    assert.equal((await next).kind, "answered");
    assert.equal(server.received.length, 2);
  });

  it("closes what it has not used for longest, and counts by outcome", async () => {
    const { calls, page } = makeCalls({ maxChannels: 2 });
    for (let count = 0; count < 3; count++) {
      const { target } = await makeProcessor(answerWith({}));
      assert.equal((await calls.process({ ...target, id: `p-${count}` }, MESSAGE, PATIENT)).kind, "answered");
    }
    const text = await page();
    assert.match(text, /^router_processor_channels 2$/m);
    assert.match(text, /^router_processor_calls_total\{outcome="answered"\} 3$/m);
    assert.match(text, /^router_processor_calls_in_flight 0$/m);
    assert.match(text, /^router_processor_call_duration_seconds_count\{outcome="answered"\} 3$/m);
  });

  for (const endpoint of ["", "http://127.0.0.1:80", "nats://127.0.0.1:4222", "grpc://127.0.0.1", "host", "a b:1"]) {
    it(`does not call ${JSON.stringify(endpoint)}`, async () => {
      const outcome = await makeCalls().calls.process({ id: "p", endpoint }, MESSAGE, PATIENT);
      assert.match(outcome.kind === "unavailable" ? outcome.reason : "", /endpoint/);
    });
  }

  it("reaches host:port, dns:/// and grpc://, and grpcs:// over TLS with the authority it is given", async () => {
    const { server } = await makeProcessor(answerWith({}));
    const temp = await makeTempDir("beamline-processor-tls-");
    ends.push(() => temp.remove());
    const authority = await makeAuthority(temp.path);
    const { certPem, keyPem } = await authority.signServer("processor", ["127.0.0.1"]);
    const pair = [{ cert_chain: Buffer.from(certPem), private_key: Buffer.from(keyPem) }];
    const credentials = ServerCredentials.createSsl(null, pair);
    const secure = await startTestProcessor(answerWith({}), { credentials });
    ends.push(() => secure.stop());
    const trusting = makeCalls({ caFile: authority.caPath }).calls;
    const kindOf = async (calls: ProcessorCalls, endpoint: string) =>
      (await calls.process({ id: endpoint, endpoint }, MESSAGE, PATIENT)).kind;
    for (const endpoint of [server.address, `dns:///${server.address}`, `grpc://${server.address}/`])
      assert.equal(await kindOf(trusting, endpoint), "answered", endpoint);
    assert.equal(await kindOf(trusting, `grpcs://${secure.address}`), "answered");
    assert.equal(await kindOf(trusting, `grpc://${secure.address}`), "unavailable");
    assert.equal(await kindOf(makeCalls().calls, `grpcs://${secure.address}`), "unavailable");
    const missing = join(temp.path, "missing.pem");
    assert.throws(() => makeCalls({ caFile: missing }), { code: "CONFIG_INVALID" });
  });
});
