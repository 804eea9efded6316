// Mirrors the objects of one kind: list in pages, then watch, for as long as it runs and whatever the server does meanwhile.
import { type Clock, systemClock } from "../runtime/clock.ts";
import { BeamlineError, reasonOf } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import { type KubernetesClient, pause } from "./client.ts";
import { type ApiFailure, errorOf } from "./failure.ts";
import { FailureLog } from "./failure-log.ts";
import { LineSplitter } from "./json-lines.ts";
import {
  advanceListWatch,
  INITIAL_LIST_WATCH,
  type ListStep,
  type ListWatchEvent,
  type ListWatchState,
  type ListWatchStep,
  type WatchStep,
} from "./list-watch.ts";
import { apiVersionOf, collectionPath, type KubernetesObject, type ObjectRef, type ResourceType } from "./object.ts";
import { MAX_STORED_OBJECTS, type ObjectChange, ObjectStore } from "./object-store.ts";
import { METADATA_ONLY, METADATA_ONLY_LIST } from "./objects.ts";
import { readWatchEvent, type WatchEvent } from "./watch-events.ts";

export interface ReflectorOptions<T> {
  readonly client: KubernetesClient;
  readonly type: ResourceType;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Reads names, labels and annotations only: for kinds whose content is large or none of our business. */
  readonly metadataOnly?: boolean;
  /** What is kept of an object. It must not throw. */
  convert(object: KubernetesObject): T;
  /** Called after the store has changed, once a list and once for what arrives together. Enqueue keys and return. */
  onChange(changes: readonly ObjectChange<T>[]): void;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The server is asked to end a watch after this, in seconds. */
  readonly watchSeconds?: number;
}

export interface ReflectorStatus {
  /** A complete list has been read at least once. */
  readonly synced: boolean;
  /** Why the last request failed; absent while all is well. */
  readonly failure: ApiFailure | undefined;
  readonly objects: number;
  /** Since the start. */
  readonly lists: number;
  readonly watches: number;
  readonly events: number;
}

/** Objects a page: at 2 KB each a page parses in 10 ms, so that timers are kept (measured 254 ms for 10,000 at once). */
export const PAGE_SIZE = 500;
/**
 * The server ends a watch after about this and sends a bookmark just before, so that a connection that says nothing for
 * longer is dead, even when TCP keeps it. A new watch goes on at the same version: nothing is missed or read twice.
 */
export const WATCH_SECONDS = 24;
/** One part in six is added by chance, so that watches do not end together. */
const WATCH_SPREAD = 1 / 6;
/** What the server may be late with the end of a watch: 24 + 4 + 5 s is when a silent one is found at the latest. */
export const WATCH_GRACE_MS = 5_000;
const MS_PER_SECOND = 1_000;
const SYNC_DEADLINE_MS = 120_000;

interface ListBody {
  readonly metadata: { readonly resourceVersion: string; readonly continue?: string };
  readonly items: readonly KubernetesObject[] | null;
}

export class Reflector<T> {
  private readonly options: ReflectorOptions<T>;
  private readonly clock: Clock;
  private readonly store: ObjectStore<T>;
  private readonly failureLog: FailureLog;
  private readonly abort = new AbortController();
  private readonly firstSync = Promise.withResolvers<void>();
  private state: ListWatchState = INITIAL_LIST_WATCH;
  private pages: KubernetesObject[] = [];
  private failure: ApiFailure | undefined;
  private synced = false;
  private lists = 0;
  private watches = 0;
  private events = 0;
  private running: Promise<void> | undefined;

  constructor(options: ReflectorOptions<T>) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.store = new ObjectStore((object) => options.convert(object));
    this.failureLog = new FailureLog(options.log, options.type, options.namespace);
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Resolves after the first complete list. Throws BeamlineError that names the kind and the last failure. */
  async waitUntilSynced(deadlineMs: number = SYNC_DEADLINE_MS): Promise<void> {
    const expired = new AbortController();
    const timeout = pause(deadlineMs, expired.signal).then((late) => late && !this.synced);
    const late = await Promise.race([this.firstSync.promise.then(() => false), timeout]);
    expired.abort();
    if (!late && this.synced) return;
    const what = `list ${this.options.type.plural}.${this.options.type.group}`;
    if (this.failure !== undefined) throw errorOf(this.failure, what);
    throw new BeamlineError("UNAVAILABLE", `could not ${what}: no answer within ${deadlineMs} ms`);
  }

  get(ref: ObjectRef): T | undefined {
    return this.store.get(ref);
  }

  values(): T[] {
    return this.store.values();
  }

  status(): ReflectorStatus {
    const { synced, failure, lists, watches, events } = this;
    return { synced, failure, objects: this.store.size, lists, watches, events };
  }

