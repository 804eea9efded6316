// A control plane in this process on a free port, and calls to it as a client of grpc-js makes them.
import {
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { ControlPlaneApp } from "../../controlplane/app.ts";
import { type ControlPlaneConfig, controlPlaneConfig } from "../../controlplane/config.ts";
import { BadRequest, ErrorInfo, RetryInfo } from "../../proto/gen/messages/google/rpc/error_details.ts";
import { Status } from "../../proto/gen/messages/google/rpc/status.ts";
import { parseConfig } from "../../runtime/config.ts";
import { createLogger, type Logger } from "../../runtime/log.ts";

export interface TestControlPlane {
  /** host:port of the gRPC server. */
  readonly address: string;
  readonly healthPort: number;
  stop(): Promise<void>;
}

const SILENT = createLogger({ service: "test", level: "silent" });

/** The endpoints that tests register are nobody's; who tests what is asked there turns it on. */
const NOT_ASKING = { askComponents: false };

export async function startTestControlPlane(
  overrides: Partial<ControlPlaneConfig> = {},
  log: Logger = SILENT,
  auditLog: Logger = log,
): Promise<TestControlPlane> {
  const defaults = parseConfig(controlPlaneConfig, {});
  if (!defaults.ok) throw new Error("the defaults are no configuration");
  const config = { ...defaults.value, address: "127.0.0.1:0", healthPort: 0, ...NOT_ASKING, ...overrides };
  const app = new ControlPlaneApp(config, log, auditLog);
  const steps = app.steps();
  for (const step of steps) await step.start?.();
  return {
    address: `127.0.0.1:${app.port}`,
    healthPort: app.healthPort ?? 0,
    stop: async () => {
      for (const step of steps.toReversed()) await step.stop?.(step.stopTimeoutMs ?? config.drainTimeoutMs);
    },
  };
}

/** A method as the generated services describe it. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** Of each call without another deadline: a test waits no longer for an answer. */
const DEADLINE_MS = 10_000;

export class TestClient {
  readonly raw: Client;
  private readonly metadata = new Metadata();

  /** `token` goes with every call, as a bearer token. */
  constructor(
    address: string,
    channel: ChannelCredentials = credentials.createInsecure(),
    options: ChannelOptions = {},
    token?: string,
  ) {
    this.raw = new Client(address, channel, { "grpc.use_local_subchannel_pool": 1, ...options });
    if (token !== undefined) this.metadata.set("authorization", `Bearer ${token}`);
  }

  unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options: CallOptions = { deadline: Date.now() + DEADLINE_MS },
  ): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      this.raw.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.metadata,
        options,
        (error, value) => {
          if (error === null && value !== undefined) resolve(value);
          else reject(error ?? new Error("neither an answer nor an error"));
        },
      );
    });
  }

  /** A header of the answer to a call. */
  header<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    name: string,
  ): Promise<string | undefined> {
    const { path, requestSerialize, responseDeserialize } = method;
    return new Promise((resolve, reject) => {
      const call = this.raw.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => {
        if (error !== null) reject(error);
      });
      call.once("metadata", (metadata: Metadata) => resolve(metadata.get(name)[0]?.toString()));
    });
  }

  /** Resolves to the failure of a call that must fail. */
  async failure<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    options?: CallOptions,
  ): Promise<Failure> {
    const answer = await this.unary(method, request, options).then(
      (value) => ({ value }),
      (error: ServiceError) => readFailure(error),
    );
    if ("value" in answer) throw new Error(`answered ${JSON.stringify(answer.value)}`);
    return answer;
  }

  serverStream<Request, Response>(method: Method<Request, Response>, request: Request): ClientReadableStream<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return this.raw.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, this.metadata);
  }

  bidiStream<Request, Response>(method: Method<Request, Response>): ClientDuplexStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return this.raw.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.metadata);
  }

  close(): void {
    this.raw.close();
  }
}

/** What a client learns from a failed call. */
export interface Failure {
  /** Name of the status code. */
  readonly code: string;
  readonly message: string;
  readonly reason?: string;
  readonly values?: Readonly<Record<string, string>>;
  /** `field RULE`, one a violation. */
  readonly violations?: readonly string[];
  readonly retryAfterMs?: number;
}

const MS_PER_S = 1_000;
const NANOS_PER_MS = 1_000_000;

export function readFailure(error: ServiceError): Failure {
  const failure = { code: status[error.code] ?? String(error.code), message: error.details };
  const [bytes] = error.metadata?.get("grpc-status-details-bin") ?? [];
  if (!Buffer.isBuffer(bytes)) return failure;
  const details = Status.decode(bytes).details;
  const find = (name: string) =>
    details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${name}`)?.value;
  const [info, bad, retry] = [find("ErrorInfo"), find("BadRequest"), find("RetryInfo")];
  const { reason, metadata: values } = info === undefined ? { reason: "", metadata: {} } : ErrorInfo.decode(info);
  const delay = retry === undefined ? undefined : RetryInfo.decode(retry).retryDelay;
  const violations = bad === undefined ? undefined : BadRequest.decode(bad).fieldViolations;
  return {
    ...failure,
    reason,
    values,
    ...(violations === undefined ? {} : { violations: violations.map((one) => `${one.field} ${one.reason}`) }),
    ...(delay === undefined ? {} : { retryAfterMs: Number(delay.seconds) * MS_PER_S + delay.nanos / NANOS_PER_MS }),
  };
}
