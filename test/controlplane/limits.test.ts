// What one caller can take: calls, heartbeats, streams and connections; and a stream that its caller's revocation ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { createConnection, type Socket } from "node:net";
import { join } from "node:path";
import { Metadata } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { AccessControl, type Admission } from "../../controlplane/access/access-control.ts";
import { AuditLog } from "../../controlplane/access/audit.ts";
import { digestOf, unauthenticated } from "../../controlplane/access/authenticate.ts";
import { authorizeByRole } from "../../controlplane/access/authorize.ts";
import { makeCaller } from "../../controlplane/access/caller.ts";
import { CallerLimits } from "../../controlplane/access/rate-limits.ts";
import { rightOf } from "../../controlplane/access/rights.ts";
import { runAdmittedStream } from "../../controlplane/stream-frame.ts";
import { ok } from "../../core/result.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind, Heartbeat } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { systemClock } from "../../runtime/clock.ts";
import { createLogger } from "../../runtime/log.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { readStream } from "../support/read-stream.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const { registerProcessor, processorHeartbeat } = ControlPlaneService;
const quiet = createLogger({ service: "test", level: "silent" });

describe("limits of a caller", () => {
  let nowMs = 0;
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs };
  const make = () => new CallerLimits({ perSecond: { calls: 10, heartbeats: 100 }, maxStreams: 2, clock });

  it("lets two seconds' worth through at once, then as many as there are in a second, each with the wait that is left", () => {
    const limits = make();
    const taken = () =>
      Array.from({ length: 50 }, () => limits.take("a", "calls")).filter((failure) => failure === undefined);
    assert.equal(taken().length, 21);
    const refused = limits.take("a", "calls");
    assert.deepEqual([refused?.cause, refused?.retryAfterMs], ["RATE_LIMITED", 100]);
    nowMs += 1_000;
    assert.equal(taken().length, 10);
    assert.equal(limits.take("a", "heartbeats"), undefined, "heartbeats have their own");
    assert.equal(limits.take("b", "calls"), undefined, "so have others");
  });

  it("remembers a bounded number of callers, and forgets those first that have their whole burst", () => {
    const limits = make();
    for (let i = 0; i < 21; i++) limits.take("busy", "calls");
    for (let i = 0; i < 30_000; i++) {
      if (i === 15_000) nowMs += 150;
      limits.take(`passing-${i}`, "calls");
    }
    assert.equal(limits.take("busy", "calls"), undefined);
    assert.equal(limits.take("busy", "calls")?.cause, "RATE_LIMITED");
  });

  it("counts open streams, and gives a place back once", () => {
    const limits = make();
    const first = limits.openStream("a");
    limits.openStream("a");
    const refused = limits.openStream("a");
    assert.equal(typeof refused === "object" ? refused.cause : "", "TOO_MANY_STREAMS");
    assert.equal(typeof limits.openStream("b"), "function");
    if (typeof first === "function") first();
    assert.equal(typeof limits.openStream("a"), "function");
  });
});

