// One stream of ProcessorService/Process: messages one after the other, each answered with any number of messages.
import { once } from "node:events";
import { type handleBidiStreamingCall, type ServerDuplexStream, status } from "@grpc/grpc-js";
import type { DataMessage } from "../../proto/gen/messages/processor/processor.ts";
import type { WorkSlots } from "./work-slots.ts";

export interface ProcessorMessage {
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Gives none, one or several messages for one. `signal` aborts when nobody waits for them any more. */
export type ProcessMessage = (
  message: ProcessorMessage,
  signal: AbortSignal,
) => Answer | Promise<Answer> | AsyncIterable<ProcessorMessage>;

type Answer = ProcessorMessage | readonly ProcessorMessage[] | undefined;

type RefusalCode = "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "PERMISSION_DENIED";

/** Thrown by `process` to say no to a message: trying again would not help. */
export class MessageRefused extends Error {
  readonly code: RefusalCode;

  constructor(code: RefusalCode, message: string) {
    super(message);
    this.name = "MessageRefused";
    this.code = code;
  }
}

export interface ProcessStreamOptions {
  readonly slots: WorkSlots;
  readonly onError: (error: unknown) => void;
}

type Stream = ServerDuplexStream<DataMessage, DataMessage>;

/** The next message is read when the one before is answered, so a stream holds one message in memory. */
export function processStream(
  process: ProcessMessage,
  options: ProcessStreamOptions,
): handleBidiStreamingCall<DataMessage, DataMessage> {
  return (stream) => {
    const left = new AbortController();
    stream.once("cancelled", () => left.abort());
    void answerAll(stream, process, { ...options, signal: left.signal });
  };
}

interface StreamContext extends ProcessStreamOptions {
  readonly signal: AbortSignal;
}

async function answerAll(stream: Stream, process: ProcessMessage, context: StreamContext): Promise<void> {
  try {
    // Leaving the loop must not destroy the stream: the status of a refusal has still to be sent.
    const messages: AsyncIterable<DataMessage> = stream.iterator({ destroyOnReturn: false });
    for await (const message of messages) {
      if (!(await context.slots.take(context.signal))) {
        fail(stream, status.RESOURCE_EXHAUSTED, "as many messages are in work, and wait, as there may be");
        return;
      }
      try {
        await answerOne(stream, await process(message, context.signal), context.signal);
      } finally {
        context.slots.release();
      }
    }
    stream.end();
  } catch (error) {
    if (context.signal.aborted) return;
    if (error instanceof MessageRefused) return fail(stream, status[error.code], error.message);
    context.onError(error);
    fail(stream, status.INTERNAL, "the processor failed; see its log");
  }
}

async function answerOne(stream: Stream, answer: Awaited<ReturnType<ProcessMessage>>, signal: AbortSignal) {
  if (answer === undefined) return;
  const messages = "payload" in answer ? [answer] : answer;
  for await (const { payload, metadata } of messages) {
    if (signal.aborted) return;
    if (!stream.write({ payload, metadata: { ...metadata } })) await once(stream, "drain", { signal });
  }
}

function fail(stream: Stream, code: status, details: string): void {
  stream.emit("error", { code, details });
}
