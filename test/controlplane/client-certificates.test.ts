// Client certificates: whose calls they make, what those may do, when they expire, and authorities that are replaced.
import assert from "node:assert/strict";
import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { readCertificate } from "../../controlplane/access/certificate-identity.ts";
import { createCredentials } from "../../controlplane/credentials.ts";
import { GrpcServer } from "../../controlplane/server.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { ComponentKind, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { createLogger } from "../../runtime/log.ts";
import { type CertificateAuthority, makeAuthority, type SignedCertificate } from "../cluster/certificates.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../support/control-plane.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });
const registration = { processorId: "p-1", endpoint: "127.0.0.1:9000", metadata: {} };
const LIST = ListRequest.fromPartial({});
const CONFIGURE = {
  kind: ComponentKind.COMPONENT_KIND_PROCESSOR,
  id: "p-1",
  configuration: { a: 1 },
  expectedRevision: 0n,
};

describe("client certificates", function () {
  this.timeout(60_000);
  let temp: TempDir;
  let authority: CertificateAuthority;
  let other: CertificateAuthority;
  let serverFiles: { tlsCertFile: string; tlsKeyFile: string };
  let server: TestControlPlane;
  const clients: TestClient[] = [];

  const connect = (address: string, { certPem, keyPem }: SignedCertificate, trusted = authority): TestClient => {
    const channel = credentials.createSsl(Buffer.from(trusted.caPem), Buffer.from(keyPem), Buffer.from(certPem));
    const client = new TestClient(address, channel);
    clients.push(client);
    return client;
  };

  before(async () => {
    temp = await makeTempDir("beamline-client-certificates-");
    authority = await makeAuthority(join(temp.path, "a"));
    other = await makeAuthority(join(temp.path, "b"));
    const { certPath, keyPath } = await authority.signServer("server", ["127.0.0.1"]);
    serverFiles = { tlsCertFile: certPath, tlsKeyFile: keyPath };
    server = await startTestControlPlane({ ...serverFiles, tlsClientCaFile: authority.caPath });
  });

  after(async () => {
    for (const client of clients) client.close();
    await server.stop();
    await temp.remove();
  });

  it("give the role that an organization names, and else that of a component", async () => {
    const component = connect(server.address, await authority.signClient("c", "resize", ["acme"]));
    const operator = connect(server.address, await authority.signClient("o", "ops", ["acme", "beamline:operator"]));
    const viewer = connect(server.address, await authority.signClient("v", "eyes", ["beamline:viewer"]));
    await component.unary(ControlPlaneService.registerProcessor, registration);
    const denied = await component.failure(RegistryService.configure, CONFIGURE);
    assert.deepEqual([denied.code, denied.values], ["PERMISSION_DENIED", { caller: "resize" }]);
    await operator.unary(RegistryService.configure, CONFIGURE);
    await viewer.unary(RegistryService.list, LIST);
    assert.equal((await viewer.failure(ControlPlaneService.registerProcessor, registration)).code, "PERMISSION_DENIED");
  });

  it("are refused when they have expired", async () => {
    const expired = await authority.signClient("expired", "resize", [], 0);
    await eventually(
      async () => {
        const client = connect(server.address, expired);
        return (await client.failure(RegistryService.list, LIST)).code === "UNAVAILABLE";
      },
      { deadlineMs: 10_000, describe: "the certificate of no days has expired", everyMs: 200 },
    );
    // One that is good until tomorrow is served by the same server.
    await connect(server.address, await authority.signClient("good", "resize", [], 1)).unary(
      RegistryService.list,
      LIST,
    );
  });

  it("are refused on a connection that was made before they expired", () => {
    const reader = { roles: true, nowMs: () => Date.parse("2030-01-02T00:00:00Z") };
    const certificate = { subject: { CN: "resize" }, valid_to: "Jan  1 00:00:00 2030 GMT" };
    const late = readCertificate(certificate, reader);
    assert.equal(late.ok ? "" : late.error.cause, "UNAUTHENTICATED");
    const before = readCertificate(certificate, { ...reader, nowMs: () => Date.parse("2029-12-31T00:00:00Z") });
    assert.equal(before.ok && before.value.id, "certificate:resize");
    assert.equal(readCertificate({ subject: { CN: "resize" } }, reader).ok, false);
  });

  it("name a caller by their alternative name when they have no common one, and nobody when they have neither", () => {
    const reader = { roles: false, nowMs: () => 0 };
    const spiffe = readCertificate(
      {
        subject: { O: ["a", "b"] },
        subjectaltname: "URI:spiffe://acme/resize, DNS:x",
        valid_to: "Jan  1 00:00:00 2030 GMT",
      },
      reader,
    );
    assert.ok(spiffe.ok);
    const { name, groups, role } = spiffe.value;
    assert.deepEqual({ name, groups, role }, { name: "spiffe://acme/resize", groups: ["a", "b"], role: undefined });
    assert.equal(readCertificate({ valid_to: "Jan  1 00:00:00 2030 GMT" }, reader).ok, false);
  });

  it("of a new authority are accepted, and of the one before refused, after it was replaced without a restart", async () => {
    const folder = join(temp.path, "rotating");
    await mkdir(folder);
    const [certFile, keyFile, clientCaFile] = ["crt", "key", "ca"].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    await copyFile(serverFiles.tlsCertFile, certFile);
    await copyFile(serverFiles.tlsKeyFile, keyFile);
    await copyFile(authority.caPath, clientCaFile);
    const grpc = new GrpcServer(
      {
        address: "127.0.0.1:0",
        credentials: await createCredentials({ certFile, keyFile, clientCaFile }, { log, refreshMs: 50 }),
        maxMessageBytes: 65_536,
        maxConcurrentStreams: 10,
        callTimeoutMs: 5_000,
        keepAliveMs: 30_000,
        maxConnections: 100,
        maxConnectionsPerAddress: 100,
      },
      [],
    );
    const address = `127.0.0.1:${await grpc.start()}`;
    const [old, young] = [await authority.signClient("old", "old", []), await other.signClient("young", "young", [])];
    // The server has no services: who is connected gets UNIMPLEMENTED.
    const reach = async (certificate: SignedCertificate, trusted: CertificateAuthority) =>
      (await connect(address, certificate, trusted).failure(RegistryService.list, LIST)).code;
    const becomes = (certificate: SignedCertificate, trusted: CertificateAuthority, code: string) =>
      eventually(async () => (await reach(certificate, trusted)) === code, { deadlineMs: 20_000, describe: code });
    try {
      await becomes(old, authority, "UNIMPLEMENTED");
      assert.equal(await reach(young, authority), "UNAVAILABLE");
      const replaced = await other.signServer("replaced", ["127.0.0.1"]);
      await copyFile(replaced.keyPath, keyFile);
      await copyFile(replaced.certPath, certFile);
      await copyFile(other.caPath, clientCaFile);
      await becomes(young, other, "UNIMPLEMENTED");
      assert.equal(await reach(old, other), "UNAVAILABLE");
    } finally {
      await grpc.stop(1_000);
    }
  });
});
