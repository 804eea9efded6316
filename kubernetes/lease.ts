// Leadership by a Lease: one process of several does the work, stops before another may begin, and gives way at once when told to.
import { ok } from "../core/result.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { BeamlineError } from "../runtime/errors.ts";
import type { Logger } from "../runtime/log.ts";
import { type KubernetesClient, pause } from "./client.ts";
import type { ApiFailure, ApiResult } from "./failure.ts";
import {
  checkLeaseTiming,
  heldLease,
  judgeLease,
  LEASE_JITTER,
  LEASE_TIMING,
  LEASE_TYPE,
  type Lease,
  type LeaseSpec,
  type LeaseTiming,
  type ObservedLease,
  observeLease,
  releasedLease,
} from "./lease-record.ts";
import { apiVersionOf } from "./object.ts";
import { type CallOptions, createObject, readObject, replaceObject } from "./objects.ts";
import { Reflector } from "./reflector.ts";

export interface LeaderElectorOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process: pod name and a random part. */
  readonly identity: string;
  /** The work of a leader. Ends soon after the signal; until it has, the lease is not given back. */
  lead(signal: AbortSignal): Promise<void>;
  readonly log: Logger;
  readonly timing?: LeaseTiming;
  readonly clock?: Clock;
}

export interface LeadershipStatus {
  readonly leading: boolean;
  /** As last seen. */
  readonly holder: string | undefined;
  /** Terms that this process began. */
  readonly terms: number;
  /** The work did not end in time after a demotion: the process should be restarted. */
  readonly hung: boolean;
}

/** Bound of managedFields. */
const MAX_FIELD_MANAGER_LENGTH = 128;
const MAX_RELEASE_ATTEMPTS = 3;

type Term = { readonly abort: AbortController; readonly work: Promise<void>; readonly deadline: NodeJS.Timeout };

export class LeaderElector {
  private readonly options: LeaderElectorOptions;
  private readonly clock: Clock;
  private readonly timing: LeaseTiming;
  private readonly stopped = new AbortController();
  private readonly mirror: Reflector<Lease>;
  private observed: ObservedLease | undefined;
  /** On the monotonic clock: when the request left that renewed last. */
  private renewedAtMs = Number.NEGATIVE_INFINITY;
  private term: Term | undefined;
  private terms = 0;
  private hung = false;
  private wake = new AbortController();
  private running: Promise<void> | undefined;

  /** Throws BeamlineError CONFIG_INVALID when the timing cannot work. */
  constructor(options: LeaderElectorOptions) {
    this.options = options;
    this.clock = options.clock ?? systemClock;
    this.timing = options.timing ?? LEASE_TIMING;
    const problem = checkLeaseTiming(this.timing);
    if (problem !== undefined) throw new BeamlineError("CONFIG_INVALID", `leader election: ${problem}`);
    const { client, namespace, name, log } = options;
    this.mirror = new Reflector<Lease>({
      client,
      type: LEASE_TYPE,
      namespace,
      fieldSelector: `metadata.name=${name}`,
      log,
      convert: (object) => object as Lease,
      onChange: (changes) => {
        // Polling finds everything else; only a lease that is free is worth haste.
        if (changes.some(({ current }) => (current?.spec?.holderIdentity ?? "") === "")) this.wake.abort();
      },
    });
  }

  start(): void {
    this.mirror.start();
    this.running ??= this.run();
  }

  /**
   * Whether this process surely leads, at this moment: asked before each write. False as soon as the renew deadline is over,
   * even when a stalled event loop has not noticed yet.
   */
  leading(): boolean {
    return this.term !== undefined && !this.term.abort.signal.aborted && this.isFresh();
  }

  status(): LeadershipStatus {
    const holder = this.observed?.lease.spec?.holderIdentity;
    return { leading: this.leading(), holder: holder === "" ? undefined : holder, terms: this.terms, hung: this.hung };
  }

  /** Ends the work, waits for its end, and gives the lease back, so that another leads within a round trip. */
  async stop(): Promise<void> {
    this.stopped.abort();
    this.wake.abort();
    await this.running;
    await this.mirror.stop();
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    while (!signal.aborted) {
      const acquired = await this.tryAcquire();
      if (acquired && !signal.aborted) await this.serve();
      else if (!acquired) await this.rest();
    }
    await this.endTerm();
    await this.release();
  }

  /** Until the next try: a period, or until the lease is seen to be free. */
  private async rest(): Promise<void> {
    const { retryPeriodMs } = this.timing;
    await pause(retryPeriodMs * (1 + (LEASE_JITTER - 1) * Math.random()), this.wake.signal);
    if (this.wake.signal.aborted && !this.stopped.signal.aborted) this.wake = new AbortController();
  }

  /** One term: works and renews until the lease is lost, the work ends by itself, or this process stops. */
  private async serve(): Promise<void> {
    const { log, identity } = this.options;
    this.beginTerm();
    log.info("this process leads", { identity });
    const ended = this.term?.abort.signal ?? this.stopped.signal;
    const until = AbortSignal.any([ended, this.stopped.signal]);
    while (await pause(this.timing.retryPeriodMs, until)) {
      if (!this.isFresh() || !(await this.renew())) break;
    }
    await this.endTerm();
    if (this.stopped.signal.aborted) return;
    log.warn("this process leads no more", { identity });
    // The work ended by itself: others may do better at once.
    if (this.isFresh()) await this.release();
    // Not woken: our own release would wake us, and a term that fails at once would be followed by the next.
    await pause(this.timing.retryPeriodMs, this.stopped.signal);
  }

