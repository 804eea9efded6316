// The registry of the installation for the operators of all its Routers: one connection of its own, asked for until it stands.
import { reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { connectNats, type NatsLink, type NatsOptions } from "../../runtime/nats/connection.ts";
import { ProcessorView } from "../processor-view.ts";
import { KeyedQueue } from "../queue.ts";
import { unlessAborted } from "../unless-aborted.ts";

const KEY = "connect";
const RETRY = { baseMs: 500, maxMs: 15_000 };

export class RegistryFollower {
  readonly processors: ProcessorView;
  private readonly options: NatsOptions;
  private readonly queue: KeyedQueue;
  private readonly stopping = new AbortController();
  private link: NatsLink | undefined;

  constructor(options: NatsOptions) {
    this.options = options;
    const log: Logger = options.log;
    this.processors = new ProcessorView({ log });
    this.queue = new KeyedQueue({
      work: () => this.connect(),
      onError: (_key, error, retryMs) => {
        if (this.stopping.signal.aborted) return;
        log.warn("registry not followed", { reason: reasonOf(error), retry_ms: retryMs });
      },
      backoff: RETRY,
    });
  }

  start(): void {
    this.processors.start();
    this.queue.add(KEY);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.queue.stop();
    this.processors.stop();
    await this.link?.close();
  }

  private async connect(): Promise<void> {
    this.link = await unlessAborted(connectNats(this.options), this.stopping.signal, (late) => late.close());
    this.processors.follow(this.link);
  }
}
