// How the gRPC server ends: who is told, what it waits for, and what becomes of calls that take longer.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { createConnection } from "node:net";
import { credentials, type ServiceDefinition } from "@grpc/grpc-js";
import { describe, it } from "mocha";
import type { TlsFiles } from "../../controlplane/certificate-files.ts";
import { createCredentials } from "../../controlplane/credentials.ts";
import { GrpcServer } from "../../controlplane/server.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../proto/gen/messages/grpc/health/v1/health.ts";
import { createLogger } from "../../runtime/log.ts";
import { makeAuthority } from "../cluster/certificates.ts";
import { eventually } from "../support/await.ts";
import { type Method, startTestControlPlane, TestClient } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";
import { makeTempDir } from "../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });
const { registerProcessor } = ControlPlaneService;
const registration = { processorId: "p-1", endpoint: "127.0.0.1:9000", metadata: {} };
/** Longer than any of these tests may take. */
const NEVER_REACHED_MS = 600_000;
const CUT_AFTER_MS = 300;

/** As gRPC frames it: not compressed, no bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

const SLOW: Method<Buffer, Buffer> = {
  path: "/test.Slow/Call",
  requestSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
};

/** A server whose calls are answered when the test says so. */
interface SlowServer {
  readonly server: GrpcServer;
  begun(): number;
  answerAll(): void;
}

async function createSlowServer(tls?: TlsFiles): Promise<SlowServer> {
  const waiting: (() => void)[] = [];
  const call = (_: unknown, answer: (error: null, bytes: Buffer) => void): void => {
    waiting.push(() => answer(null, Buffer.from("done")));
  };
  const definition: ServiceDefinition = {
    call: {
      ...SLOW,
      requestStream: false,
      responseStream: false,
      requestDeserialize: (bytes: Buffer) => bytes,
      responseSerialize: (bytes: Buffer) => bytes,
    },
  };
  const options = {
    address: "127.0.0.1:0",
    credentials: await createCredentials(tls, { log }),
    maxMessageBytes: 65_536,
    maxConcurrentStreams: 10,
    callTimeoutMs: NEVER_REACHED_MS,
    keepAliveMs: 30_000,
    maxConnections: 100,
    maxConnectionsPerAddress: 100,
  };
  return {
    server: new GrpcServer(options, [{ definition, implementation: { call } }]),
    begun: () => waiting.length,
    answerAll: () => {
      for (const answer of waiting) answer();
    },
  };
}

/** Every code that a GOAWAY on this session came with, and every error of it. */
function recordEnd(session: ClientHttp2Session): { readonly codes: number[]; readonly errors: string[] } {
  const codes: number[] = [];
  const errors: string[] = [];
  session.on("goaway", (code: number) => codes.push(code));
  session.on("error", (error) => errors.push(error.message));
  return { codes, errors };
}

describe("a stop of the gRPC server", function () {
  this.timeout(30_000);

  it("turns health to NOT_SERVING, ends streams, and refuses what comes later", async () => {
    const server = await startTestControlPlane();
    const client = new TestClient(server.address);
    const health = readStream<HealthCheckResponse>(client.serverStream(HealthService.watch, { service: "" }));
    assert.equal((await health.next())?.status, ServingStatus.SERVING);
    const heartbeats = client.bidiStream(RegistryService.heartbeats);
    const beats = readStream(heartbeats);
    heartbeats.write({ heartbeats: [] });
    await assert.rejects(beats.next(), { code: 3 });
    const open = readStream(client.serverStream(RegistryService.watch, { kinds: [], resumeToken: "" }));
    await open.next();
    const stopped = server.stop();
    await assert.rejects(open.next(), { code: 14 });
    await assert.rejects(
      async () => {
        while ((await health.next())?.status !== undefined);
      },
      { code: 14 },
    );
    await stopped;
    assert.equal((await client.failure(registerProcessor, registration)).code, "UNAVAILABLE");
    client.close();
  });

  it("waits for a call in flight, and no longer", async () => {
    const slow = await createSlowServer();
    const address = `127.0.0.1:${await slow.server.start()}`;
    const client = new TestClient(address);
    const late = new TestClient(address);
    const answer = client.unary(SLOW, Buffer.alloc(0));
    await eventually(() => slow.begun() === 1, { deadlineMs: 10_000, describe: "the call has begun" });
    let stopped = false;
    const stop = slow.server.stop(NEVER_REACHED_MS).then(() => {
      stopped = true;
    });
    assert.equal((await late.failure(SLOW, Buffer.alloc(0))).code, "UNAVAILABLE");
    assert.equal(stopped, false, "the stop is over while a call is in flight");
    slow.answerAll();
    assert.equal((await answer).toString(), "done");
    await stop;
    client.close();
    late.close();
  });

  it("cuts what outlasts the drain: UNAVAILABLE to clients, and nothing on the wire that would be an error to them", () =>
    expectCut({ scheme: "http" }));

  it("does so over TLS, also while a connection has not finished its handshake", async () => {
    const temp = await makeTempDir("beamline-stop-");
    try {
      const authority = await makeAuthority(temp.path);
      const { certPath: certFile, keyPath: keyFile } = await authority.signServer("server", ["127.0.0.1"]);
      await expectCut({ scheme: "https", tls: { certFile, keyFile }, ca: authority.caPem });
    } finally {
      await temp.remove();
    }
  });
});

interface Transport {
  readonly scheme: "http" | "https";
  readonly tls?: TlsFiles;
  readonly ca?: string;
}

async function expectCut({ scheme, tls, ca }: Transport): Promise<void> {
  const slow = await createSlowServer(tls);
  const port = await slow.server.start();
  const channel = ca === undefined ? credentials.createInsecure() : credentials.createSsl(Buffer.from(ca));
  const client = new TestClient(`127.0.0.1:${port}`, channel);
  const cut = client.failure(SLOW, Buffer.alloc(0));
  const session = connect(`${scheme}://127.0.0.1:${port}`, ca === undefined ? {} : { ca });
  const end = recordEnd(session);
  const silent = createConnection(port, "127.0.0.1").resume();
  const closed = [once(session, "close"), once(silent, "close")];
  const stream = session.request({ ":method": "POST", ":path": SLOW.path, "content-type": "application/grpc" });
  stream.on("error", (error) => end.errors.push(error.message));
  stream.end(EMPTY_MESSAGE);
  await eventually(() => slow.begun() === 2, { deadlineMs: 10_000, describe: "both calls have begun" });
  await slow.server.stop(CUT_AFTER_MS);
  assert.equal((await cut).code, "UNAVAILABLE");
  await Promise.all(closed);
  assert.deepEqual(end, { codes: [0], errors: [] });
  client.close();
}
