// NATS over TLS with client certificates: connects, says what is wrong, and takes replaced certificates at a reconnect.
import assert from "node:assert/strict";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import type { BeamlineError, ErrorCode } from "../../../runtime/errors.ts";
import { createLogger } from "../../../runtime/log.ts";
import { connectNats, type LinkStatus, type NatsLink } from "../../../runtime/nats/connection.ts";
import type { NatsTls } from "../../../runtime/nats/tls-files.ts";
import { type CertificateAuthority, makeAuthority, type SignedCertificate } from "../../cluster/certificates.ts";
import { eventually } from "../../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../../support/nats.ts";
import { skipUnless } from "../../support/skip.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";

const HOSTS = ["localhost", "127.0.0.1"];
const SHORT_MS = 1_000;
const DEADLINE_MS = 20_000;
const log = createLogger({ service: "test", level: "silent" });

describe("nats over tls", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let temp: TempDir;
  let nats: TestNats;
  let authority: CertificateAuthority;
  let stranger: CertificateAuthority;
  let client: SignedCertificate;
  let files: Required<NatsTls>;

  const path = (name: string): string => join(temp.path, name);
  const connectWith = (tls: NatsTls | undefined, timeoutMs = 5_000): Promise<NatsLink> =>
    connectNats({ url: nats.url, name: "tls-test", timeoutMs, log, ...(tls === undefined ? {} : { tls }) });

  /** Makes these the certificates of the server, and of the CA whose clients it lets in. */
  async function install(server: SignedCertificate, clientCaPath: string): Promise<void> {
    await copyFile(server.certPath, path("server.crt"));
    await copyFile(server.keyPath, path("server.key"));
    await copyFile(clientCaPath, path("client-ca.crt"));
  }

  async function assertFails(tls: NatsTls | undefined, code: ErrorCode, message: RegExp, hint: RegExp): Promise<void> {
    await assert.rejects(connectWith(tls, SHORT_MS), (error: BeamlineError) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message, message);
      assert.match(error.hint ?? "", hint);
      return true;
    });
  }

  before(async function () {
    temp = await makeTempDir("beamline-tls-");
    const made = await makeAuthority(path("authority")).catch((error: BeamlineError) => error);
    if (made instanceof Error) return skipUnless(this, made.code !== "UNAVAILABLE", made.message);
    authority = made;
    stranger = await makeAuthority(path("stranger"));
    client = await authority.signClient("client", "router", []);
    await install(await authority.signServer("server", HOSTS), authority.caPath);
    await writeFile(
      path("nats.conf"),
      'tls { cert_file: "server.crt", key_file: "server.key", ca_file: "client-ca.crt", verify: true }\n'.replaceAll(
        /"([\w.-]+)"/g,
        (_all, name: string) => JSON.stringify(path(name)),
      ),
    );
    nats = await startTestNats({ context: this, configFile: path("nats.conf") });
    files = { caFile: path("ca.crt"), certFile: path("client.crt"), keyFile: path("client.key") };
    await copyFile(authority.caPath, files.caFile);
    await copyFile(client.certPath, files.certFile);
    await copyFile(client.keyPath, files.keyFile);
  });
  after(async () => {
    await nats?.stop();
    await temp?.remove();
  });

  it("connects with CA and client certificate, encrypted", async () => {
    const link = await connectWith(files);
    assert.equal(link.nc.info?.tls_required, true);
    assert.equal(link.nc.info?.tls_verify, true);
    await link.nc.flush();
    await link.close();
  });

  it("names the CA that cannot verify the server", async () => {
    const { caPath } = stranger;
    await assertFails({ ...files, caFile: caPath }, "CONFIG_INVALID", /CA file .*stranger.* cannot verify/, /CA_FILE/);
    const { certFile, keyFile } = files;
    await assertFails({ certFile, keyFile }, "CONFIG_INVALID", /that Node knows cannot verify/, /CA_FILE/);
    await assertFails(undefined, "CONFIG_INVALID", /that Node knows cannot verify/, /CA_FILE/);
  });

  it("says that a client certificate may be missing, or be another CA's", async () => {
    const { caFile } = files;
    await assertFails({ caFile }, "NATS_UNREACHABLE", /did not answer/, /name a client certificate/);
    const other = await stranger.signClient("client", "router", []);
    const tls = { caFile, certFile: other.certPath, keyFile: other.keyPath };
    await assertFails(tls, "NATS_UNREACHABLE", /did not answer/, /its CA has signed the client certificate/);
  });

  it("refuses files that are missing, hold something else, or do not belong together", async () => {
    const { caFile, certFile, keyFile } = files;
    const conf = path("nats.conf");
    const otherKey = (await authority.signClient("second", "router", [])).keyPath;
    await assertFails({ ...files, caFile: "/nowhere" }, "CONFIG_INVALID", /CA file \/nowhere cannot be read/, /PEM/);
    await assertFails({ ...files, caFile: conf }, "CONFIG_INVALID", /nats\.conf holds no certificate/, /PEM/);
    await assertFails({ ...files, certFile: conf }, "CONFIG_INVALID", /nats\.conf holds no certificate/, /PEM/);
    await assertFails({ ...files, keyFile: otherKey }, "CONFIG_INVALID", /second\.key does not fit/, /the key/);
    await assertFails({ caFile, certFile }, "CONFIG_INVALID", /client\.crt stands alone/, /or neither/);
    await assertFails({ caFile, keyFile }, "CONFIG_INVALID", /client\.key stands alone/, /or neither/);
  });

  it("takes a replaced CA, server certificate and client certificate at its next connection, without a restart", async () => {
    const link = await connectWith(files);
    const seen: LinkStatus["kind"][] = [];
    link.onStatus(({ kind }) => seen.push(kind));
    await install(await stranger.signServer("server", HOSTS), stranger.caPath);
    await nats.restart();
    // The old CA does not know the new server: it is refused until the files are replaced as well.
    await eventually(() => seen.includes("disconnected"), { deadlineMs: DEADLINE_MS, describe: "the link is cut" });
    assert.equal(link.connected(), false);
    const renewed = await stranger.signClient("renewed", "router", []);
    await copyFile(stranger.caPath, files.caFile);
    await copyFile(renewed.certPath, files.certFile);
    await copyFile(renewed.keyPath, files.keyFile);
    await eventually(() => link.connected(), { deadlineMs: DEADLINE_MS, describe: "the link is back" });
    await link.nc.flush();
    await link.close();
  });
});
