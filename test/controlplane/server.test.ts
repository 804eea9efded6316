// The frame of the gRPC server: deadlines, limits, broken input, reflection and health, over real connections.
import assert from "node:assert/strict";
import { type ClientHttp2Session, connect, constants } from "node:http2";
import { after, before, describe, it } from "mocha";
import { SERVED } from "../../controlplane/served.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import {
  type HealthCheckResponse,
  HealthCheckResponse_ServingStatus as ServingStatus,
} from "../../proto/gen/messages/grpc/health/v1/health.ts";
import { type Method, startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";

const { registerProcessor } = ControlPlaneService;
const registration = { processorId: "p-1", endpoint: "127.0.0.1:9000", metadata: {} };

/** A method that takes and gives bytes as they are. */
const bytesOf = (path: string): Method<Buffer, Buffer> => ({
  path,
  requestSerialize: (bytes) => bytes,
  responseDeserialize: (bytes) => bytes,
});

describe("the gRPC server", () => {
  let server: TestControlPlane;
  let client: TestClient;

  before(async () => {
    server = await startTestControlPlane({ maxMessageBytes: 65_536, callTimeoutMs: 200 });
    client = new TestClient(server.address);
  });

  after(async () => {
    client.close();
    await server.stop();
  });

  it("refuses a message over the limit, and goes on serving", async () => {
    const metadata = { note: "x".repeat(70_000) };
    const failure = await client.failure(registerProcessor, { ...registration, metadata });
    assert.equal(failure.code, "RESOURCE_EXHAUSTED");
    await client.unary(registerProcessor, registration);
  });

  it("answers INTERNAL to bytes that are no message, UNIMPLEMENTED to a method that is none, and goes on serving", async () => {
    const broken = await client.failure(bytesOf(registerProcessor.path), Buffer.from("0aff", "hex"));
    assert.equal(broken.code, "INTERNAL");
    const nested = Buffer.concat(Array.from({ length: 20_000 }, () => Buffer.from([0x1a, 0x7f])));
    assert.equal((await client.failure(bytesOf(RegistryService.configure.path), nested)).code, "INTERNAL");
    const unknown = await client.failure(bytesOf("/obsrvr.flow.controlplane.ControlPlane/Other"), Buffer.alloc(0));
    assert.equal(unknown.code, "UNIMPLEMENTED");
    await client.unary(registerProcessor, registration);
  });

  it("ends a call without a deadline whose request never arrives, and leaves the connection in use", async () => {
    const session = connect(`http://${server.address}`);
    try {
      const answer = await callWithoutRequest(session);
      assert.equal(answer["grpc-status"], "4");
      assert.match(decodeURIComponent(String(answer["grpc-message"])), /not finished within 200 ms/);
    } finally {
      // Not close(): it would wait for the end of a request that never comes.
      session.destroy();
    }
  });

  it("counts calls by method and status", async () => {
    await client.failure(registerProcessor, { ...registration, processorId: "a b" });
    const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
    assert.match(
      page,
      /controlplane_grpc_calls_total\{method="\S+\/RegisterProcessor",code="INVALID_ARGUMENT"\} [1-9]/,
    );
    assert.match(page, /^controlplane_components_live [1-9]/m);
    assert.match(page, /^controlplane_call_defects_total 0$/m);
  });

  it("tells health of the server and of each service, and NOT_FOUND of others", async () => {
    for (const service of ["", ...SERVED.map(({ name }) => name)])
      assert.equal((await client.unary(HealthService.check, { service })).status, ServingStatus.SERVING, service);
    assert.equal((await client.failure(HealthService.check, { service: "nobody" })).reason, "SERVICE_UNKNOWN");
    assert.equal(Object.keys((await client.unary(HealthService.list, {})).statuses).length, SERVED.length + 1);
    const stream = client.serverStream(HealthService.watch, { service: "nobody" });
    assert.equal((await readStream<HealthCheckResponse>(stream).next())?.status, ServingStatus.SERVICE_UNKNOWN);
    stream.on("error", () => undefined);
    stream.cancel();
  });

  it("describes its services to whoever asks by reflection", async () => {
    for (const version of ["v1", "v1alpha"]) {
      const method = bytesOf(`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`);
      const stream = client.bidiStream(method);
      const reader = readStream<Buffer>(stream);
      // ServerReflectionRequest: 7 = list_services, 4 = file_containing_symbol.
      stream.write(Buffer.from([0x3a, 0x01, 0x2a]));
      const listed = (await reader.next())?.toString("latin1") ?? "";
      for (const { name } of SERVED) assert.ok(listed.includes(name), `${version}: ${name}`);
      const symbol = Buffer.from("beamline.control.v1.Registry");
      stream.write(Buffer.concat([Buffer.from([0x22, symbol.length]), symbol]));
      assert.ok(((await reader.next())?.toString("latin1") ?? "").includes("WatchConfiguration"));
      stream.end();
      assert.equal(await reader.next(), undefined);
    }
  });

  it("says which address is in use", async () => {
    await assert.rejects(startTestControlPlane({ address: server.address }), { code: "PORT_IN_USE" });
  });
});

/** Sends the headers of a unary call and nothing else; resolves to the trailers. */
function callWithoutRequest(session: ClientHttp2Session): Promise<Record<string, unknown>> {
  const { HTTP2_HEADER_METHOD, HTTP2_HEADER_PATH, HTTP2_HEADER_CONTENT_TYPE, HTTP2_HEADER_TE } = constants;
  return new Promise((resolve, reject) => {
    const stream = session.request({
      [HTTP2_HEADER_METHOD]: "POST",
      [HTTP2_HEADER_PATH]: registerProcessor.path,
      [HTTP2_HEADER_CONTENT_TYPE]: "application/grpc",
      [HTTP2_HEADER_TE]: "trailers",
    });
    // A failure without an answer is one block of headers.
    stream.on("response", (headers) => "grpc-status" in headers && resolve(headers));
    stream.on("trailers", resolve);
    stream.on("error", reject);
    stream.resume();
  });
}
