// Who the client library is to a control plane: by its certificate over TLS, and by a token that is asked for at each call.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "mocha";
import { type ControlPlane, connectControlPlane } from "../../../controlplane/client/connect.ts";
import { formatApiKeys } from "../../../core/trust/api-keys.ts";
import { type CertificateAuthority, makeAuthority } from "../../cluster/certificates.ts";
import { startTestControlPlane } from "../../support/control-plane.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";
import { ComponentEvents } from "./component-events.ts";

const DEADLINE_MS = 20_000;
const endpoint = "127.0.0.1:9000";

describe("client library: access", function () {
  this.timeout(60_000);
  let temp: TempDir;
  let authority: CertificateAuthority;
  let controlPlane: ControlPlane | undefined;

  before(async () => {
    temp = await makeTempDir("beamline-client-access-");
    authority = await makeAuthority(temp.path);
  });
  afterEach(() => controlPlane?.close());
  after(() => temp.remove());

  it("registers over TLS with a client certificate, and not without", async () => {
    const serverPair = await authority.signServer("server", ["127.0.0.1", "localhost"]);
    const client = await authority.signClient("worker", "component", []);
    const server = await startTestControlPlane({
      tlsCertFile: serverPair.certPath,
      tlsKeyFile: serverPair.keyPath,
      tlsClientCaFile: authority.caPath,
      auth: "none",
    });
    const [known, unknown] = [new ComponentEvents(), new ComponentEvents()];
    const pair = { certFile: client.certPath, keyFile: client.keyPath };
    const register = (tls: { caFile: string; certFile?: string; keyFile?: string }, events: ComponentEvents) => {
      const made = connectControlPlane({ addresses: [server.address], tls });
      made.registerProcessor({ id: "tls", endpoint, onEvent: events.listener });
      return made;
    };
    const without = register({ caFile: authority.caPath }, unknown);
    try {
      await unknown.next("unreachable", { deadlineMs: DEADLINE_MS });
      assert.deepEqual(unknown.kinds(), ["unreachable"]);
      controlPlane = register({ caFile: authority.caPath, ...pair }, known);
      await known.next("registered", { deadlineMs: DEADLINE_MS });
    } finally {
      without.close();
      controlPlane?.close();
      await server.stop();
    }
  });

  it("asks for its token at each call, so that one that is renewed counts", async () => {
    const apiKeysFile = join(temp.path, "api-keys");
    const digest = createHash("sha256").update("the-key").digest("hex");
    await writeFile(apiKeysFile, formatApiKeys([{ name: "worker", role: "component", digest }]));
    const server = await startTestControlPlane({ auth: "api-key", apiKeysFile });
    const events = new ComponentEvents();
    let token = "another-key";
    controlPlane = connectControlPlane({ addresses: [server.address], token: () => token });
    controlPlane.registerProcessor({ id: "token", endpoint, onEvent: events.listener });
    try {
      assert.equal((await events.next("refused", { deadlineMs: DEADLINE_MS })).code, "UNAUTHENTICATED");
      token = "the-key";
      await events.next("registered", { deadlineMs: DEADLINE_MS });
    } finally {
      controlPlane.close();
      await server.stop();
    }
  });
});
