// The connection that a configuration asks for.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { operatorConfig } from "../../../operator/config.ts";
import { routerConfig } from "../../../router/config.ts";
import { parseConfig } from "../../../runtime/config.ts";
import { natsOptions } from "../../../runtime/nats/settings.ts";

const given = {
  BEAMLINE_POLICIES_DIR: "policies",
  BEAMLINE_NATS_URL: "tls://nats.example:4222",
  BEAMLINE_NATS_CREDENTIALS_FILE: "user.creds",
  BEAMLINE_NATS_TLS_CA_FILE: "ca.pem",
  BEAMLINE_NATS_TLS_CERT_FILE: "client.pem",
  BEAMLINE_NATS_TLS_KEY_FILE: "client.key",
  BEAMLINE_NATS_TIMEOUT: "3s",
};
const wanted = {
  url: "tls://nats.example:4222",
  timeoutMs: 3_000,
  credentialsFile: "user.creds",
  tls: { caFile: "ca.pem", certFile: "client.pem", keyFile: "client.key" },
};

describe("natsOptions", () => {
  it("connects an operator as it connects its routers, TLS included", () => {
    const operator = parseConfig(operatorConfig, given);
    const { BEAMLINE_POLICIES_DIR: _, ...ofRouter } = given;
    const router = parseConfig(routerConfig, ofRouter);
    assert.ok(operator.ok && router.ok);
    assert.deepEqual(natsOptions(operator.value), wanted);
    assert.deepEqual(natsOptions(router.value), wanted);
  });

  it("leaves out what is not set", () => {
    const router = parseConfig(routerConfig, {});
    assert.ok(router.ok);
    assert.deepEqual(natsOptions(router.value), { url: "nats://127.0.0.1:4222", timeoutMs: 10_000 });
  });
});
