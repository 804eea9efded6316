// Streams that are open for as long as their clients want: how many there may be, how each waits, and how all are ended.
import type { Writable } from "node:stream";
import type { CallFailure } from "./call-failure.ts";

/** Why a stream must end: `cancelled` when the client left. */
export type StreamEnd = CallFailure | "cancelled";

/** One open stream, for the function that tells it things. */
export interface OpenStream<Message> {
  readonly ended: StreamEnd | undefined;
  /** Something may be there to tell. */
  wake(): void;
  /** Resolves when woken since the last time, or when the stream must end. */
  woken(): Promise<void>;
  /** Writes, and waits while the client reads slowly. */
  write(message: Message): Promise<void>;
}

export interface OpenStreamsOptions {
  /** Of all connections together. */
  readonly maxStreams: number;
  /** Told how many there are, whenever that changes. */
  readonly onCount: (count: number) => void;
}

export class OpenStreams {
  private readonly options: OpenStreamsOptions;
  private readonly open = new Set<StreamInUse<never>>();
  private stopping = false;

  constructor(options: OpenStreamsOptions) {
    this.options = options;
  }

  /** Runs `use` until it resolves, which it does soon after the stream `ended`. What it resolves to ends the call. */
  async run<Message>(
    stream: Writable,
    use: (open: OpenStream<Message>) => Promise<CallFailure | undefined>,
  ): Promise<CallFailure | undefined> {
    const { maxStreams, onCount } = this.options;
    if (this.stopping) return STOPPING;
    if (this.open.size >= maxStreams)
      return {
        cause: "TOO_MANY_STREAMS",
        message: `${maxStreams} streams of this kind are open, as many as there may be`,
      };
    const inUse = new StreamInUse<Message>(stream);
    this.open.add(inUse);
    onCount(this.open.size);
    try {
      const failure = await use(inUse);
      return failure ?? (inUse.ended === "cancelled" ? undefined : inUse.ended);
    } finally {
      this.open.delete(inUse);
      onCount(this.open.size);
    }
  }

  /** Ends every stream with a status that sends its client elsewhere, and takes no new one. */
  stop(): void {
    this.stopping = true;
    for (const inUse of this.open) inUse.end(STOPPING);
  }
}

const STOPPING: CallFailure = { cause: "STOPPING", message: "the control plane is ending: call again, elsewhere" };

class StreamInUse<Message> implements OpenStream<Message> {
  private readonly stream: Writable;
  private endedBy: StreamEnd | undefined;
  private pending = false;
  private waiting: (() => void) | undefined;

  constructor(stream: Writable) {
    this.stream = stream;
    stream.once("cancelled", () => this.end("cancelled"));
    stream.on("drain", () => this.resume());
  }

  get ended(): StreamEnd | undefined {
    return this.endedBy;
  }

  wake(): void {
    this.pending = true;
    // While the client reads slowly, what is waited for is its reading.
    if (!this.stream.writableNeedDrain) this.resume();
  }

  async woken(): Promise<void> {
    while (!this.pending && this.endedBy === undefined) await this.wait();
    this.pending = false;
  }

  async write(message: Message): Promise<void> {
    if (this.endedBy !== undefined || this.stream.write(message)) return;
    while (this.endedBy === undefined && this.stream.writableNeedDrain) await this.wait();
  }

  end(by: StreamEnd): void {
    this.endedBy ??= by;
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
