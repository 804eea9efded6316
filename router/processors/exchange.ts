// One message and what is answered to it, over one stream of its own.
import { type Client, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ProcessorServiceService } from "../../proto/gen/grpc/processor/processor.ts";
import type { DataMessage } from "../../proto/gen/messages/processor/processor.ts";
import { describeFailure, type ProcessOutcome, type ProcessorMessage } from "./outcome.ts";

export interface AnswerBounds {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

export interface Deadline {
  /** Aborts with the outcome that the call then has. */
  readonly signal: AbortSignal;
  /** What the processor is told; milliseconds since the Unix epoch. */
  readonly atMs: number;
}

const { path, requestSerialize, responseDeserialize } = ProcessorServiceService.process;
const NO_METADATA = new Metadata();

/** Writes the message, half-closes, and reads to the end. Leaving early cancels the stream. */
export function exchangeMessage(
  client: Client,
  message: ProcessorMessage,
  { signal, atMs }: Deadline,
  bounds: AnswerBounds,
): Promise<ProcessOutcome> {
  return new Promise((resolve) => {
    const options = { deadline: atMs };
    const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, NO_METADATA, options);
    const answer = new Answer(bounds);
    let wellEnded = false;
    let allRead = false;
    // The first outcome stands; a cancelled stream ends with an error, which is no news then.
    const settle = (outcome: ProcessOutcome): void => {
      signal.removeEventListener("abort", giveUp);
      resolve(outcome);
    };
    const leave = (outcome: ProcessOutcome): void => {
      settle(outcome);
      stream.cancel();
    };
    const giveUp = (): void => leave(signal.reason as ProcessOutcome);
    const settleWhole = (): void => {
      if (wellEnded && allRead) settle({ kind: "answered", messages: answer.messages });
    };
    signal.addEventListener("abort", giveUp, { once: true });
    stream.on("data", (part: DataMessage) => {
      const excess = answer.add(part);
      if (excess !== undefined) leave(excess);
    });
    // The status can overtake what the stream still buffers.
    stream.on("end", () => {
      allRead = true;
      settleWhole();
    });
    stream.on("status", ({ code }: { readonly code: status }) => {
      wellEnded = code === status.OK;
      settleWhole();
    });
    stream.on("error", (error: ServiceError) =>
      settle(describeFailure(error.code ?? status.UNKNOWN, error.details ?? "")),
    );
    if (signal.aborted) giveUp();
    else stream.end({ payload: message.payload, metadata: { ...message.metadata } });
  });
}

/** What has been answered so far, within its bounds. */
class Answer {
  readonly messages: ProcessorMessage[] = [];
  private readonly bounds: AnswerBounds;
  private bytes = 0;

  constructor(bounds: AnswerBounds) {
    this.bounds = bounds;
  }

  add({ payload, metadata }: DataMessage): ProcessOutcome | undefined {
    const { maxMessages, maxBytes } = this.bounds;
    this.bytes += payload.length;
    for (const [name, value] of Object.entries(metadata)) this.bytes += name.length + value.length;
    if (this.messages.length >= maxMessages)
      return { kind: "tooLarge", reason: `it answered more than ${maxMessages} messages` };
    if (this.bytes > maxBytes) return { kind: "tooLarge", reason: `it answered more than ${maxBytes} bytes` };
    this.messages.push({ payload, metadata });
    return undefined;
  }
}