  private beginTerm(): void {
    const abort = new AbortController();
    const { lead, log } = this.options;
    this.terms++;
    // Begins in the next turn, when this term is known to `leading`.
    const work = Promise.resolve()
      .then(() => lead.call(this.options, abort.signal))
      .catch((error: unknown) => {
        if (!abort.signal.aborted) log.error("the work of the leader failed", { error });
      });
    const ended = work.finally(() => abort.abort());
    this.term = { abort, work: ended, deadline: setTimeout(() => this.checkDeadline(), this.timing.renewDeadlineMs) };
  }

  /** The timer outlives renewals, each of which moves the deadline. */
  private checkDeadline(): void {
    const { term } = this;
    if (term === undefined) return;
    const leftMs = this.renewedAtMs + this.timing.renewDeadlineMs - this.clock.monotonicMs();
    if (leftMs <= 0) term.abort.abort();
    else this.term = { ...term, deadline: setTimeout(() => this.checkDeadline(), leftMs) };
  }

  private async endTerm(): Promise<void> {
    const { term, timing, options } = this;
    if (term === undefined) return;
    term.abort.abort();
    const alarm = setTimeout(() => {
      this.hung = true;
      options.log.error("the work of the leader does not end", { identity: options.identity });
    }, timing.leaseDurationMs - timing.renewDeadlineMs);
    await term.work;
    clearTimeout(alarm);
    clearTimeout(this.term?.deadline);
    this.term = undefined;
    this.hung = false;
  }

  private isFresh(): boolean {
    return this.clock.monotonicMs() - this.renewedAtMs < this.timing.renewDeadlineMs;
  }

  private async tryAcquire(): Promise<boolean> {
    const read = await this.read();
    if (!read.ok) {
      this.report("the lease could not be read", read.error);
      return false;
    }
    if (read.value === undefined) return this.write(undefined);
    this.observed = observeLease(this.observed, read.value, this.clock.monotonicMs());
    const verdict = judgeLease(this.observed, this.options.identity, this.timing, this.clock.monotonicMs());
    return verdict.action !== "Wait" && this.write(read.value);
  }

  /** False when the lease is surely somebody else's; a failure that may pass leaves it to the deadline. */
  private async renew(): Promise<boolean> {
    if (await this.write(this.observed?.lease)) return true;
    const read = await this.read();
    if (!read.ok) return true;
    if (read.value?.spec?.holderIdentity !== this.options.identity) return false;
    this.observed = observeLease(this.observed, read.value, this.clock.monotonicMs());
    return this.isFresh();
  }

  private async read(): Promise<ApiResult<Lease | undefined>> {
    const { client, namespace, name } = this.options;
    const read = await readObject<Lease>(client, LEASE_TYPE, { namespace, name }, this.call());
    return !read.ok && read.error.kind === "NotFound" ? ok(undefined) : read;
  }

  /** Writes the lease as ours over exactly the version that was seen, or makes it. */
  private async write(seen: Lease | undefined): Promise<boolean> {
    const sentAtMs = this.clock.monotonicMs();
    const spec = heldLease(seen?.spec, this.options.identity, this.timing, this.clock.nowMs());
    const written = await this.put(seen, spec, this.stopped.signal);
    if (!written.ok) {
      // Somebody was faster: nothing is wrong.
      const raced = written.error.kind === "Conflict" || written.error.kind === "AlreadyExists";
      if (!raced) this.report("the lease could not be written", written.error);
      return false;
    }
    this.observed = observeLease(this.observed, written.value, this.clock.monotonicMs());
    this.renewedAtMs = sentAtMs;
    return this.isFresh();
  }

  private put(seen: Lease | undefined, spec: LeaseSpec, signal?: AbortSignal): Promise<ApiResult<Lease>> {
    const { client, namespace, name, identity } = this.options;
    const call = { ...this.call(signal), fieldManager: identity.slice(0, MAX_FIELD_MANAGER_LENGTH) };
    if (seen !== undefined) return replaceObject<Lease>(client, LEASE_TYPE, { ...seen, spec }, call);
    const lease: Lease = {
      apiVersion: apiVersionOf(LEASE_TYPE),
      kind: LEASE_TYPE.kind,
      metadata: { namespace, name },
      spec,
    };
    return createObject<Lease>(client, LEASE_TYPE, lease, call);
  }

  /** A request that hangs must leave time for another one before the deadline. */
  private call(signal?: AbortSignal): CallOptions {
    const timeoutMs = this.timing.renewDeadlineMs / 2;
    return { urgent: true, retries: 0, timeoutMs, ...(signal === undefined ? {} : { signal }) };
  }

  /** Only what is still surely ours; else somebody may hold it already. */
  private async release(): Promise<void> {
    const { identity } = this.options;
    for (let attempt = 1; attempt <= MAX_RELEASE_ATTEMPTS && this.isFresh(); attempt++) {
      const seen = this.observed?.lease;
      if (seen?.spec?.holderIdentity !== identity) return;
      const released = await this.put(seen, releasedLease(seen.spec, this.clock.nowMs()));
      if (released.ok) {
        this.observed = observeLease(this.observed, released.value, this.clock.monotonicMs());
        this.renewedAtMs = Number.NEGATIVE_INFINITY;
        return;
      }
      // A renewal that was ended half-way may have been stored.
      const read = released.error.kind === "Conflict" ? await this.read() : undefined;
      if (read?.ok !== true || read.value === undefined) {
        this.report("the lease could not be given back", released.error);
        return;
      }
      this.observed = observeLease(this.observed, read.value, this.clock.monotonicMs());
    }
  }

  private report(message: string, failure: ApiFailure): void {
    if (failure.kind === "Stopped") return;
    const { namespace, name } = this.options;
    this.options.log.warn(message, { lease: `${namespace}/${name}`, reason: failure.kind, detail: failure.message });
  }
}
