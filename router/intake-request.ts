// Requests over core NATS: the answer is the reply, no answer is no promise.
import type { Msg, NatsConnection, Subscription } from "@nats-io/nats-core";
import { runInReader } from "../runtime/nats/reader.ts";
import type { Delivery, Handled } from "./delivery.ts";
import { headerReader } from "./header-reader.ts";
import type { Router } from "./serve.ts";

export interface RequestIntakeOptions {
  readonly nc: NatsConnection;
  /** Whether requests can come now. */
  connected(): boolean;
  readonly router: Router;
  /** Requests handled at once; more are refused with Retry-After. */
  readonly window: number;
}

/** Subscribes to the bare decide subject and to the one that carries a tenant, in the routers' queue group. */
export class RequestIntake {
  private readonly options: RequestIntakeOptions;
  private subscriptions: Subscription[] = [];
  private held = 0;
  private idleWaiters: (() => void)[] = [];

  constructor(options: RequestIntakeOptions) {
    this.options = options;
  }

  start(): void {
    const { nc, router } = this.options;
    const queue = router.names.queueGroups.decide;
    for (const subject of [router.names.decideSubject, router.names.decideTenantPattern]) {
      this.subscriptions.push(
        nc.subscribe(subject, { queue, callback: (_error, msg) => runInReader(() => this.receive(msg)) }),
      );
    }
  }

  /** Takes no more; resolves when all that was taken has been answered. */
  async stop(): Promise<void> {
    // Without a connection nothing is under way, and a drain would wait for the next one.
    if (this.options.connected()) {
      await Promise.all(this.subscriptions.filter((one) => !one.isClosed()).map((one) => one.drain()));
    }
    if (this.held > 0) await new Promise<void>((resolve) => this.idleWaiters.push(resolve));
  }

  private receive(msg: Msg | undefined): void {
    const { router, window } = this.options;
    const subject = msg === undefined ? undefined : router.names.fromWire(msg.subject);
    if (msg === undefined || subject === undefined) return;
    const delivery: Delivery = {
      subject,
      headers: headerReader(msg),
      body: msg.data,
      // The client gives an empty text where none was sent.
      replyTo: msg.reply || undefined,
      position: undefined,
      nowMs: Date.now(),
      errorCount: 0,
    };
    if (this.held >= window) {
      router.refuse(delivery);
      return;
    }
    this.held++;
    router.handle("request", delivery, (_handled: Handled | undefined) => this.release());
  }

  private release(): void {
    this.held--;
    if (this.held > 0) return;
    for (const resolve of this.idleWaiters.splice(0)) resolve();
  }
}
