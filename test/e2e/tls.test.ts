// Operator, routers and command line on a NATS that wants client certificates and credentials, as an installation has it.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, credsAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { after, before, describe, it } from "mocha";
import { credentialsPath } from "../../cli/accounts/account-folder.ts";
import type { BeamlineError } from "../../runtime/errors.ts";
import type { NatsTls } from "../../runtime/nats/tls-files.ts";
import { type CertificateAuthority, makeAuthority } from "../cluster/certificates.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { type RunningUp, requireProcessTable, runMain, startUp } from "./up-process.ts";

const HOSTS = ["localhost", "127.0.0.1"];
const DEADLINE_MS = 30_000;
const DECIDE = ["decide", "--tenant", "demo", "--type", "chat", "--output", "json"] as const;

describe("beamline on a NATS with TLS and accounts", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let temp: TempDir;
  let authority: CertificateAuthority;
  let nats: TestNats;
  let up: RunningUp;
  let accounts: string;
  let url: string;
  let files: Required<NatsTls>;
  let tls: Readonly<Record<string, string>>;

  before(async function () {
    requireProcessTable(this);
    temp = await makeTempDir("beamline-tls-");
    const made = await makeAuthority(join(temp.path, "authority")).catch((error: BeamlineError) => error);
    if (made instanceof Error) return skipUnless(this, made.code !== "UNAVAILABLE", made.message);
    authority = made;
    accounts = join(temp.path, "accounts");
    assert.equal((await runMain(["nats-accounts", "--dir", accounts], temp.path)).exitCode, 0);
    const server = await authority.signServer("server", HOSTS);
    const certificates = { cert_file: server.certPath, key_file: server.keyPath, ca_file: authority.caPath };
    const lines = Object.entries(certificates).map(([name, path]) => `  ${name}: ${JSON.stringify(path)}`);
    const configFile = join(temp.path, "nats.conf");
    // The longer form of acknowledgement subjects, which a later release of nats-server has by default.
    const flags = "feature_flags { js_ack_fc_v2: true }";
    const text = `include "accounts/accounts.conf"\n${flags}\ntls {\n${lines.join("\n")}\n  verify: true\n}\n`;
    await writeFile(configFile, text);
    nats = await startTestNats({ context: this, configFile });
    url = `tls://localhost:${nats.port}`;
    const client = await authority.signClient("client", "beamline", []);
    files = { caFile: authority.caPath, certFile: client.certPath, keyFile: client.keyPath };
    tls = {
      BEAMLINE_NATS_TLS_CA_FILE: files.caFile,
      BEAMLINE_NATS_TLS_CERT_FILE: files.certFile,
      BEAMLINE_NATS_TLS_KEY_FILE: files.keyFile,
    };
    const credentials = {
      BEAMLINE_NATS_CREDENTIALS_FILE: credentialsPath(accounts, "operator"),
      BEAMLINE_ROUTER_NATS_CREDENTIALS_FILE: credentialsPath(accounts, "router"),
    };
    up = await startUp({ flags: ["--nats-url", url], env: { ...tls, ...credentials } });
  });
  after(async () => {
    await up?.dispose();
    await nats?.stop();
    await temp?.remove();
  });

  const decide = (): ReturnType<RunningUp["cli"]> =>
    up.cliWith(tls, ...DECIDE, "--nats-url", url, "--nats-credentials", credentialsPath(accounts, "producer"));

  it("starts fenced, and decides for a producer", async () => {
    assert.equal((await up.status()).unfenced, false);
    const run = await decide();
    assert.equal(run.exitCode, 0, run.stderr);
    assert.ok(JSON.parse(run.stdout).decision.provider_id);
  });

  it("settles deliveries whose acknowledgement subject carries domain and account", async () => {
    const connections = ["operator", "producer", "worker"] as const;
    const [operator, producer, worker] = (await Promise.all(
      connections.map(async (role) => {
        const authenticator = credsAuthenticator(await readFile(credentialsPath(accounts, role)));
        return connect({ servers: url, tls: files, authenticator });
      }),
    )) as [NatsConnection, NatsConnection, NatsConnection];
    const message = { message_id: "m", tenant_id: "demo", message_type: "chat", payload: "e30=" };
    const context = { private: "true" };
    await jetstream(producer).publish(
      "beamline.router.v1.submit.demo",
      JSON.stringify({ message, policy_id: "chat", context }),
    );
    const consumer = await jetstream(worker).consumers.get("BEAMLINE_ASSIGNMENTS", "provider_demo_local-llm");
    const assignment = await consumer.next();
    assert.ok(assignment !== null);
    const { reply } = assignment as unknown as { readonly reply: string };
    assert.match(reply, /^\$JS\.ACK\.[^.]+\.[^.]+\.BEAMLINE_ASSIGNMENTS\./);
    assert.equal(await assignment.ackAck(), true);
    assert.equal((await consumer.info()).num_ack_pending, 0);
    const manager = await jetstreamManager(operator, { checkAPI: false });
    await eventually(async () => (await manager.streams.info("BEAMLINE_SUBMIT")).state.messages === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "the router has settled the submission",
    });
    await Promise.all([operator, producer, worker].map((nc) => nc.close()));
  });

  it("names the CA for a command that does not know it", async () => {
    const run = await up.cli(...DECIDE, "--nats-url", url);
    assert.equal(run.exitCode, 78);
    assert.match(run.stderr, /^CONFIG_INVALID: NATS at tls:\/\/localhost:\d+ has a certificate that .* cannot verify/m);
  });

  it("goes on after nats-server comes back with another certificate of the same CA", async () => {
    // Over the files that the server is told of.
    await authority.signServer("server", HOSTS);
    const pids = (await up.status()).routers.map(({ pid }) => pid);
    await nats.restart();
    await eventually(async () => (await decide()).exitCode === 0, {
      deadlineMs: DEADLINE_MS,
      describe: "a producer gets its decision",
      everyMs: 200,
    });
    assert.deepEqual(
      (await up.status()).routers.map(({ pid }) => pid),
      pids,
    );
  });
});
