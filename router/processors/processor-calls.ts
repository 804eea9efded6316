// Calls of processors: one `Process` stream for each message, which correlates what comes back without ids.
import { systemClock } from "../../runtime/clock.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { Channels } from "./channels.ts";
import { type AnswerBounds, type Deadline, exchangeMessage } from "./exchange.ts";
import { createProcessorMetrics, type ProcessorMetrics } from "./metrics.ts";
import type { ProcessOutcome, ProcessorMessage } from "./outcome.ts";
import { MAX_WAITING, Slots } from "./slots.ts";

/** A processor as the registry knows it (core/steps/find-processor.ts reads it from the verdicts). */
export interface ProcessorTarget {
  readonly id: string;
  /** As registered. */
  readonly endpoint: string;
  /** Messages that may be in flight to it from this router; undefined = it did not say. */
  readonly maxConcurrent?: number | undefined;
}

export interface CallOptions {
  /** For the answer, from now on: the wait for a place counts. */
  readonly timeoutMs: number;
  /** Gives the call up. */
  readonly signal?: AbortSignal;
}

export interface ProcessorCallsOptions {
  readonly metrics: Metrics;
  /** Certificate authorities of processors over TLS (PEM); those of Node.js when absent. Throws CONFIG_INVALID when it is none. */
  readonly caFile?: string | undefined;
  /** Bytes of one message, and of all that is answered to it. */
  readonly maxMessageBytes?: number;
  /** Messages that are answered to one. */
  readonly maxMessages?: number;
  readonly maxChannels?: number;
}

/** Of a processor that did not say how many messages it takes at once. */
export const DEFAULT_MAX_CONCURRENT = 100;
export const MAX_ANSWER_MESSAGES = 1_000;
/** What gRPC libraries take unless told otherwise. */
export const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const TIMEOUT: ProcessOutcome = { kind: "timeout" };
const STOPPED: ProcessOutcome = { kind: "unavailable", reason: "the call was given up" };

export class ProcessorCalls {
  private readonly channels: Channels;
  private readonly metrics: ProcessorMetrics;
  private readonly bounds: AnswerBounds;
  /** By processor id; of those that have something in flight. */
  private readonly slots = new Map<string, Slots>();
  private readonly underWay = new Set<AbortController>();

  constructor(options: ProcessorCallsOptions) {
    const { maxMessageBytes = MAX_MESSAGE_BYTES, maxMessages = MAX_ANSWER_MESSAGES } = options;
    this.channels = new Channels({ caFile: options.caFile, maxMessageBytes, ...maxChannelsOf(options) });
    this.metrics = createProcessorMetrics(options.metrics, () => this.channels.size);
    this.bounds = { maxMessages, maxBytes: maxMessageBytes };
  }

  /** Sends one message and reads to the end of what is answered. Never rejects. */
  async process(target: ProcessorTarget, message: ProcessorMessage, options: CallOptions): Promise<ProcessOutcome> {
    const startMs = systemClock.monotonicMs();
    this.metrics.begin();
    const outcome = await this.processWithin(target, message, options);
    this.metrics.end(outcome.kind, (systemClock.monotonicMs() - startMs) / 1000);
    return outcome;
  }

  /** Gives up what is in flight and closes every connection. */
  close(): void {
    for (const call of this.underWay) call.abort(STOPPED);
    this.channels.close();
  }

  private async processWithin(
    target: ProcessorTarget,
    message: ProcessorMessage,
    { timeoutMs, signal }: CallOptions,
  ): Promise<ProcessOutcome> {
    const call = new AbortController();
    const giveUp = (): void => call.abort(STOPPED);
    const deadline: Deadline = { signal: call.signal, atMs: systemClock.nowMs() + timeoutMs };
    const timer = setTimeout(() => call.abort(TIMEOUT), timeoutMs);
    this.underWay.add(call);
    signal?.addEventListener("abort", giveUp, { once: true });
    if (signal?.aborted) giveUp();
    try {
      return await this.processInTurn(target, message, deadline);
    } finally {
      signal?.removeEventListener("abort", giveUp);
      this.underWay.delete(call);
      clearTimeout(timer);
    }
  }

  private async processInTurn(
    { id, endpoint, maxConcurrent }: ProcessorTarget,
    message: ProcessorMessage,
    deadline: Deadline,
  ): Promise<ProcessOutcome> {
    const slots = this.slotsOf(id);
    const bound = Math.max(1, maxConcurrent ?? DEFAULT_MAX_CONCURRENT);
    try {
      if (!(await slots.take(bound, deadline.signal))) {
        if (deadline.signal.reason === STOPPED) return STOPPED;
        const queue = deadline.signal.aborted ? "" : ` and ${MAX_WAITING} wait`;
        return { kind: "unavailable", reason: `busy: ${bound} messages are in flight to it${queue}` };
      }
      try {
        return await this.call(endpoint, message, deadline);
      } finally {
        slots.release();
      }
    } finally {
      if (slots.inUse === 0) this.slots.delete(id);
    }
  }

  private slotsOf(id: string): Slots {
    const slots = this.slots.get(id) ?? new Slots();
    this.slots.set(id, slots);
    return slots;
  }

  private async call(endpoint: string, message: ProcessorMessage, deadline: Deadline): Promise<ProcessOutcome> {
    const client = this.channels.take(endpoint);
    if (!client.ok) return { kind: "unavailable", reason: client.error };
    try {
      return await exchangeMessage(client.value, message, deadline, this.bounds);
    } finally {
      this.channels.release(endpoint);
    }
  }
}

function maxChannelsOf({ maxChannels }: ProcessorCallsOptions): { readonly maxChannels?: number } {
  return maxChannels === undefined ? {} : { maxChannels };
}
