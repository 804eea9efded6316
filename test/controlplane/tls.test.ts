// TLS of the gRPC server: who is served, rotation without a restart, and files that are wrong.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { credentials } from "@grpc/grpc-js";
import { after, before, describe, it } from "mocha";
import { createCredentials } from "../../controlplane/credentials.ts";
import { GrpcServer } from "../../controlplane/server.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { createLogger } from "../../runtime/log.ts";
import { type CertificateAuthority, makeAuthority } from "../cluster/certificates.ts";
import { eventually } from "../support/await.ts";
import { startTestControlPlane, TestClient } from "../support/control-plane.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });
const { registerProcessor } = ControlPlaneService;
const registration = { processorId: "p-1", endpoint: "127.0.0.1:9000", metadata: {} };

describe("TLS of the gRPC server", function () {
  this.timeout(60_000);
  let temp: TempDir;
  let authority: CertificateAuthority;
  let tlsCertFile: string;
  let tlsKeyFile: string;

  const use = async (name: string): Promise<void> => {
    const { certPath, keyPath } = await authority.signServer(name, ["127.0.0.1", "localhost"]);
    await copyFile(keyPath, tlsKeyFile);
    await copyFile(certPath, tlsCertFile);
  };

  before(async () => {
    temp = await makeTempDir("beamline-grpc-tls-");
    authority = await makeAuthority(temp.path);
    tlsCertFile = join(temp.path, "server.crt");
    tlsKeyFile = join(temp.path, "server.key");
    await use("first");
  });

  after(() => temp.remove());

  it("serves clients that trust its authority, and nobody in plaintext", async () => {
    const server = await startTestControlPlane({ tlsCertFile, tlsKeyFile });
    const trusting = new TestClient(server.address, credentials.createSsl(Buffer.from(authority.caPem)));
    const plain = new TestClient(server.address);
    try {
      await trusting.unary(registerProcessor, registration);
      assert.equal((await plain.failure(registerProcessor, registration)).code, "UNAVAILABLE");
    } finally {
      trusting.close();
      plain.close();
      await server.stop();
    }
  });

  it("serves only clients with a certificate when an authority of clients is named", async () => {
    const server = await startTestControlPlane({ tlsCertFile, tlsKeyFile, tlsClientCaFile: authority.caPath });
    const { certPem, keyPem } = await authority.signClient("component", "component", []);
    const ca = Buffer.from(authority.caPem);
    const known = new TestClient(server.address, credentials.createSsl(ca, Buffer.from(keyPem), Buffer.from(certPem)));
    const unknown = new TestClient(server.address, credentials.createSsl(ca));
    try {
      await known.unary(registerProcessor, registration);
      assert.equal((await unknown.failure(registerProcessor, registration)).code, "UNAVAILABLE");
    } finally {
      known.close();
      unknown.close();
      await server.stop();
    }
  });

  it("takes a rotated certificate without a restart", async () => {
    const server = new GrpcServer(
      {
        address: "127.0.0.1:0",
        credentials: await createCredentials({ certFile: tlsCertFile, keyFile: tlsKeyFile }, { log, refreshMs: 50 }),
        maxMessageBytes: 65_536,
        maxConcurrentStreams: 10,
        callTimeoutMs: 1_000,
        keepAliveMs: 30_000,
        maxConnections: 100,
        maxConnectionsPerAddress: 100,
      },
      [],
    );
    const port = await server.start();
    const subject = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port, host: "127.0.0.1", ca: authority.caPem, ALPNProtocols: ["h2"] }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.on("error", reject);
      });
    try {
      await eventually(async () => (await subject()) === "first", {
        deadlineMs: 10_000,
        describe: "the first certificate",
      });
      // In the middle of a rotation the key does not fit: the certificate that stands stays in force.
      const second = await authority.signServer("second", ["127.0.0.1"]);
      await copyFile(second.keyPath, tlsKeyFile);
      for (let i = 0; i < 10; i++) assert.equal(await subject(), "first");
      await copyFile(second.certPath, tlsCertFile);
      await eventually(async () => (await subject()) === "second", { deadlineMs: 20_000, describe: "the second one" });
    } finally {
      await server.stop(1_000);
    }
  });

  it("fails its start with the file that is wrong", async () => {
    const start = (files: Record<string, string>) => startTestControlPlane(files);
    await assert.rejects(start({ tlsCertFile }), { code: "CONFIG_INVALID", message: /both a certificate and its key/ });
    await assert.rejects(start({ tlsCertFile: join(temp.path, "none.crt"), tlsKeyFile }), { code: "INPUT_MISSING" });
    await assert.rejects(start({ tlsCertFile: tlsKeyFile, tlsKeyFile }), {
      code: "CONFIG_INVALID",
      message: /server\.key/,
    });
    const other = await authority.signServer("other", ["127.0.0.1"]);
    await assert.rejects(start({ tlsCertFile, tlsKeyFile: other.keyPath }), { message: /is not the key of/ });
  });
});
