// What a control plane process is told by its environment.
import { type Config, defineConfig } from "../runtime/config.ts";
import { natsSettings } from "../runtime/nats/settings.ts";

const MINUTE_MS = 60_000;

export const controlPlaneConfig = defineConfig({
  ...natsSettings,
  natsUrl: {
    kind: "url",
    env: "BEAMLINE_NATS_URL",
    optional: true,
    description:
      "NATS servers of one cluster, comma-separated; without any the registry is in the memory of one process",
  },
  replicas: {
    kind: "integer",
    env: "BEAMLINE_CONTROLPLANE_REPLICAS",
    default: 1,
    min: 1,
    max: 64,
    description: "Control planes that share one registry over NATS",
  },
  address: {
    kind: "address",
    env: "BEAMLINE_CONTROLPLANE_ADDRESS",
    default: "127.0.0.1:50051",
    description: "Address of the gRPC server; port 0 takes a free one",
  },
  tlsCertFile: {
    kind: "string",
    env: "BEAMLINE_CONTROLPLANE_TLS_CERT_FILE",
    optional: true,
    description: "Certificate of the gRPC server (PEM), read again when it changes; plaintext when absent",
  },
  tlsKeyFile: {
    kind: "string",
    env: "BEAMLINE_CONTROLPLANE_TLS_KEY_FILE",
    optional: true,
    description: "Key of that certificate (PEM)",
  },
  tlsClientCaFile: {
    kind: "string",
    env: "BEAMLINE_CONTROLPLANE_TLS_CLIENT_CA_FILE",
    optional: true,
    description: "CA certificates (PEM): when set, only clients with a certificate of theirs are served",
  },
  maxMessageBytes: {
    kind: "bytes",
    env: "BEAMLINE_CONTROLPLANE_MAX_MESSAGE_BYTES",
    default: 1_048_576,
    min: 65_536,
    max: 67_108_864,
    description: "Largest message of a call",
  },
  maxConcurrentStreams: {
    kind: "integer",
    env: "BEAMLINE_CONTROLPLANE_MAX_CONCURRENT_STREAMS",
    default: 1_000,
    min: 1,
    max: 1_000_000,
    description: "Calls at once on one connection; more wait in the client",
  },
  callTimeoutMs: {
    kind: "duration",
    env: "BEAMLINE_CONTROLPLANE_CALL_TIMEOUT",
    default: 10_000,
    min: 10,
    max: 10 * MINUTE_MS,
    description: "When a unary call without a deadline of its own is ended",
  },
  keepAliveMs: {
    kind: "duration",
    env: "BEAMLINE_CONTROLPLANE_KEEPALIVE",
    default: 30_000,
    min: 1_000,
    max: 120 * MINUTE_MS,
    description: "A connection that was silent for so long is pinged; one that does not answer for 10 s is closed",
  },
  maxStreams: {
    kind: "integer",
    env: "BEAMLINE_CONTROLPLANE_MAX_STREAMS",
    default: 10_000,
    min: 1,
    max: 1_000_000,
    description: "Watches, and likewise streams of heartbeats, that may be open at once on all connections",
  },
  maxComponents: {
    kind: "integer",
    env: "BEAMLINE_REGISTRY_MAX_COMPONENTS",
    default: 50_000,
    min: 1,
    max: 1_000_000,
    description: "Components that the registry keeps; more are refused",
  },
  ttlMs: {
    kind: "duration",
    env: "BEAMLINE_REGISTRY_TTL",
    default: 30_000,
    min: 1_000,
    max: 60 * MINUTE_MS,
    description: "How long a component that names no time of its own is kept live without a heartbeat",
  },
  drainTimeoutMs: {
    kind: "duration",
    env: "BEAMLINE_DRAIN_TIMEOUT",
    default: 5_000,
    min: 100,
    max: 10 * MINUTE_MS,
    description: "How long a stop waits for calls in flight",
  },
  healthHost: {
    kind: "string",
    env: "BEAMLINE_HEALTH_HOST",
    default: "127.0.0.1",
    description: "Address of /livez, /readyz and /metrics",
  },
  healthPort: {
    kind: "integer",
    env: "BEAMLINE_HEALTH_PORT",
    default: 9090,
    min: 0,
    max: 65_535,
    description: "Port of /livez, /readyz and /metrics; 0 takes a free one",
  },
  logLevel: {
    kind: "choice",
    env: "BEAMLINE_LOG_LEVEL",
    values: ["debug", "info", "warn", "error"],
    default: "info",
    description: "Least level that is logged",
  },
  parentPipe: {
    kind: "boolean",
    env: "BEAMLINE_PARENT_PIPE",
    default: false,
    description: "End when standard input closes: for a child process of `beamline up`",
  },
});

export type ControlPlaneConfig = Config<typeof controlPlaneConfig>;
