// A processor's own server: Process, GetCapabilities and health, with a bound on what is in work.
import { readFileSync } from "node:fs";
import { Server, ServerCredentials, type sendUnaryData } from "@grpc/grpc-js";
import { HealthService } from "../../proto/gen/grpc/grpc/health/v1/health.ts";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import type { CapabilitiesResponse } from "../../proto/gen/messages/processor/processor.ts";
import { guardListener } from "./events.ts";
import { Listener } from "./listener.ts";
import { type ProcessMessage, processStream } from "./process-stream.ts";
import { ServingHealth } from "./serving-health.ts";
import { WorkSlots } from "./work-slots.ts";

export { MessageRefused, type ProcessMessage, type ProcessorMessage } from "./process-stream.ts";

/** What GetCapabilities answers; what is absent is empty. */
export type Capabilities = Partial<Omit<CapabilitiesResponse, "_unknownFields">>;

export interface ProcessorServerOptions {
  /** host:port to listen on; port 0 takes a free one. */
  readonly address: string;
  readonly process: ProcessMessage;
  readonly capabilities?: Capabilities;
  /** Certificate and key of the server (PEM files); plaintext when absent. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string };
  /** Told of what `process` throws that is no MessageRefused. */
  readonly onError?: (error: unknown) => void;
}

export interface ProcessorServer {
  readonly port: number;
  /** Whether health says that messages are taken. */
  setServing(serving: boolean): void;
  /** Takes nothing new, waits for what is in work for at most `deadlineMs`, and cuts the rest. */
  stop(deadlineMs?: number): Promise<void>;
}

const SERVICE = "obsrvr.flow.processor.ProcessorService";
/** In work at once when the capabilities name no bound. */
const DEFAULT_CONCURRENT = 64;
/** Messages that wait for a slot, for each that is in work. */
const WAITING_PER_SLOT = 4;
const DEFAULT_STOP_MS = 10_000;
const KEEPALIVE = { "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000 };

/** Resolves when it listens. */
export async function serveProcessor(options: ProcessorServerOptions): Promise<ProcessorServer> {
  const { address, capabilities = {} } = options;
  const maxConcurrent = capabilities.maxConcurrent || DEFAULT_CONCURRENT;
  const slots = new WorkSlots({ maxConcurrent, maxWaiting: maxConcurrent * WAITING_PER_SLOT });
  const health = new ServingHealth([SERVICE]);
  const answer = { ...NO_CAPABILITIES, ...capabilities };
  const server = new Server(KEEPALIVE);
  server.addService(ProcessorServiceService, {
    process: processStream(options.process, { slots, onError: guardListener("onError", options.onError) }),
    getCapabilities: (_call: unknown, callback: sendUnaryData<CapabilitiesResponse>) => callback(null, answer),
  });
  server.addService(HealthService, health.implementation());
  const injector = server.createConnectionInjector(credentialsOf(options.tls));
  const listener = new Listener((socket) => injector.injectConnection(socket));
  const port = await listener.listen(address);
  return {
    port,
    setServing: (serving) => health.setServing(serving),
    stop: (deadlineMs = DEFAULT_STOP_MS) => {
      health.setServing(false);
      health.end();
      const closed = listener.close(deadlineMs);
      // Sends GOAWAY; what has become of the calls is told by the connections.
      server.tryShutdown(() => undefined);
      return closed;
    },
  };
}

const NO_CAPABILITIES: CapabilitiesResponse = {
  processorId: "",
  name: "",
  description: "",
  version: "",
  inputEventTypes: [],
  outputEventTypes: [],
  maxConcurrent: 0,
};

function credentialsOf(tls: ProcessorServerOptions["tls"]): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const { certFile, keyFile, clientCaFile } = tls;
  const authorities = clientCaFile === undefined ? null : readFileSync(clientCaFile);
  const pair = { cert_chain: readFileSync(certFile), private_key: readFileSync(keyFile) };
  return ServerCredentials.createSsl(authorities, [pair], authorities !== null);
}
