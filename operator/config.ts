// What an operator process is told by its environment.
import { type Config, defineConfig } from "../runtime/config.ts";
import { natsSettings } from "../runtime/nats/settings.ts";

const MINUTE_MS = 60_000;

export const operatorConfig = defineConfig({
  ...natsSettings,
  routerNamespace: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAMESPACE",
    default: "beamline-system",
    description: "Namespace of the Router that policies without a routerRef belong to",
  },
  routerName: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NAME",
    default: "default",
    description: "Name of that Router",
  },
  subjectsPrefix: {
    kind: "string",
    env: "BEAMLINE_SUBJECTS_PREFIX",
    optional: true,
    description: "Prefix before every subject, stream, durable and bucket name",
  },
  policiesDir: {
    kind: "string",
    env: "BEAMLINE_POLICIES_DIR",
    description: "Folder of YAML and JSON files with RoutingPolicy, Provider, Tenant and Router objects",
  },
  stateDir: {
    kind: "string",
    env: "BEAMLINE_STATE_DIR",
    default: ".beamline",
    description: "Folder for status.json and the identity of this operator",
  },
  httpHost: {
    kind: "string",
    env: "BEAMLINE_HTTP_HOST",
    default: "127.0.0.1",
    description: "Address of /status, /livez, /readyz and /metrics",
  },
  httpPort: {
    kind: "integer",
    env: "BEAMLINE_HTTP_PORT",
    default: 8080,
    min: 0,
    max: 65_535,
    description: "Port of /status, /livez, /readyz and /metrics; 0 takes a free one",
  },
  routers: {
    kind: "integer",
    env: "BEAMLINE_ROUTERS",
    optional: true,
    min: 0,
    max: 64,
    description: "Router processes; when absent, replicas of the Router object, or 2",
  },
  routerMain: {
    kind: "string",
    env: "BEAMLINE_ROUTER_MAIN",
    optional: true,
    description: "Router program; when absent, the one of this installation",
  },
  routerCredentialsFile: {
    kind: "string",
    env: "BEAMLINE_ROUTER_NATS_CREDENTIALS_FILE",
    optional: true,
    description: "NATS .creds file that router processes log in with; the operator's own when absent",
  },
  routerHealthHost: {
    kind: "string",
    env: "BEAMLINE_ROUTER_HEALTH_HOST",
    default: "127.0.0.1",
    description: "Address of the health pages of routers",
  },
  routerHealthPort: {
    kind: "integer",
    env: "BEAMLINE_ROUTER_HEALTH_PORT",
    default: 9100,
    min: 1,
    max: 65_471,
    description: "Port of the health pages of the first router; the next ones follow",
  },
  routerLogDir: {
    kind: "string",
    env: "BEAMLINE_ROUTER_LOG_DIR",
    optional: true,
    description: "Folder for the logs of routers; standard error when absent",
  },
  requireTenant: {
    kind: "boolean",
    env: "BEAMLINE_REQUIRE_TENANT",
    default: false,
    description: "Whether every tenant needs a Tenant object",
  },
  handoverRetentionMs: {
    kind: "duration",
    env: "BEAMLINE_HANDOVER_RETENTION",
    default: 15 * MINUTE_MS,
    min: 1_000,
    max: 24 * 60 * MINUTE_MS,
    description: "How long a stored assignment proves its effect: max_age of the assignments stream",
  },
  ackWaitMs: {
    kind: "duration",
    env: "BEAMLINE_ACK_WAIT",
    default: 30_000,
    min: 1_000,
    max: 10 * MINUTE_MS,
    description: "After this a durable message that was not settled is delivered again",
  },
  streamReplicas: {
    kind: "integer",
    env: "BEAMLINE_STREAM_REPLICAS",
    default: 1,
    min: 1,
    max: 5,
    description: "JetStream replicas of every stream and bucket",
  },
  logLevel: {
    kind: "choice",
    env: "BEAMLINE_LOG_LEVEL",
    values: ["debug", "info", "warn", "error"],
    default: "info",
    description: "Least level that is logged, by the operator and its routers",
  },
  parentPipe: {
    kind: "boolean",
    env: "BEAMLINE_PARENT_PIPE",
    default: false,
    description: "End when standard input closes: for a child process",
  },
});

export type OperatorConfig = Config<typeof operatorConfig>;

/** What the operator of one Router is told, whatever objects come from and routers run on. */
export type RouterConfig = {
  /** Whether its NATS account is that of the installation, which has the registry of components. */
  readonly hasRegistry: boolean;
} & Pick<
  OperatorConfig,
  | "routerNamespace"
  | "routerName"
  | "subjectsPrefix"
  | "routers"
  | "natsUrl"
  | "natsTimeoutMs"
  | "natsCredentialsFile"
  | "routerCredentialsFile"
  | "handoverRetentionMs"
  | "ackWaitMs"
  | "streamReplicas"
  | "requireTenant"
  | "logLevel"
>;

/** Settings of routers that are handed to them as they stand in the operator's own environment. */
export const ROUTER_ENVIRONMENT: readonly string[] = [
  "BEAMLINE_NATS_TLS_CA_FILE",
  "BEAMLINE_NATS_TLS_CERT_FILE",
  "BEAMLINE_NATS_TLS_KEY_FILE",
  "BEAMLINE_SUBMIT_WINDOW",
  "BEAMLINE_REQUEST_WINDOW",
  "BEAMLINE_PUBLISH_TIMEOUT",
  "BEAMLINE_DRAIN_TIMEOUT",
  "BEAMLINE_DECIDED_TTL",
  "BEAMLINE_MAX_PAYLOAD_BYTES",
  "BEAMLINE_DEAD_LETTERS_PER_SECOND",
  "BEAMLINE_DEAD_LETTER_SUBJECTS",
  "BEAMLINE_IDEMPOTENCY_ENABLED",
  "BEAMLINE_TENANT_VALIDATION_ENABLED",
  "BEAMLINE_GENERATE_TRACE_ID_IF_MISSING",
];
