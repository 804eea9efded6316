// The server of a processor, called as a router calls it: a stream a message, and health and capabilities beside it.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createConnection } from "node:net";
import type { ServiceError } from "@grpc/grpc-js";
import { afterEach, describe, it } from "mocha";
import {
  MessageRefused,
  type ProcessorServer,
  type ProcessorServerOptions,
  serveProcessor,
} from "../../../controlplane/client/serve-processor.ts";
import { HealthService } from "../../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ProcessorServiceService } from "../../../proto/gen/grpc/processor/processor.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../../proto/gen/messages/grpc/health/v1/health.ts";
import type { DataMessage } from "../../../proto/gen/messages/processor/processor.ts";
import { eventually } from "../../support/await.ts";
import { readFailure, TestClient } from "../../support/control-plane.ts";
import { readStream } from "../../support/read-stream.ts";

const DEADLINE_MS = 10_000;
const CUT_AFTER_MS = 200;
const bytes = (text: string): Uint8Array => Buffer.from(text);

describe("client library: the server of a processor", function () {
  this.timeout(30_000);
  let server: ProcessorServer | undefined;
  let client: TestClient | undefined;

  const serve = async (options: Omit<ProcessorServerOptions, "address">): Promise<TestClient> => {
    server = await serveProcessor({ address: "127.0.0.1:0", ...options });
    client = new TestClient(`127.0.0.1:${server.port}`);
    return client;
  };
  /** The payloads of all answers, or the failure of the call. */
  const call = async (caller: TestClient, ...payloads: readonly string[]) => {
    const stream = caller.bidiStream(ProcessorServiceService.process);
    const reader = readStream<DataMessage>(stream);
    for (const payload of payloads) stream.write({ payload: bytes(payload), metadata: {} });
    stream.end();
    const answers: string[] = [];
    try {
      for (let next = await reader.next(); next !== undefined; next = await reader.next())
        answers.push(Buffer.from(next.payload).toString());
      return answers;
    } catch (error) {
      return readFailure(error as ServiceError);
    }
  };

  afterEach(async () => {
    client?.close();
    await server?.stop(0);
  });

  it("answers each message of a stream with none, one or several, in order", async () => {
    const caller = await serve({
      process: ({ payload, metadata }) => {
        const text = Buffer.from(payload).toString();
        if (text === "none") return undefined;
        if (text === "two") return [1, 2].map((place) => ({ payload: bytes(`two-${place}`), metadata }));
        return { payload: bytes(text.toUpperCase()), metadata };
      },
    });
    assert.deepEqual(await call(caller, "one", "none", "two", "last"), ["ONE", "two-1", "two-2", "LAST"]);
  });

  it("takes answers that come one after the other", async () => {
    const caller = await serve({
      process: async function* () {
        for (const word of ["a", "b", "c"]) yield { payload: bytes(word), metadata: {} };
      },
    });
    assert.deepEqual(await call(caller, "x"), ["a", "b", "c"]);
  });

  it("tells a refusal as it was meant, and of a defect nothing but that there was one", async () => {
    const errors: unknown[] = [];
    const caller = await serve({
      process: ({ payload }) => {
        if (Buffer.from(payload).toString() === "bad") throw new MessageRefused("INVALID_ARGUMENT", "no image");
        throw new Error("password=secret");
      },
      onError: (error) => errors.push(error),
    });
    assert.deepEqual(await call(caller, "bad"), { code: "INVALID_ARGUMENT", message: "no image" });
    const failure = await call(caller, "good");
    assert.deepEqual(failure, { code: "INTERNAL", message: "the processor failed; see its log" });
    assert.deepEqual(errors.map(String), ["Error: password=secret"]);
  });

  it("goes on when what is told of a defect throws itself", async () => {
    const caller = await serve({
      process: (message) => {
        if (Buffer.from(message.payload).toString() === "bad") throw new Error("a defect");
        return message;
      },
      onError: () => {
        throw new Error("so is this");
      },
    });
    const warned = once(process, "warning");
    assert.deepEqual(await call(caller, "bad"), { code: "INTERNAL", message: "the processor failed; see its log" });
    assert.match(String((await warned)[0]), /onError threw: Error: so is this/);
    assert.deepEqual(await call(caller, "good"), ["good"]);
  });

  it("works on no more at once than its capabilities say; the others wait, and those beyond are refused", async () => {
    let inWork = 0;
    let most = 0;
    const waiting: (() => void)[] = [];
    const caller = await serve({
      capabilities: { maxConcurrent: 2 },
      process: async (message) => {
        inWork += 1;
        most = Math.max(most, inWork);
        await new Promise<void>((resolve) => waiting.push(resolve));
        inWork -= 1;
        return message;
      },
    });
    const calls = Array.from({ length: 11 }, (_, place) => call(caller, String(place)));
    const refused = await Promise.race(calls);
    assert.deepEqual(refused, {
      code: "RESOURCE_EXHAUSTED",
      message: "as many messages are in work, and wait, as there may be",
    });
    const finish = setInterval(() => waiting.splice(0).forEach((resolve) => void resolve()), 5);
    try {
      const answers = await Promise.all(calls);
      assert.equal(answers.filter(Array.isArray).length, 10);
      assert.equal(most, 2);
    } finally {
      clearInterval(finish);
    }
  });

  it("aborts the work of a caller that leaves", async () => {
    let aborted = false;
    let begun = false;
    const caller = await serve({
      process: async (_message, signal) => {
        begun = true;
        await once(signal, "abort");
        aborted = true;
        return undefined;
      },
    });
    const stream = caller.bidiStream(ProcessorServiceService.process);
    stream.on("error", () => undefined);
    stream.write({ payload: bytes("x"), metadata: {} });
    await eventually(() => begun, { deadlineMs: DEADLINE_MS, describe: "the work begins" });
    stream.cancel();
    await eventually(() => aborted, { deadlineMs: DEADLINE_MS, describe: "the work is aborted" });
  });

  it("says what it can and whether it serves", async () => {
    const capabilities = { processorId: "resize", name: "Resize", inputEventTypes: ["image.v1"], maxConcurrent: 3 };
    const caller = await serve({ process: () => undefined, capabilities });
    const answer = await caller.unary(ProcessorServiceService.getCapabilities, {});
    assert.deepEqual(
      [answer.processorId, answer.name, answer.inputEventTypes, answer.outputEventTypes, answer.maxConcurrent],
      ["resize", "Resize", ["image.v1"], [], 3],
    );
    const service = "obsrvr.flow.processor.ProcessorService";
    const watch = readStream<HealthCheckResponse>(caller.serverStream(HealthService.watch, { service }));
    assert.equal((await watch.next())?.status, ServingStatus.SERVING);
    server?.setServing(false);
    assert.equal((await watch.next())?.status, ServingStatus.NOT_SERVING);
    assert.equal((await caller.unary(HealthService.check, { service: "" })).status, ServingStatus.NOT_SERVING);
    assert.equal((await caller.failure(HealthService.check, { service: "other" })).code, "NOT_FOUND");
  });

  it("ends every watch of its health when it stops, also of a service that it has not", async () => {
    const caller = await serve({ process: () => undefined });
    const watch = readStream<HealthCheckResponse>(caller.serverStream(HealthService.watch, { service: "other" }));
    assert.equal((await watch.next())?.status, ServingStatus.SERVICE_UNKNOWN);
    const stopped = server?.stop(DEADLINE_MS);
    assert.equal(await watch.next(), undefined);
    await stopped;
  });

  it("finishes what is in work before it stops", async () => {
    let finish: (() => void) | undefined;
    const caller = await serve({
      process: async (message) => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        return message;
      },
    });
    const answer = call(caller, "last");
    await eventually(() => finish !== undefined, { deadlineMs: DEADLINE_MS, describe: "the work begins" });
    const stopped = server?.stop(DEADLINE_MS);
    finish?.();
    assert.deepEqual(await answer, ["last"]);
    await stopped;
  });

  it("cuts what outlasts its stop, and waits for no connection that is silent", async () => {
    let begun = false;
    const caller = await serve({
      process: () => {
        begun = true;
        return new Promise(() => undefined);
      },
    });
    const answer = call(caller, "stuck");
    // Its client does not close when the server does.
    const silent = createConnection({ port: server?.port ?? 0, host: "127.0.0.1", allowHalfOpen: true }).resume();
    try {
      await once(silent, "connect");
      await eventually(() => begun, { deadlineMs: DEADLINE_MS, describe: "the work begins" });
      await server?.stop(CUT_AFTER_MS);
      assert.deepEqual(await answer, { code: "UNAVAILABLE", message: "Connection dropped" });
    } finally {
      silent.destroy();
    }
  });
});
