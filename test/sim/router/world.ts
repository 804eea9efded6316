// Producers, replicas and the model of JetStream, driven by a plan; everything that the checker looks at is written down.

import type { Effect, EffectResult } from "../../../core/handover/effects.ts";
import { readExisting } from "../../../core/handover/existing.ts";
import { DECIDE_SUBJECT, SUBMIT_PREFIX } from "../../../core/handover/subjects.ts";
import type { DecideRequest } from "../../../core/intake/message.ts";
import { validateIntakeMessage } from "../../../core/intake/validate-intake-message.ts";
import type { Delivery, Handled, StreamPosition } from "../../../router/delivery.ts";
import { identifyEffect } from "../../../router/dispatch.ts";
import { Extensions } from "./extensions.ts";
import { encodeInput, headersOf, type Input } from "./inputs.ts";
import { isThere, type ModelMessage } from "./model-stream.ts";
import { Network } from "./network.ts";
import { BUSY_MS, type Plan, type PlanEvent } from "./plan.ts";
import type { Protocol, SimEffect } from "./protocol.ts";
import { Random } from "./random.ts";
import { type AnswerRecord, beginHandling, type Handling, type StoreRecord } from "./records.ts";
import { Replica } from "./replica.ts";
import { Scheduler } from "./scheduler.ts";
import { SubmitQueue, type Submitted } from "./submit-queue.ts";
import { contextFor, TENANT } from "./tables.ts";

export const START_MS = 1_700_000_000_000;
const ACK_WAIT_MS = 1_500;
const CLIENT_TIMEOUT_MS = 1_500;
const JOB_RETRY_MS = 2_500;
const MAX_JOB_RUNS = 40;
/** Time in which everything must be settled: the longest stop, and all errors with their back-off after it. */
const END_MS = 400_000;

export class World {
  readonly answers: AnswerRecord[] = [];
  readonly deadLetters: StoreRecord[] = [];
  readonly assignments: StoreRecord[] = [];
  readonly handlings: Handling[] = [];
  readonly queue: SubmitQueue;
  readonly network: Network;
  /** By effect id: what a re-route is decided on. */
  readonly #requests = new Map<string, DecideRequest>();
  readonly #replicas: Replica[];
  readonly #scheduler = new Scheduler(START_MS);
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #protocol: Protocol;
  readonly #newId: () => string;
  readonly #extensions: Extensions;
  #openWork = 0;

  constructor(plan: Plan, protocol: Protocol) {
    this.#plan = plan;
    this.#protocol = protocol;
    // Another stream of chance than the plan's, so that dropping an event leaves the others as they are.
    const random = new Random(plan.seed ^ 0x5bd1e995);
    this.#random = random;
    this.#newId = () => random.hexId();
    const scheduler = this.#scheduler;
    const { weather, replicated } = plan;
    this.network = new Network({ scheduler, random, weather, replicated, startMs: START_MS });
    this.#extensions = new Extensions({ scheduler, random, network: this.network });
    this.#replicas = Array.from({ length: plan.replicas }, () => new Replica(scheduler));
    this.queue = new SubmitQueue({
      scheduler,
      ackWaitMs: ACK_WAIT_MS,
      deliver: (message, position) => this.#deliver(message, { ...position, ackWaitMs: ACK_WAIT_MS }),
    });
  }

  get nowMs(): number {
    return this.#scheduler.nowMs;
  }

  /** Runs the plan, then waits in calm weather until everything is settled or the time for that is over. */
  run(): void {
    for (const event of this.#plan.events) this.#scheduler.at(START_MS + event.atMs, () => this.#begin(event));
    this.#scheduler.at(START_MS + BUSY_MS, () => {
      for (const replica of this.#replicas) replica.table = 0;
    });
    const calmMs = START_MS + BUSY_MS;
    const isOver = () => this.nowMs > calmMs && this.queue.isSettled && this.#openWork === 0;
    this.#scheduler.run(START_MS + END_MS, isOver);
  }

