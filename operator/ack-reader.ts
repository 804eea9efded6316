// What routers acknowledge, as the bucket has it now; an acknowledgement that is no longer renewed goes by itself.
import { parseAck } from "../core/config/acknowledge.ts";
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import { routerKeyPattern } from "../core/config/keys.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { type BucketWatch, watchBucket } from "../runtime/nats/watch-bucket.ts";

export interface AckReaderOptions {
  readonly link: NatsLink;
  readonly bucket: string;
  readonly router: RouterKey;
  readonly log: Logger;
  onChange(): void;
  onMissing(): void;
}

const MISSING_CHECK_MS = 500;
/** Acknowledgements that are kept; a Router has at most 1,000 replicas, and pods that are gone linger for a minute. */
export const MAX_ACKS = 10_000;

export class AckReader {
  private readonly options: AckReaderOptions;
  /** By key, which ends in the pod's name. */
  private readonly acks = new Map<string, RouterAck>();
  private watch: BucketWatch | undefined;
  private whole = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: AckReaderOptions) {
    this.options = options;
  }

  start(): void {
    const { link, bucket, router, log, onMissing, onChange } = this.options;
    this.watch = watchBucket(link, {
      bucket,
      keys: routerKeyPattern(router),
      log,
      onEntry: ({ key, value }) => this.take(key, value),
      onReset: () => {
        this.whole = false;
        this.acks.clear();
      },
      onCaughtUp: () => {
        this.whole = true;
        onChange();
      },
    });
    this.timer = setInterval(() => {
      if (this.watch?.state() === "missing") onMissing();
    }, MISSING_CHECK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.watch?.stop();
  }

  /** Whether everything that the bucket holds is known. */
  isWhole(): boolean {
    return this.whole && this.watch?.state() === "current";
  }

  byPodUid(): ReadonlyMap<string, RouterAck> {
    return new Map([...this.acks.values()].map((ack) => [ack.podUid, ack]));
  }

  private take(key: string, value: Uint8Array | undefined): void {
    const { log, onChange } = this.options;
    const ack = value === undefined ? undefined : parseAck(nodeCodec, value);
    if (value !== undefined && ack === undefined) log.warn("acknowledgement unreadable", { key });
    if (ack === undefined) this.acks.delete(key);
    else if (this.acks.has(key) || this.acks.size < MAX_ACKS) this.acks.set(key, ack);
    else log.warn("acknowledgement not kept", { key, limit: MAX_ACKS });
    onChange();
  }
}
