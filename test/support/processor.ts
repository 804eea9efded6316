// A processor as somebody else would write one: a gRPC server with the Process stream, whose answers the test chooses.
import { Metadata, Server, ServerCredentials, type ServerDuplexStream, type status } from "@grpc/grpc-js";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import type { DataMessage } from "../../proto/gen/messages/processor/processor.ts";

export type ProcessStream = ServerDuplexStream<DataMessage, DataMessage>;

/** Called with the first message of each stream; ends the stream, or leaves it open. */
export type OnMessage = (message: DataMessage, stream: ProcessStream) => void;

export interface TestProcessor {
  /** host:port */
  readonly address: string;
  /** Messages that came in, in order. */
  readonly received: readonly DataMessage[];
  /** Streams that are open now, and the most that ever were. */
  open(): number;
  mostOpen(): number;
  /** Streams that their caller gave up. */
  cancelled(): number;
  /** Listens no more and closes every connection. */
  stop(): void;
}

export interface TestProcessorOptions {
  readonly credentials?: ServerCredentials;
  /** host:port; a free port when absent. */
  readonly address?: string;
}

export async function startTestProcessor(
  onMessage: OnMessage,
  { credentials = ServerCredentials.createInsecure(), address = "127.0.0.1:0" }: TestProcessorOptions = {},
): Promise<TestProcessor> {
  const server = new Server({ "grpc.enable_channelz": 0 });
  const received: DataMessage[] = [];
  const streams = new Set<ProcessStream>();
  let mostOpen = 0;
  let cancelled = 0;
  const process = (stream: ProcessStream): void => {
    streams.add(stream);
    mostOpen = Math.max(mostOpen, streams.size);
    const close = (): void => void streams.delete(stream);
    stream.on("cancelled", () => {
      cancelled++;
      close();
    });
    stream.on("finish", close);
    stream.on("error", close);
    stream.once("data", (message: DataMessage) => {
      received.push(message);
      onMessage(message, stream);
    });
  };
  server.addService({ process: ProcessorServiceService.process }, { process });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return {
    address: `127.0.0.1:${port}`,
    received,
    open: () => streams.size,
    mostOpen: () => mostOpen,
    cancelled: () => cancelled,
    stop: () => server.forceShutdown(),
  };
}

/** Answers with this metadata (and payload, as it came unless given) and ends the stream. */
export function answerWith(metadata: Readonly<Record<string, string>>, payload?: Uint8Array): OnMessage {
  return (message, stream) => {
    stream.write({ payload: payload ?? message.payload, metadata: { ...metadata } });
    stream.end();
  };
}

/** Ends the stream with a status that is an error. */
export function failWith(code: status, details: string): OnMessage {
  return (_message, stream) => stream.emit("error", { code, details, metadata: new Metadata() });
}
