// One connection at a time, to any replica: whoever finds that it does not answer abandons it, and the next one is tried.
import {
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  Metadata,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import { CallProblem, callProblem } from "./call-problem.ts";
import { type ControlPlaneOptions, channelCredentials } from "./options.ts";

/** A method as the generated services describe it. */
export interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** What can be cancelled when its connection is given up. */
interface OpenCall {
  cancel(): void;
}

/** A connection that does not answer a ping is closed: a host that is gone says nothing. */
const KEEPALIVE_MS = 20_000;
const KEEPALIVE_TIMEOUT_MS = 5_000;
/** Attempts of the transport on one connection; the client's own waits lie above. */
const RECONNECT_MS = { "grpc.initial_reconnect_backoff_ms": 100, "grpc.max_reconnect_backoff_ms": 2_000 };

/** One connection to one address. */
export class Channel {
  readonly address: string;
  private readonly client: Client;
  private readonly token: ControlPlaneOptions["token"];
  private readonly streams = new Set<OpenCall>();

  constructor(address: string, { tls, token }: ControlPlaneOptions) {
    this.address = address;
    this.token = token;
    const serverName = tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName };
    this.client = new Client(address, channelCredentials(tls), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.keepalive_time_ms": KEEPALIVE_MS,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      ...RECONNECT_MS,
      ...serverName,
    });
  }

  /** Rejects with a CallProblem, at the latest after `timeoutMs`. */
  unary<Request, Response>(method: Method<Request, Response>, request: Request, timeoutMs: number): Promise<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = this.metadata();
    const options = { deadline: Date.now() + timeoutMs };
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, value?: Response): void => {
        if (error === null && value !== undefined) resolve(value);
        else reject(error === null ? new CallProblem("INTERNAL", "an answer without a message") : callProblem(error));
      };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, options, done);
    });
  }

  serverStream<Request, Response>(method: Method<Request, Response>, request: Request): ClientReadableStream<Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = this.metadata();
    return this.keep(
      this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request, metadata),
    );
  }

  bidiStream<Request, Response>(method: Method<Request, Response>): ClientDuplexStream<Request, Response> {
    const { path, requestSerialize, responseDeserialize } = method;
    return this.keep(this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.metadata()));
  }

  /** Cancels what is still open: a closed channel alone would leave its streams waiting for a host that is gone. */
  close(): void {
    for (const stream of this.streams) stream.cancel();
    this.client.close();
  }

  private keep<Stream extends OpenCall & { once(event: "status", listener: () => void): unknown }>(
    stream: Stream,
  ): Stream {
    this.streams.add(stream);
    stream.once("status", () => this.streams.delete(stream));
    return stream;
  }

  private metadata(): Metadata {
    const metadata = new Metadata();
    const token = typeof this.token === "function" ? this.token() : this.token;
    if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
    return metadata;
  }
}

export class Connection {
  private readonly options: ControlPlaneOptions;
  private place: number;
  private channel: Channel | undefined;
  private closed = false;

  /** Begins at a place chosen by chance, so that components spread over the replicas. */
  constructor(options: ControlPlaneOptions) {
    this.options = options;
    this.place = Math.floor(Math.random() * options.addresses.length);
  }

  get addressCount(): number {
    return this.options.addresses.length;
  }

  /** Uses the connection as it stands. Rejects with a CallProblem only; an outage makes the next use go to the next address. */
  async use<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    const channel = this.current();
    try {
      return await work(channel);
    } catch (error) {
      const problem = asProblem(error);
      if (problem.isOutage) this.abandon(channel);
      throw problem;
    }
  }

  close(): void {
    this.closed = true;
    this.channel?.close();
    this.channel = undefined;
  }

  private current(): Channel {
    if (this.closed) throw new CallProblem("CANCELLED", "the connection is closed");
    const { addresses } = this.options;
    const address = addresses[this.place % addresses.length] ?? "";
    try {
      this.channel ??= new Channel(address, this.options);
    } catch (error) {
      throw new CallProblem("UNAVAILABLE", `no connection to ${address}: ${messageOf(error)}`);
    }
    return this.channel;
  }

  /** Nothing when another caller has already moved on. */
  private abandon(channel: Channel): void {
    if (channel !== this.channel) return;
    this.channel = undefined;
    this.place += 1;
    channel.close();
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** A token that cannot be read is a problem of the call, not of the component. */
function asProblem(error: unknown): CallProblem {
  return error instanceof CallProblem ? error : new CallProblem(codeNameOf(error), messageOf(error));
}

function codeNameOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "number" ? (status[code] ?? "UNKNOWN") : "UNAUTHENTICATED";
}