  #begin(event: PlanEvent): void {
    switch (event.kind) {
      case "submit":
        this.queue.submit(event.input);
        return;
      case "request":
        this.#ask(event.input, event.tries, event.pushLater);
        return;
      case "table":
        this.#replica(event.replica).table = event.table;
        return;
      case "crash":
        this.#replica(event.replica).crash(event.downMs);
        return;
      case "pause":
        this.#replica(event.replica).pause(event.forMs);
        return;
      case "outage":
        this.network.outageUntilMs = this.nowMs + event.forMs;
        return;
      case "reroute":
        this.#beginReroute(event.nth, event.twice ? 2 : 1);
    }
  }

  #replica(index: number): Replica {
    return this.#replicas[index % this.#replicas.length] as Replica;
  }

  #anyReplica(): Replica | undefined {
    const up = this.#replicas.filter((replica) => replica.isUp);
    return up.length === 0 ? undefined : this.#random.pick(up);
  }

  #deliver(message: Submitted, position: StreamPosition): boolean {
    const replica = this.#anyReplica();
    if (replica === undefined) return false;
    const { deliveryCount, sequence } = position;
    this.#handle(replica, message.input, position, {
      answered: () => undefined,
      settle: (disposition, handled) => {
        if (handled?.countsAsError) replica.errors.add(sequence);
        if (this.network.happens(this.#plan.weather.settleLost)) return;
        this.#scheduler.after(this.network.travelMs(), () => this.queue.settle(message, deliveryCount, disposition));
      },
    });
    return true;
  }

  /** A client; only one with a key may ask again, since only then nothing is done twice. */
  #ask(input: Input, tries: number, pushLater: boolean): void {
    const replica = this.#anyReplica();
    let open = true;
    this.#openWork += 1;
    const close = (again: boolean): void => {
      if (!open) return;
      open = false;
      this.#openWork -= 1;
      if (again && tries > 1 && input.key !== undefined) {
        const push = input.push || pushLater;
        this.#ask({ ...input, push }, tries - 1, pushLater);
      }
    };
    this.#scheduler.after(CLIENT_TIMEOUT_MS, () => close(true));
    if (replica === undefined) return;
    this.#handle(replica, input, undefined, {
      answered: (headers) => close(headers.has("Retry-After") || pushLater),
      settle: () => undefined,
    });
  }

  #handle(
    replica: Replica,
    input: Input,
    position: StreamPosition | undefined,
    client: {
      answered(headers: ReadonlyMap<string, string>): void;
      settle(disposition: Handled["disposition"], handled: Handled | undefined): void;
    },
  ): void {
    const { table } = replica;
    const handling = beginHandling({ input, startedMs: this.nowMs, sequence: position?.sequence, table });
    this.handlings.push(handling);
    const context = contextFor(table, this.#newId);
    const make = () => {
      const delivery = this.#delivery(replica, input, position);
      this.#identify(handling, delivery);
      return this.#protocol.handle(delivery, context);
    };
    const perform = (effect: SimEffect, resume: (result: EffectResult) => void) => {
      if (effect.kind === "reply") {
        this.#reply(handling, effect, client.answered);
        resume({ kind: "done" });
      } else if (effect.kind === "settle") {
        client.settle(effect.disposition, undefined);
        resume({ kind: "done" });
      } else this.#perform(handling, effect, resume);
    };
    replica.run(make, perform, (handled) => {
      Object.assign(handling, { handled, endedMs: this.nowMs });
      client.settle(handled.disposition, handled);
    });
  }

  #delivery(replica: Replica, input: Input, position: StreamPosition | undefined): Delivery {
    return {
      subject: position === undefined ? DECIDE_SUBJECT : `${SUBMIT_PREFIX}${TENANT}`,
      headers: headersOf(input),
      body: encodeInput(input),
      replyTo: "_INBOX.producer.1",
      position,
      nowMs: this.nowMs,
      errorCount: position === undefined ? 0 : replica.errors.get(position.sequence),
    };
  }

  /** Under table 0, by which every valid input is accepted: what a message means does not depend on policies. */
  #identify(handling: Handling, delivery: Delivery): void {
    const context = contextFor(0, () => "");
    const result = validateIntakeMessage("decide", delivery.subject, delivery.headers, delivery.body, context.rules);
    if (!result.ok) return;
    const { effectId, fingerprint } = identifyEffect(delivery, result.value, context);
    handling.request = result.value;
    handling.fingerprint = fingerprint;
    if (effectId === "") return;
    handling.effectId = effectId;
    this.#requests.set(effectId, result.value);
  }

  #perform(
    handling: Handling | undefined,
    effect: Exclude<SimEffect, { kind: "reply" | "settle" }>,
    resume: (result: EffectResult) => void,
  ): void {
    switch (effect.kind) {
      case "publish": {
        const effectId = new Map(effect.message.headers).get("Beamline-Effect-Id");
        if (handling !== undefined && effectId !== undefined) this.#name(handling, effectId);
        const stored = (message: ModelMessage) => {
          if (effect.message.purpose === "dead-letter") this.deadLetters.push({ handling, message });
          if (effect.message.purpose === "assignment") this.assignments.push({ handling, message });
        };
        this.network.publish(effect.message, stored, resume);
        return;
      }
      case "readLast":
        this.network.read(effect.subject, resume);
        return;
      case "withdraw":
        this.network.withdraw(effect, resume);
        return;
      case "wait":
        this.#scheduler.after(effect.ms, () => resume({ kind: "done" }));
        return;
      case "callStep":
        this.#extensions.call(handling, effect.call, resume);
    }
  }

  /** The id of an effect without key or stream is chance: it is learnt from what is published. */
  #name(handling: Handling, effectId: string): void {
    if (handling.effectId !== undefined) return;
    handling.effectId = effectId;
    if (handling.request !== undefined) this.#requests.set(effectId, handling.request);
  }

  #reply(
    handling: Handling,
    reply: Extract<Effect, { kind: "reply" }>,
    answered: (headers: ReadonlyMap<string, string>) => void,
  ): void {
    const headers = new Map(reply.headers);
    this.answers.push({ handling, timeMs: this.nowMs, headers, body: reply.body });
    if (this.network.happens(this.#plan.weather.answerLost)) return;
    this.#scheduler.after(this.network.travelMs(), () => answered(headers));
  }

  /** An attempt fails: its timer fires until a replica has seen to it. */
  #beginReroute(nth: number, times: number): void {
    const standing = this.network.assignments.journal.filter((message) => isThere(message, this.nowMs));
    const effects = standing
      .flatMap((message) => readExisting(message) ?? [])
      .filter(({ stage }) => stage === "assignment");
    const existing = effects[nth % Math.max(1, effects.length)];
    const request = existing === undefined ? undefined : this.#requests.get(existing.effectId);
    if (existing === undefined || request === undefined) return;
    for (let count = 0; count < times; count++)
      this.#runJob({ effectId: existing.effectId, attempt: existing.attempt, request }, 1);
  }

  #runJob(job: { effectId: string; attempt: number; request: DecideRequest }, runs: number): void {
    let open = true;
    this.#openWork += 1;
    const close = (again: boolean): void => {
      if (!open) return;
      open = false;
      this.#openWork -= 1;
      if (again && runs < MAX_JOB_RUNS) this.#runJob(job, runs + 1);
    };
    this.#scheduler.after(JOB_RETRY_MS, () => close(true));
    const replica = this.#anyReplica();
    if (replica === undefined) return;
    const context = contextFor(replica.table, this.#newId);
    const perform = (effect: SimEffect, resume: (result: EffectResult) => void) => {
      if (effect.kind === "reply" || effect.kind === "settle") throw new Error(`a re-route cannot ${effect.kind}`);
      this.#perform(undefined, effect, resume);
    };
    replica.run(
      () => this.#protocol.reroute(job, context, this.nowMs),
      perform,
      (result) => close(result === "again"),
    );
  }
}