  /** Ends the requests that are under way. The store stays readable. */
  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    this.firstSync.resolve();
  }

  private async run(): Promise<void> {
    const { signal } = this.abort;
    while (await pause(this.state.step.delayMs, signal)) {
      const { step } = this.state;
      const event = await this.perform(step);
      if (signal.aborted) return;
      this.state = advanceListWatch(this.state, event, Math.random());
      this.report(event);
    }
  }

  /** What our own code throws (too many objects, a line without end) is a failure like any other: tried again, later and later. */
  private async perform(step: ListWatchStep): Promise<ListWatchEvent> {
    const startMs = this.clock.monotonicMs();
    try {
      return step.action === "List" ? await this.readPage(step) : await this.watch(step);
    } catch (error) {
      const failure: ApiFailure = { kind: "ServerError", message: reasonOf(error) };
      if (step.action === "List") return { type: "ListFailed", failure };
      const livedMs = this.clock.monotonicMs() - startMs;
      return { type: "WatchEnded", resourceVersion: step.resourceVersion, livedMs, progressed: false, failure };
    }
  }

  private async readPage(step: ListStep): Promise<ListWatchEvent> {
    const { client, type, namespace, metadataOnly } = this.options;
    if (step.continueToken === undefined) {
      this.lists++;
      this.pages = [];
    }
    const result = await client.request<ListBody>({
      method: "GET",
      path: collectionPath(type, namespace),
      query: {
        ...this.selectors(),
        limit: step.paged ? PAGE_SIZE : undefined,
        continue: step.continueToken,
      },
      ...(metadataOnly === true ? { accept: METADATA_ONLY_LIST } : {}),
      signal: this.abort.signal,
      // The state machine waits and asks again, with the whole picture.
      retries: 0,
    });
    if (!result.ok) return { type: "ListFailed", failure: result.error };
    const { metadata } = result.value;
    // An empty list of metadata has null for its items (measured on 1.35).
    const items = result.value.items ?? [];
    const inherited = metadataOnly === true ? {} : { apiVersion: apiVersionOf(type), kind: type.kind };
    if (this.pages.length + items.length > MAX_STORED_OBJECTS)
      throw new Error(`more than ${MAX_STORED_OBJECTS} objects`);
    for (const item of items) this.pages.push({ ...inherited, ...item });
    const { resourceVersion, continue: next } = metadata;
    const continueToken = next === "" ? undefined : next;
    if (continueToken === undefined) this.takeList();
    return { type: "PageRead", resourceVersion, continueToken };
  }

  private takeList(): void {
    const changes = this.store.replaceAll(this.pages);
    this.pages = [];
    this.notify(changes);
    this.synced = true;
    this.firstSync.resolve();
  }

  private async watch(step: WatchStep): Promise<ListWatchEvent> {
    const { client, type, namespace, metadataOnly, watchSeconds = WATCH_SECONDS } = this.options;
    this.watches++;
    const seconds = watchSeconds + Math.floor(Math.random() * (watchSeconds * WATCH_SPREAD + 1));
    const startMs = this.clock.monotonicMs();
    const stream = new WatchStream(step.resourceVersion, this.abort.signal);
    const result = await client.stream({
      path: collectionPath(type, namespace),
      query: {
        ...this.selectors(),
        watch: true,
        allowWatchBookmarks: true,
        resourceVersion: step.resourceVersion,
        timeoutSeconds: seconds,
      },
      ...(metadataOnly === true ? { accept: METADATA_ONLY } : {}),
      signal: stream.signal,
      lifetimeMs: seconds * MS_PER_SECOND + WATCH_GRACE_MS,
      onOpen: () => {
        this.failure = undefined;
      },
      onChunk: (chunk) => this.takeEvents(stream.read(chunk)),
    });
    const { resourceVersion, progressed } = stream;
    const failure = stream.failure ?? (result.ok ? undefined : result.error);
    return { type: "WatchEnded", resourceVersion, livedMs: this.clock.monotonicMs() - startMs, progressed, failure };
  }

  private takeEvents(events: readonly WatchEvent[]): void {
    const changes: ObjectChange<T>[] = [];
    for (const event of events) {
      if (event.type !== "Put" && event.type !== "Deleted") continue;
      this.events++;
      const change = event.type === "Put" ? this.store.put(event.object) : this.store.remove(event.object.metadata);
      if (change !== undefined) changes.push(change);
    }
    this.notify(changes);
  }

  private notify(changes: readonly ObjectChange<T>[]): void {
    if (changes.length === 0) return;
    try {
      this.options.onChange(changes);
    } catch (error) {
      // A bug of the caller. The mirror goes on: the store holds the change, and the next resync finds it.
      this.options.log.error("a callback for changed objects failed", { error, kind: this.options.type.kind });
    }
  }

  private report(event: ListWatchEvent): void {
    this.failure = event.type === "PageRead" ? undefined : event.failure;
    // A page that was read proves nothing about the watch that is to follow.
    if (event.type === "PageRead") return;
    const { failures, expiries, step } = this.state;
    this.failureLog.record(event.failure, failures + expiries, step);
  }

  private selectors(): Readonly<Record<string, string | undefined>> {
    return { labelSelector: this.options.labelSelector, fieldSelector: this.options.fieldSelector };
  }
}

/** What is known of one watch while it runs. */
class WatchStream {
  resourceVersion: string;
  progressed = false;
  failure: ApiFailure | undefined;
  readonly signal: AbortSignal;
  private readonly splitter = new LineSplitter();
  private readonly cut = new AbortController();

  constructor(resourceVersion: string, stopped: AbortSignal) {
    this.resourceVersion = resourceVersion;
    this.signal = AbortSignal.any([stopped, this.cut.signal]);
  }

  /** The events that the chunk completes; nothing more after one that ended the watch. */
  read(chunk: string): readonly WatchEvent[] {
    const events: WatchEvent[] = [];
    for (const line of this.failure === undefined ? this.splitter.push(chunk) : []) {
      const event = readWatchEvent(line, this.resourceVersion);
      if (event.type === "Failed") {
        this.failure = event.failure;
        this.cut.abort();
        return events;
      }
      this.resourceVersion = event.resourceVersion;
      this.progressed = true;
      events.push(event);
    }
    return events;
  }
}
