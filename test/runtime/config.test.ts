// The environment of a process: typed values, defaults, and every problem at once.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { type Config, defineConfig, formatConfigProblems, parseConfig, redactConfig } from "../../runtime/config.ts";

const DEFINITION = defineConfig({
  natsUrl: { env: "BEAMLINE_NATS_URL", kind: "url", default: "nats://127.0.0.1:4222", description: "NATS server" },
  natsToken: { env: "BEAMLINE_NATS_TOKEN", kind: "string", optional: true, secret: true, description: "token" },
  router: { env: "BEAMLINE_ROUTER", kind: "string", description: "name of the Router that this pod serves" },
  healthAddress: { env: "BEAMLINE_HEALTH_ADDRESS", kind: "address", default: "127.0.0.1:9100", description: "health" },
  ackWaitMs: {
    env: "BEAMLINE_ACK_WAIT",
    kind: "duration",
    default: 30_000,
    min: 1_000,
    max: 3_600_000,
    description: "wait",
  },
  maxBytes: { env: "BEAMLINE_MAX_BYTES", kind: "bytes", default: 1_048_576, max: 67_108_864, description: "payload" },
  workers: { env: "BEAMLINE_WORKERS", kind: "integer", default: 2, min: 1, max: 64, description: "routers" },
  ratio: { env: "BEAMLINE_RATIO", kind: "number", default: 1, min: 0, max: 1, description: "sampling" },
  tracing: { env: "BEAMLINE_TRACING_ENABLED", kind: "boolean", default: true, description: "tracing" },
  namespaces: { env: "BEAMLINE_NAMESPACES", kind: "list", default: [], description: "namespaces" },
  level: {
    env: "BEAMLINE_LOG_LEVEL",
    kind: "choice",
    values: ["debug", "info"],
    default: "info",
    description: "level",
  },
});

describe("config", () => {
  it("gives defaults and typed values", () => {
    const config = parseConfig(DEFINITION, { BEAMLINE_ROUTER: "default", PATH: "/bin" });
    assert.ok(config.ok);
    // The types are part of what is tested: each line compiles only with the type that is written.
    const typed: Config<typeof DEFINITION> = config.value;
    const level: "debug" | "info" = typed.level;
    const token: string | undefined = typed.natsToken;
    const namespaces: readonly string[] = typed.namespaces;
    assert.deepEqual([level, token, namespaces, typed.ackWaitMs], ["info", undefined, [], 30_000]);
  });

  it("reads each kind", () => {
    const config = parseConfig(DEFINITION, {
      BEAMLINE_ROUTER: "r",
      BEAMLINE_NATS_URL: "nats://a:1, tls://b:2",
      BEAMLINE_HEALTH_ADDRESS: "[::1]:0",
      BEAMLINE_ACK_WAIT: "1.5s",
      BEAMLINE_MAX_BYTES: "2MiB",
      BEAMLINE_WORKERS: " 4 ",
      BEAMLINE_RATIO: "0.25",
      BEAMLINE_TRACING_ENABLED: "off",
      BEAMLINE_NAMESPACES: "a, b,,c",
      BEAMLINE_LOG_LEVEL: "debug",
      BEAMLINE_NATS_TOKEN: "",
    });
    assert.ok(config.ok);
    const { ackWaitMs, maxBytes, workers, ratio, tracing, namespaces, natsToken } = config.value;
    assert.deepEqual(
      [ackWaitMs, maxBytes, workers, ratio, tracing, namespaces, natsToken],
      [1_500, 2_097_152, 4, 0.25, false, ["a", "b", "c"], undefined],
    );
  });

  it("says everything that is wrong at once, with value and rule", () => {
    const config = parseConfig(DEFINITION, {
      BEAMLINE_NATS_URL: "localhost:4222",
      BEAMLINE_HEALTH_ADDRESS: "127.0.0.1:99999",
      BEAMLINE_ACK_WAIT: "10",
      BEAMLINE_MAX_BYTES: "1GiB",
      BEAMLINE_WORKERS: "0",
      BEAMLINE_RATIO: "half",
      BEAMLINE_TRACING_ENABLED: "maybe",
      BEAMLINE_LOG_LEVEL: "loud",
      BEAMLINE_WORKER: "1",
      BEAMLINE_ZZZZZZZZZZZZ: "1",
    });
    assert.ok(!config.ok);
    assert.equal(
      formatConfigProblems(config.error),
      [
        'BEAMLINE_NATS_URL: "localhost:4222" is not a URL such as nats://127.0.0.1:4222',
        "BEAMLINE_ROUTER: is required: name of the Router that this pod serves",
        'BEAMLINE_HEALTH_ADDRESS: "127.0.0.1:99999" is not an address such as 127.0.0.1:8080',
        'BEAMLINE_ACK_WAIT: "10" is not a duration such as 250ms, 10s, 15m or 1h',
        'BEAMLINE_MAX_BYTES: "1GiB" is more than 67108864 bytes',
        'BEAMLINE_WORKERS: "0" is less than 1',
        'BEAMLINE_RATIO: "half" is not a number',
        'BEAMLINE_TRACING_ENABLED: "maybe" is not true or false',
        'BEAMLINE_LOG_LEVEL: "loud" is not one of debug, info',
        "BEAMLINE_WORKER: is not a setting of this process; did you mean BEAMLINE_WORKERS?",
        "BEAMLINE_ZZZZZZZZZZZZ: is not a setting of this process",
      ].join("\n"),
    );
  });

  it("lets through what others set: known names of the same process, and Kubernetes' service links", () => {
    const environment = {
      BEAMLINE_ROUTER: "r",
      BEAMLINE_CACHE_DIR: "/cache",
      BEAMLINE_NATS_SERVICE_HOST: "10.0.0.1",
      BEAMLINE_NATS_PORT: "tcp://10.0.0.1:4222",
      BEAMLINE_NATS_PORT_4222_TCP_ADDR: "10.0.0.1",
    };
    assert.ok(parseConfig(DEFINITION, environment, ["BEAMLINE_CACHE_DIR"]).ok);
    assert.ok(!parseConfig(DEFINITION, environment).ok);
  });

  it("shows no secret, in what it prints or in what it refuses", () => {
    const environment = {
      BEAMLINE_ROUTER: "r",
      BEAMLINE_NATS_TOKEN: "s3cret",
      BEAMLINE_NATS_URL: "nats://u:p@s3cret@h:1,nats://s3cret@i:1",
    };
    const config = parseConfig(DEFINITION, environment);
    assert.ok(config.ok);
    const shown = redactConfig(DEFINITION, config.value);
    assert.equal(shown.natsUrl, "nats://[redacted]@h:1,nats://[redacted]@i:1");
    assert.doesNotMatch(JSON.stringify(shown), /s3cret/);
    const pin = defineConfig({ pin: { env: "BEAMLINE_PIN", kind: "integer", secret: true, description: "pin" } });
    const refused = parseConfig(pin, { BEAMLINE_PIN: "s3cret" });
    assert.ok(!refused.ok && !/s3cret/.test(formatConfigProblems(refused.error)));
  });

  it("never throws, whatever the environment holds", () => {
    const names = [...Object.values(DEFINITION).map((setting) => setting.env), "BEAMLINE_X", "OTHER"];
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...names), fc.string({ unit: "binary", maxLength: 40 })),
        (environment) => {
          const config = parseConfig(DEFINITION, environment);
          assert.equal(
            config.ok,
            config.ok ? Object.keys(config.value).length === Object.keys(DEFINITION).length : false,
          );
        },
      ),
      { numRuns: 500 },
    );
  });
});
