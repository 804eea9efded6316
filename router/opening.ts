// When a router that has its first table may take messages: not while it rejects what another router serves, or those messages
// would fail on it. Its acknowledgement tells the operator, which holds the roll-out.
import { parseAck } from "../core/config/acknowledge.ts";
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import { routerKeyPattern } from "../core/config/keys.ts";
import { servedElsewhere } from "../core/config/served-elsewhere.ts";
import type { Names } from "../core/handover/subjects.ts";
import { nodeCodec } from "../runtime/bytes.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import { bucketStream, bucketSubject } from "../runtime/nats/kv.ts";
import { readLastMessages } from "../runtime/nats/read-last.ts";

export interface OpeningOptions {
  readonly link: NatsLink;
  readonly names: Names;
  readonly router: RouterKey;
  readonly log: Logger;
  /** Called once. */
  onOpen(): void;
}

/** Another router may have gone, and its acknowledgement lives for a minute: then somebody has to serve the rest. */
const RECHECK_MS = 5_000;
const READ_TIMEOUT_MS = 2_000;

/** Opens once, and stays open whatever comes later: a router that serves falls back to the last good spec. */
export class Opening {
  private readonly options: OpeningOptions;
  private timer: NodeJS.Timeout | undefined;
  private latest: RouterAck | undefined;
  private ended = false;
  private reason: string | undefined;

  constructor(options: OpeningOptions) {
    this.options = options;
  }

  /** Why it does not open yet, though there is a table. */
  get held(): string | undefined {
    return this.reason;
  }

  /** What the table of now could not take. Opens before it returns when that is nothing. */
  tableApplied(ack: RouterAck): void {
    if (this.ended) return;
    this.latest = ack;
    if (ack.rejectedCount === 0) this.open();
    else void this.check(ack);
  }

  stop(): void {
    this.ended = true;
    clearTimeout(this.timer);
  }

  private open(): void {
    this.stop();
    this.reason = undefined;
    this.options.onOpen();
  }

  private async check(ack: RouterAck): Promise<void> {
    const others = await this.readOthers(ack.podUid);
    if (this.ended || this.latest !== ack) return;
    const entry = servedElsewhere(ack, others);
    if (entry === undefined) {
      this.open();
      return;
    }
    const reason = `another router serves ${entry.key}, which this one rejects: ${entry.reason}`;
    if (this.reason !== reason) this.options.log.error("router takes no messages", { reason });
    this.reason = reason;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.check(ack), RECHECK_MS);
  }

  /** None when they cannot be read: to serve most is better than to serve nothing. */
  private async readOthers(ownUid: string): Promise<readonly RouterAck[]> {
    const { link, names, router, log } = this.options;
    const { acks } = names.buckets;
    const keys = bucketSubject(acks, routerKeyPattern(router));
    const kept = await readLastMessages(link, bucketStream(acks), keys, READ_TIMEOUT_MS);
    if (kept === undefined) log.warn("what other routers serve cannot be read", { bucket: acks });
    return (kept ?? [])
      .flatMap(({ data }) => parseAck(nodeCodec, data) ?? [])
      .filter(({ podUid }) => podUid !== ownUid);
  }
}
