// What a router process is told by its environment.
import { type Config, defineConfig } from "../runtime/config.ts";
import { natsSettings } from "../runtime/nats/settings.ts";

const MINUTE_MS = 60_000;

export const routerConfig = defineConfig({
  ...natsSettings,
  routerNamespace: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAMESPACE",
    default: "beamline-system",
    description: "Namespace of the Router this process serves",
  },
  routerName: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAME",
    default: "default",
    description: "Name of the Router this process serves",
  },
  subjectsPrefix: {
    kind: "string",
    env: "BEAMLINE_SUBJECTS_PREFIX",
    optional: true,
    description: "Prefix before every subject, stream, durable and bucket name",
  },
  allowedSubjects: {
    kind: "list",
    env: "BEAMLINE_ALLOWED_SUBJECTS",
    default: [],
    description: "Fixed subjects that providers marked legacy may use, and subjects of steps, below beamline.ext.",
  },
  podName: {
    kind: "string",
    env: "BEAMLINE_POD_NAME",
    default: "router-0",
    description: "Name under which this process acknowledges its configuration",
  },
  podUid: {
    kind: "string",
    env: "BEAMLINE_POD_UID",
    optional: true,
    description: "Identity of this process; random when absent",
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
    default: 9100,
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
  submitWindow: {
    kind: "integer",
    env: "BEAMLINE_SUBMIT_WINDOW",
    default: 1000,
    min: 1,
    max: 20_000,
    description: "Durable messages handled at once",
  },
  requestWindow: {
    kind: "integer",
    env: "BEAMLINE_REQUEST_WINDOW",
    default: 4096,
    min: 1,
    max: 20_000,
    description: "Requests handled at once; more are refused with Retry-After",
  },
  publishTimeoutMs: {
    kind: "duration",
    env: "BEAMLINE_PUBLISH_TIMEOUT",
    default: 5_000,
    min: 50,
    max: MINUTE_MS,
    description: "How long a PubAck is waited for",
  },
  drainTimeoutMs: {
    kind: "duration",
    env: "BEAMLINE_DRAIN_TIMEOUT",
    default: 8_000,
    min: 100,
    max: 10 * MINUTE_MS,
    description: "How long a stop waits for what is in flight",
  },
  handoverRetentionMs: {
    kind: "duration",
    env: "BEAMLINE_HANDOVER_RETENTION",
    default: 15 * MINUTE_MS,
    min: 1_000,
    max: 24 * 60 * MINUTE_MS,
    description: "How long a stored assignment proves its effect: max_age of the assignments stream",
  },
  decidedTtlMs: {
    kind: "duration",
    env: "BEAMLINE_DECIDED_TTL",
    default: 15 * MINUTE_MS,
    // Not below the duplicate window: its message id would still be remembered when the decision is gone.
    min: 2 * MINUTE_MS,
    max: 24 * 60 * MINUTE_MS,
    description: "How long a keyed decision without dispatch stands",
  },
  maxPayloadBytes: {
    kind: "bytes",
    env: "BEAMLINE_MAX_PAYLOAD_BYTES",
    default: 1_048_576,
    min: 1,
    max: 67_108_864,
    description: "Largest message body taken in",
  },
  processorCaFile: {
    kind: "string",
    env: "BEAMLINE_PROCESSOR_CA_FILE",
    optional: true,
    description: "Certificate authorities (PEM) of processors over TLS; those of Node.js when absent",
  },
  deadLettersPerSecond: {
    kind: "integer",
    env: "BEAMLINE_DEAD_LETTERS_PER_SECOND",
    default: 200,
    min: 1,
    max: 100_000,
    description:
      "Dead letters of one tenant's requests written in a second; more are counted. Durable messages are never left out",
  },
  deadLetterSubjects: {
    kind: "choice",
    env: "BEAMLINE_DEAD_LETTER_SUBJECTS",
    values: ["Common", "PerKind"],
    default: "Common",
    description: "One dead-letter subject, or one for each kind of message",
  },
  idempotencyEnabled: {
    kind: "boolean",
    env: "BEAMLINE_IDEMPOTENCY_ENABLED",
    default: true,
    description: "Feature: an idempotency key gets the first decision again",
  },
  tenantValidationEnabled: {
    kind: "boolean",
    env: "BEAMLINE_TENANT_VALIDATION_ENABLED",
    default: true,
    description: "Feature: tenants that no object names are refused",
  },
  generateTraceIdIfMissing: {
    kind: "boolean",
    env: "BEAMLINE_GENERATE_TRACE_ID_IF_MISSING",
    default: false,
    description: "Feature: at level Full a missing trace id is made instead of refused",
  },
  registryEnabled: {
    kind: "boolean",
    env: "BEAMLINE_REGISTRY_ENABLED",
    default: true,
    description:
      "Whether the registry of components is in this NATS account; without it nothing is known of providers' health, and registration Required has no effect",
  },
  parentPipe: {
    kind: "boolean",
    env: "BEAMLINE_PARENT_PIPE",
    default: false,
    description: "End when standard input closes: for a child process of `beamline up`",
  },
});

export type RouterConfig = Config<typeof routerConfig>;
