// The durable intake stream and its consumer: a message is delivered again until it is settled.
import type { Disposition } from "../../../core/handover/effects.ts";
import type { StreamPosition } from "../../../router/delivery.ts";
import type { Input } from "./inputs.ts";
import type { Scheduler } from "./scheduler.ts";

export const STREAM_CREATED = "2026-01-02T03:04:05.678901234Z";
const STREAM = "BEAMLINE_SUBMIT";
/** Between two looks for a replica that can take a delivery. */
const NO_REPLICA_MS = 200;

export interface Submitted {
  readonly input: Input;
  readonly sequence: number;
  readonly timestampMs: number;
  deliveryCount: number;
  settled: { readonly disposition: Disposition; readonly timeMs: number } | undefined;
}

export interface SubmitQueueOptions {
  readonly scheduler: Scheduler;
  readonly ackWaitMs: number;
  /** Hands a delivery to a replica; false when none can take it. */
  deliver(message: Submitted, position: StreamPosition): boolean;
}

export class SubmitQueue {
  readonly messages: Submitted[] = [];
  readonly #options: SubmitQueueOptions;

  constructor(options: SubmitQueueOptions) {
    this.#options = options;
  }

  get isSettled(): boolean {
    return this.messages.every((message) => message.settled !== undefined);
  }

  submit(input: Input): void {
    const { nowMs } = this.#options.scheduler;
    const sequence = this.messages.length + 1;
    const message: Submitted = { input, sequence, timestampMs: nowMs, deliveryCount: 0, settled: undefined };
    this.messages.push(message);
    this.#deliver(message);
  }

  /** A settlement that arrived; those of earlier deliveries count too, except that a late nak changes nothing. */
  settle(message: Submitted, deliveryCount: number, disposition: Disposition): void {
    if (message.settled !== undefined || disposition.kind === "none") return;
    const { scheduler } = this.#options;
    if (disposition.kind !== "nak") {
      message.settled = { disposition, timeMs: scheduler.nowMs };
      return;
    }
    if (deliveryCount === message.deliveryCount) this.#redeliverAfter(message, disposition.delayMs);
  }

  #deliver(message: Submitted): void {
    const { scheduler, ackWaitMs, deliver } = this.#options;
    message.deliveryCount += 1;
    const position = {
      stream: STREAM,
      streamCreated: STREAM_CREATED,
      sequence: message.sequence,
      deliveryCount: message.deliveryCount,
      timestampMs: message.timestampMs,
    };
    if (deliver(message, position)) {
      this.#redeliverAfter(message, ackWaitMs);
      return;
    }
    // Nobody pulls: nothing was delivered.
    message.deliveryCount -= 1;
    scheduler.after(NO_REPLICA_MS, () => this.#deliver(message));
  }

  /** Unless it is settled or delivered again for another reason by then. */
  #redeliverAfter(message: Submitted, delayMs: number): void {
    const count = message.deliveryCount;
    this.#options.scheduler.after(delayMs, () => {
      if (message.settled === undefined && message.deliveryCount === count) this.#deliver(message);
    });
  }
}
