// Kubernetes events about what changed, for `kubectl describe`: aggregated, bounded, and never in anybody's way.
import { randomBytes } from "node:crypto";
import { backoffMs } from "../core/reconcile/backoff.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import { type KubernetesClient, pause } from "./client.ts";
import { type EventKey, type EventPlan, EventSeries } from "./event-series.ts";
import { type ApiFailure, type ApiResult, isTransient } from "./failure.ts";
import { formatMicroTime } from "./micro-time.ts";
import { apiVersionOf, type KubernetesObject, type ObjectRef, type ResourceType } from "./object.ts";
import { createObject, mergeObject } from "./objects.ts";

/** A transition of an object. Record transitions only, never states. */
export interface EventOccurrence {
  readonly regarding: { readonly type: ResourceType; readonly ref: ObjectRef; readonly uid: string };
  readonly type: "Normal" | "Warning";
  /** CamelCase: what it is now, such as Programmed. */
  readonly reason: string;
  /** CamelCase: what we did, such as PublishConfiguration. */
  readonly action: string;
  /** For people. Cut at 1,024 bytes. */
  readonly note: string;
}

export interface EventRecorderOptions {
  readonly client: KubernetesClient;
  /** Such as beamline.dev/operator. */
  readonly controller: string;
  /** The pod or process. At most 128 characters count. */
  readonly instance: string;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Since the start. */
export interface EventRecorderCounts {
  readonly written: number;
  /** Spent budgets, a full queue, and what the API server did not take. */
  readonly dropped: number;
}

export const EVENT_TYPE: ResourceType = {
  group: "events.k8s.io",
  version: "v1",
  kind: "Event",
  plural: "events",
  namespaced: true,
};
/** Bounds of events.k8s.io/v1. */
export const MAX_NOTE_BYTES = 1_024;
const MAX_INSTANCE_LENGTH = 128;
const MAX_NAME_PREFIX = 200;
/** Events that wait for the API server; what comes then is dropped and counted. */
export const MAX_QUEUED_EVENTS = 1_000;
const MAX_ATTEMPTS = 3;
const RETRY_BACKOFF = { baseMs: 1_000, maxMs: 10_000 };
const SERIES_CHECK_MS = 30_000;
const NAME_BYTES = 8;
/** Events of cluster-scoped objects lie here, as kubectl expects. */
const CLUSTER_NAMESPACE = "default";

interface Queued {
  readonly key: EventKey;
  send(signal: AbortSignal): Promise<ApiResult<unknown>>;
}

export class EventRecorder {
  private readonly options: EventRecorderOptions;
  private readonly clock: Clock;
  private readonly series = new EventSeries();
  private readonly queue: Queued[] = [];
  private readonly abort = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private sending: Promise<void> | undefined;
  private written = 0;
  private dropped = 0;

  constructor(options: EventRecorderOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.timer = setInterval(() => this.sendDue(), SERIES_CHECK_MS).unref();
  }

  /** Takes it and returns. */
  record(occurrence: EventOccurrence): void {
    if (this.abort.signal.aborted) return;
    const { regarding, type, reason, action } = occurrence;
    const namespace = regarding.ref.namespace ?? CLUSTER_NAMESPACE;
    const key: EventKey = { namespace, object: regarding.uid, type, reason, action };
    const plan = this.series.record(key, this.clock.monotonicMs());
    if (plan.action === "Create") this.create(key, occurrence);
    else this.perform(key, plan);
  }

  counts(): EventRecorderCounts {
    return { written: this.written, dropped: this.dropped };
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    while (this.sending !== undefined) await this.sending;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.abort.abort();
    await this.idle();
  }

  private create(key: EventKey, occurrence: EventOccurrence): void {
    const event = this.eventOf(key.namespace, occurrence);
    const { client, controller } = this.options;
    const queued = this.enqueue({
      key,
      send: async (signal) => {
        const result = await createObject(client, EVENT_TYPE, event, { fieldManager: controller, signal });
        if (result.ok) this.series.created(key, event.metadata.name);
        return result;
      },
    });
    if (!queued) this.series.forget(key);
  }

  private perform(key: EventKey, plan: EventPlan): void {
    if (plan.action === "Hold" && plan.dropped) this.dropped++;
    if (plan.action !== "Update") return;
    const { client, controller } = this.options;
    const agoMs = this.clock.monotonicMs() - plan.lastMs;
    const series = { count: plan.count, lastObservedTime: formatMicroTime(this.clock.nowMs() - agoMs) };
    const ref = { namespace: key.namespace, name: plan.name };
    this.enqueue({
      key,
      send: (signal) => mergeObject(client, EVENT_TYPE, ref, { series }, { fieldManager: controller, signal }),
    });
  }

  private sendDue(): void {
    for (const { key, plan } of this.series.due(this.clock.monotonicMs())) this.perform(key, plan);
  }

  private eventOf(namespace: string, { regarding, type, reason, action, note }: EventOccurrence): KubernetesObject {
    const { controller, instance } = this.options;
    const prefix = regarding.ref.name.slice(0, MAX_NAME_PREFIX);
    return {
      apiVersion: apiVersionOf(EVENT_TYPE),
      kind: EVENT_TYPE.kind,
      metadata: { namespace, name: `${prefix}.${randomBytes(NAME_BYTES).toString("hex")}` },
      eventTime: formatMicroTime(this.clock.nowMs()),
      regarding: {
        apiVersion: apiVersionOf(regarding.type),
        kind: regarding.type.kind,
        uid: regarding.uid,
        ...regarding.ref,
      },
      type,
      reason,
      action,
      note: cutToBytes(note, MAX_NOTE_BYTES),
      reportingController: controller,
      reportingInstance: instance.slice(0, MAX_INSTANCE_LENGTH),
    };
  }

  private enqueue(queued: Queued): boolean {
    if (this.queue.length >= MAX_QUEUED_EVENTS) {
      this.dropped++;
      return false;
    }
    this.queue.push(queued);
    this.sending ??= this.sendAll().finally(() => {
      this.sending = undefined;
    });
    return true;
  }

  /** One after the other: events are worth no burst. */
  private async sendAll(): Promise<void> {
    for (let next = this.queue.shift(); next !== undefined; next = this.queue.shift()) {
      const failure = await this.sendOne(next);
      if (failure === undefined) {
        this.written++;
        continue;
      }
      this.dropped++;
      this.series.forget(next.key);
      if (failure.kind === "Stopped") continue;
      const fields = { reason: failure.kind, detail: failure.message, event: next.key.reason };
      this.options.log.warn("an event could not be written", fields);
    }
  }

  private async sendOne(queued: Queued): Promise<ApiFailure | undefined> {
    const { signal } = this.abort;
    for (let attempt = 1; ; attempt++) {
      const result = await queued.send(signal);
      if (result.ok) return undefined;
      if (!isTransient(result.error.kind) || attempt >= MAX_ATTEMPTS) return result.error;
      if (!(await pause(backoffMs(RETRY_BACKOFF, attempt, Math.random()), signal))) return result.error;
    }
  }
}

/** The longest beginning of `text` that fits into `limit` bytes of UTF-8. */
export function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text, "utf8");
  if (bytes.length <= limit) return text;
  let end = limit;
  // A continuation byte (10xxxxxx) is in the middle of a character.
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.subarray(0, end).toString("utf8");
}
