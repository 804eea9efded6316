// The streams that wait for something to happen: how many there may be, how each is woken, and how all are ended.
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { CallFailure } from "./call-failure.ts";
import type { ControlPlaneMetrics } from "./metrics.ts";

/** One open stream. */
export interface OpenWatch {
  /** Why it must end; `cancelled` when the client left. */
  readonly ended: () => CallFailure | "cancelled" | undefined;
  /** Something may be there to tell. */
  wake(): void;
  /** Resolves when woken, at once when it was since the last time, or when the watch must end. */
  woken(): Promise<void>;
  /** Writes, and waits while the client reads slowly. */
  write(message: unknown): Promise<void>;
}

export interface OpenWatchesOptions {
  readonly maxWatches: number;
  readonly metrics: Pick<ControlPlaneMetrics, "watchOpened" | "watchClosed">;
}

export class OpenWatches {
  private readonly options: OpenWatchesOptions;
  private readonly open = new Set<Watch>();
  private stopping = false;

  constructor(options: OpenWatchesOptions) {
    this.options = options;
  }

  /** Runs `tell` for the stream until it gives a failure, or the watch must end; what it resolves to ends the call. */
  async run(
    stream: ServerWritableStream<unknown, unknown>,
    tell: (watch: OpenWatch) => Promise<CallFailure | undefined>,
  ): Promise<CallFailure | undefined> {
    if (this.stopping) return STOPPING;
    if (this.open.size >= this.options.maxWatches) {
      return {
        cause: "TOO_MANY_WATCHES",
        message: `${this.options.maxWatches} watches are open, as many as there may be`,
      };
    }
    const watch = new Watch(stream);
    this.open.add(watch);
    this.options.metrics.watchOpened();
    try {
      const failure = await tell(watch);
      const ended = watch.ended();
      return failure ?? (ended === "cancelled" ? undefined : ended);
    } finally {
      this.open.delete(watch);
      this.options.metrics.watchClosed();
    }
  }

  /** Ends every watch with a status that sends its client elsewhere. */
  stop(): void {
    this.stopping = true;
    for (const watch of this.open) watch.end(STOPPING);
  }
}

const STOPPING: CallFailure = { cause: "STOPPING", message: "the control plane is ending; watch again, elsewhere" };

class Watch implements OpenWatch {
  private readonly stream: ServerWritableStream<unknown, unknown>;
  private reason: CallFailure | "cancelled" | undefined;
  private pending = false;
  private waiting: (() => void) | undefined;

  constructor(stream: ServerWritableStream<unknown, unknown>) {
    this.stream = stream;
    stream.once("cancelled", () => this.end("cancelled"));
    stream.on("drain", () => this.resume());
  }

  ended(): CallFailure | "cancelled" | undefined {
    return this.reason;
  }

  wake(): void {
    this.pending = true;
    if (!this.stream.writableNeedDrain) this.resume();
  }

  async woken(): Promise<void> {
    if (!this.pending && this.reason === undefined) await this.wait();
    this.pending = false;
  }

  async write(message: unknown): Promise<void> {
    if (this.reason !== undefined || this.stream.write(message)) return;
    while (this.reason === undefined && this.stream.writableNeedDrain) await this.wait();
  }

  end(reason: CallFailure | "cancelled"): void {
    this.reason ??= reason;
    this.resume();
  }

  private wait(): Promise<void> {
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  private resume(): void {
    const resolve = this.waiting;
    this.waiting = undefined;
    resolve?.();
  }
}