describe("limits on the port", () => {
  let temp: TempDir;
  let apiKeysFile: string;
  let server: TestControlPlane;
  const clients: TestClient[] = [];
  const client = (key: string): TestClient => {
    const made = new TestClient(server.address, undefined, {}, key);
    clients.push(made);
    return made;
  };

  before(async () => {
    temp = await makeTempDir("beamline-limits-");
    apiKeysFile = join(temp.path, "api-keys");
    await writeFile(apiKeysFile, ["a", "b"].map((key) => `${key} operator sha256:${digestOf(key)}\n`).join(""));
    const limits = { callsPerSecond: 1, heartbeatsPerSecond: 1, maxStreamsPerCaller: 1, maxConnectionsPerAddress: 3 };
    server = await startTestControlPlane({ auth: "api-key", apiKeysFile, ...limits }, quiet);
  });

  after(async () => {
    for (const each of clients) each.close();
    await server.stop();
    await temp.remove();
  });

  it("answers calls over the limit with RESOURCE_EXHAUSTED and a wait; heartbeats go on, and so do others", async () => {
    const a = client("a");
    const register = { processorId: "p", endpoint: "127.0.0.1:9000", metadata: {} };
    const failure = await eventually(
      () =>
        a.unary(registerProcessor, register).then(
          () => undefined,
          () => a.failure(registerProcessor, register),
        ),
      { deadlineMs: 10_000, describe: "a refused call", everyMs: 0 },
    );
    assert.deepEqual([failure.code, failure.reason], ["RESOURCE_EXHAUSTED", "RATE_LIMITED"]);
    assert.ok((failure.retryAfterMs ?? 0) > 0);
    await a.unary(processorHeartbeat, { processorId: "p", timestamp: undefined, status: "", metrics: {} });
    await client("b").unary(registerProcessor, register);
  });

  it("ends a stream of heartbeats that goes over the limit, and opens as many streams as one caller may have", async () => {
    const b = client("b");
    const stream = b.bidiStream(RegistryService.heartbeats);
    const answers = readStream(stream);
    stream.write({ heartbeats: [BEAT] });
    await answers.next();
    const second = readStream(b.bidiStream(RegistryService.heartbeats));
    await assert.rejects(second.next(), { code: 8, details: /streams open, as many as it may/ });
    await assert.rejects(
      async () => {
        for (;;) {
          stream.write({ heartbeats: [BEAT] });
          await answers.next();
        }
      },
      { code: 8, details: /heartbeats a second/ },
    );
  });

  it("closes connections over the limit of an address, counts them, and takes new ones when others have left", async () => {
    for (const each of clients.splice(0)) each.close();
    const [host = "", port = ""] = server.address.split(":");
    const connections = async () => {
      const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
      const read = (name: string) => Number(new RegExp(`^${name} (\\d+)$`, "m").exec(page)?.[1]);
      return { open: read("controlplane_connections"), refused: read("controlplane_connections_refused_total") };
    };
    const until = (open: number) =>
      eventually(async () => (await connections()).open === open, {
        deadlineMs: 10_000,
        describe: `${open} connections`,
      });
    await until(0);
    const before = (await connections()).refused;
    const sockets: Socket[] = [];
    for (let i = 0; i < 3; i++) sockets.push(createConnection(Number(port), host).on("error", () => undefined));
    await until(3);
    const refused = createConnection(Number(port), host)
      .on("error", () => undefined)
      .resume();
    await once(refused, "close");
    assert.equal((await connections()).refused, before + 1);
    for (const socket of sockets) socket.destroy();
    await until(0);
    await client("b")
      .unary(processorHeartbeat, { processorId: "p", timestamp: undefined, status: "", metrics: {} })
      .catch((error: { code: number }) => assert.equal(error.code, 8));
  });
});

const BEAT = Heartbeat.fromPartial({ kind: ComponentKind.COMPONENT_KIND_PROCESSOR, id: "p" });

describe("a call of nobody", () => {
  it("is refused before what it sends is read, and counted", async () => {
    const temp = await makeTempDir("beamline-nobody-");
    const apiKeysFile = join(temp.path, "api-keys");
    await writeFile(apiKeysFile, "");
    const server = await startTestControlPlane({ auth: "api-key", apiKeysFile }, quiet);
    const session = connect(`http://${server.address}`);
    try {
      const { path } = registerProcessor;
      const headers = { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
      // Not even the first byte of a request is sent.
      const stream = session.request(headers);
      const [answer] = (await once(stream, "response")) as [Record<string, unknown>];
      assert.equal(answer["grpc-status"], "16");
      const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
      assert.match(page, /calls_total\{method="\S+\/RegisterProcessor",code="UNAUTHENTICATED"\} 1/);
    } finally {
      session.destroy();
      await server.stop();
      await temp.remove();
    }
  });
});

describe("a stream whose caller is revoked", () => {
  it("ends with UNAUTHENTICATED, with a record of it", async () => {
    const lines: string[] = [];
    const caller = makeCaller({ via: "api-key", name: "ci", groups: [], role: "viewer" });
    let answer: Admission = ok(caller);
    const access = new AccessControl({
      authenticate: () => answer,
      authorize: authorizeByRole,
      limits: new CallerLimits({ perSecond: { calls: 10, heartbeats: 10 }, maxStreams: 1, clock: systemClock }),
      audit: new AuditLog(createLogger({ service: "test", stream: { write: (line: string) => lines.push(line) } })),
    });
    const { path } = RegistryService.watch;
    const stream = {
      cancelled: false,
      metadata: new Metadata(),
      getPeer: () => "127.0.0.1:1",
      getAuthContext: () => ({}),
      end: () => undefined,
      emit: () => true,
    };
    const handle = () => new Promise<undefined>(() => undefined);
    const run = () =>
      runAdmittedStream(access, { path, right: rightOf(path) }, { stream, subject: undefined, handle }, 5);
    const ended = run();
    // It has the one place that there is, until it ends.
    assert.equal((await run())?.cause, "TOO_MANY_STREAMS");
    answer = unauthenticated("revoked");
    assert.equal((await ended)?.cause, "UNAUTHENTICATED");
    assert.match(lines.join(""), /audit denial/);
    assert.equal(typeof access.limits?.openStream(caller.id), "function");
  });
});
