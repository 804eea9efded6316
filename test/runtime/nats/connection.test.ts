// Opening a connection: each way to fail has one clear error, and a server that became too old is not used.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { encodeUser, fmtCreds } from "@nats-io/jwt";
import { createAccount, createUser } from "@nats-io/nkeys";
import { after, before, describe, it } from "mocha";
import { findFreePort } from "../../../cli/nats-server-probe.ts";
import type { BeamlineError, ErrorCode } from "../../../runtime/errors.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type LinkStatus, type NatsOptions } from "../../../runtime/nats/connection.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";
import { makeTempDir } from "../../support/temp.ts";

const HOST = "127.0.0.1";
const log = createLogger({ service: "test", level: "silent" });

function options(url: string, more: Partial<NatsOptions> = {}): NatsOptions {
  return { url, name: "connection-test", timeoutMs: 5_000, log, ...more };
}

async function assertFails(promise: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  await assert.rejects(promise, (error: BeamlineError) => {
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(error.hint);
    return true;
  });
}

interface OldServer {
  readonly url: string;
  version: string;
  readonly sockets: Set<Socket>;
  readonly server: Server;
}

/** Speaks as much of the protocol as a client needs to connect, under any version: no such server is obtained for a test. */
async function startVersionedServer(version: string): Promise<OldServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket)).on("error", () => socket.destroy());
    const info = { server_id: "S", version: old.version, headers: true, max_payload: 1024, proto: 1 };
    socket.write(`INFO ${JSON.stringify(info)}\r\n`);
    socket.on("data", (chunk) => chunk.toString("latin1").includes("PING\r\n") && socket.write("PONG\r\n"));
  }).listen(0, HOST);
  await once(server, "listening");
  const url = `nats://${HOST}:${(server.address() as AddressInfo).port}`;
  const old: OldServer = { url, version, sockets, server };
  return old;
}

describe("nats connection", function () {
  this.timeout(30_000);

  it("refuses a server that is too old, with its version", async () => {
    const old = await startVersionedServer("2.11.9");
    await assertFails(connectNats(options(old.url)), "NATS_TOO_OLD", /2\.11\.9; 2\.12\.0 or newer/);
    const link = await connectNats(options(old.url, { requireVersion: false }));
    assert.equal(link.serverVersion, "2.11.9");
    await link.close();
    old.server.close();
  });

  it("stops using a server that is too old after a reconnect, until a newer one answers", async () => {
    const server = await startVersionedServer("2.12.0");
    const link = await connectNats(options(server.url));
    const seen: LinkStatus[] = [];
    link.onStatus((status) => seen.push(status));
    assert.ok(link.connected());
    const cutWith = async (version: string): Promise<void> => {
      server.version = version;
      const before = seen.length;
      for (const socket of server.sockets) socket.destroy();
      await eventually(
        () => seen.slice(before).some((status) => status.kind === "connected" || status.kind === "too_old"),
        {
          deadlineMs: 10_000,
          describe: "the link has reconnected",
        },
      );
    };
    await cutWith("2.9.10");
    assert.deepEqual(seen.at(-1), { kind: "too_old", serverVersion: "2.9.10" });
    assert.equal(link.connected(), false);
    await cutWith("2.15.2");
    assert.deepEqual(seen.at(-1), { kind: "connected", serverVersion: "2.15.2" });
    assert.ok(link.connected());
    await link.close();
    assert.equal(link.connected(), false);
    server.server.close();
  });

  it("says that nobody answers", async () => {
    const port = await findFreePort(HOST);
    const url = `nats://user:secret@${HOST}:${port}`;
    await assert.rejects(connectNats(options(url, { timeoutMs: 300 })), (error: BeamlineError) => {
      assert.equal(error.code, "NATS_UNREACHABLE");
      assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port} did not answer within 300 ms`));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });

  it("refuses a URL and a credentials file that cannot be used", async () => {
    for (const url of ["http://host:1", "nats://", "nats://a b:1", "nats://h:1,ftp://h:2"]) {
      await assertFails(connectNats(options(url)), "CONFIG_INVALID", /NATS URL/);
    }
    const missing = options("nats://127.0.0.1:1", { credentialsFile: "/nowhere/user.creds" });
    await assertFails(connectNats(missing), "CONFIG_INVALID", /user\.creds cannot be read/);
  });

  it("refuses a credentials file that holds none, without quoting it", async () => {
    await using dir = await makeTempDir();
    const path = join(dir.path, "user.creds");
    const user = createUser();
    const seed = Buffer.from(user.getSeed()).toString();
    const token = await encodeUser("ada", user, createAccount());
    const whole = Buffer.from(fmtCreds(token, user)).toString();
    const contents = ["", "nonsense", whole.slice(0, 200), whole.replace(seed, seed.slice(0, -4)), whole.repeat(100)];
    for (const content of contents) {
      await writeFile(path, content);
      await assert.rejects(
        connectNats(options("nats://127.0.0.1:1", { credentialsFile: path })),
        (error: BeamlineError) => {
          assert.equal(error.code, "CONFIG_INVALID");
          assert.match(error.message, /user\.creds holds no user JWT with its key$/);
          assert.doesNotMatch(error.message, /S[A-Z0-9]{40,}|eyJ/);
          return true;
        },
      );
    }
  });

  describe("with users", () => {
    let nats: TestNats;
    let removeDir: () => Promise<void>;

    before(async function () {
      this.timeout(NATS_START_TIMEOUT_MS);
      const dir = await makeTempDir();
      removeDir = dir.remove;
      const configFile = join(dir.path, "users.conf");
      await writeFile(configFile, 'authorization { users = [ { user: "ada", password: "l@ve" } ] }\n');
      nats = await startTestNats({ context: this, configFile });
    });

    after(async () => {
      await nats?.stop();
      await removeDir?.();
    });

    it("takes user and password from options or from the URL", async () => {
      const byOptions = await connectNats(options(nats.url, { user: "ada", pass: "l@ve" }));
      await byOptions.close();
      const byUrl = await connectNats(options(nats.url.replace("//", "//ada:l%40ve@")));
      await byUrl.close();
      await assertFails(connectNats(options(nats.url)), "PERMISSION_DENIED", /refuses the credentials/);
    });

    it("drains: waits for what is in flight, until its deadline", async () => {
      const link = await connectNats(options(nats.url, { user: "ada", pass: "l@ve" }));
      link.nc.subscribe("echo", { callback: (_error, msg) => void msg.respond(msg.data) });
      const echoed = new Promise((resolve) => link.mux.request("echo", Buffer.from("x"), undefined, 5_000, resolve));
      assert.equal(await link.drain(5_000), true);
      assert.equal(((await echoed) as { kind: string }).kind, "reply");
      const stuck = await connectNats(options(nats.url, { user: "ada", pass: "l@ve" }));
      stuck.nc.subscribe("silent", { callback: () => undefined });
      const result = new Promise((resolve) =>
        stuck.mux.request("silent", Buffer.from("x"), undefined, 60_000, resolve),
      );
      assert.equal(await stuck.drain(100), false);
      assert.deepEqual(await result, { kind: "unavailable", reason: "closed" });
    });
  });
});
