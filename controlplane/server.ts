// The gRPC server: where it listens, what its transport bounds, how it ends.
import {
  logVerbosity,
  Server,
  type ServerCredentials,
  type ServerInterceptor,
  type ServiceDefinition,
  setLogVerbosity,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import { createDeadlineInterceptor } from "./call-deadline.ts";
import { ConnectionListener } from "./connection-listener.ts";
import type { ConnectionMetrics } from "./metrics.ts";
import { addReflection } from "./reflection.ts";

export interface GrpcServerOptions {
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  readonly credentials: ServerCredentials;
  readonly maxMessageBytes: number;
  /** On one connection. */
  readonly maxConcurrentStreams: number;
  /** Of unary calls that came without a deadline. */
  readonly callTimeoutMs: number;
  readonly keepAliveMs: number;
  readonly interceptors?: readonly ServerInterceptor[];
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  /** Told how many connections there are, and of each that was refused. */
  readonly connections?: ConnectionMetrics;
}

export interface ServiceEntry {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/**
 * grpc-js logs every header that it does not take, at its highest level and with its value: whoever reaches the port could fill
 * a disk, and a mistyped token would be in the log. What matters is in the answers and in our own lines.
 */
setLogVerbosity(logVerbosity.NONE);

/** A connection that does not answer a ping for so long is closed. */
const KEEPALIVE_TIMEOUT_MS = 10_000;

export class GrpcServer {
  private readonly options: GrpcServerOptions;
  private readonly server: Server;
  /** The server of grpc-js has no limit on connections: they are taken here, and given to it when there may be one more. */
  private readonly injector: ReturnType<Server["createConnectionInjector"]>;
  private readonly listener: ConnectionListener;

  constructor(options: GrpcServerOptions, services: readonly ServiceEntry[]) {
    this.options = options;
    this.server = new Server({
      "grpc.max_receive_message_length": options.maxMessageBytes,
      // Handlers bound what they send, by pages where it can be much.
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": options.maxConcurrentStreams,
      "grpc.keepalive_time_ms": options.keepAliveMs,
      "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
      "grpc.enable_channelz": 0,
      interceptors: [createDeadlineInterceptor(options.callTimeoutMs), ...(options.interceptors ?? [])],
    });
    for (const { definition, implementation } of services) this.server.addService(definition, implementation);
    addReflection(this.server);
    this.injector = this.server.createConnectionInjector(options.credentials);
    this.listener = new ConnectionListener({
      ...options,
      onConnection: (socket) => this.injector.injectConnection(socket),
    });
  }

  /** Resolves to the port. Throws BeamlineError PORT_IN_USE, PERMISSION_DENIED or CONFIG_INVALID. */
  async start(): Promise<number> {
    const { address } = this.options;
    try {
      return await this.listener.listen(address);
    } catch (error) {
      throw listenError(address, error instanceof Error ? error : new Error(String(error)));
    }
  }

  /**
   * Takes no new connections, tells clients to go elsewhere, and resolves when every connection is closed: by its client, once
   * its calls are answered, or cut after `deadlineMs`. Streams must have been told to end before.
   */
  stop(deadlineMs: number): Promise<void> {
    this.listener.close();
    // Sends GOAWAY. It waits for no call (grpc-js 1.14 takes a session that it has told to close for a closed one), and its
    // drain() would cut with GOAWAY CANCEL, which a client reports as CANCELLED; a connection that is gone is UNAVAILABLE.
    this.server.tryShutdown(() => undefined);
    return this.listener.drain(deadlineMs);
  }
}

function listenError(address: string, error: Error): BeamlineError {
  const reason = reasonOf(error);
  if (reason.includes("EADDRINUSE")) {
    return new BeamlineError("PORT_IN_USE", `gRPC address ${address} is in use by another process`, {
      hint: "Stop that process or set BEAMLINE_CONTROLPLANE_ADDRESS to another address.",
      cause: error,
    });
  }
  if (reason.includes("EACCES")) {
    return new BeamlineError("PERMISSION_DENIED", `gRPC address ${address} is not allowed to this user`, {
      cause: error,
    });
  }
  return new BeamlineError("CONFIG_INVALID", `cannot listen on gRPC address ${address}: ${reason}`, { cause: error });
}
