// What must hold of every run, judged by what really happened.
import assert from "node:assert/strict";
import type { Component } from "../../../core/registry/component.ts";
import type { Notice } from "../../../core/registry/event.ts";
import { PEER_SILENCE_MS } from "../../../core/registry/limits.ts";
import { type ComponentModel, TTL_MS } from "./component-model.ts";
import type { Replica } from "./replica.ts";

/** A lost component must not have been kept for longer than its time to live and this. */
const LOST_WITHIN_MS = 2_000;
/** The same for one that the guard kept: from when all replicas were there to agree, and knew whether one before them is gone. */
const AGREED_WITHIN_MS = PEER_SILENCE_MS + 8_000;
/** Clocks differ by up to twice the skew, and a step is half a second. */
export const MAX_SKEW_MS = 200;
const CLOCK_SLACK_MS = 2 * MAX_SKEW_MS + 500;

export class Checker {
  readonly #models = new Map<string, ComponentModel>();
  readonly #sequences = new Map<string, number>();
  readonly #seqs = new Map<string, number>();

  add(model: ComponentModel): void {
    this.#models.set(model.instance, model);
  }

  told(replica: Replica, notices: readonly Notice[], nowMs: number): void {
    for (const notice of notices) {
      assert.equal(
        notice.sequence,
        (this.#sequences.get(replica.incarnation) ?? 0) + 1,
        "numbers of notices have a gap",
      );
      this.#sequences.set(replica.incarnation, notice.sequence);
      if (!("component" in notice)) continue;
      this.#checkOrder(replica, notice.component);
      if (notice.kind === "livenessChanged" && notice.component.liveness === "lost")
        this.#checkLoss(replica, notice.component, nowMs);
    }
  }

  /** Nobody who is gone is kept. */
  checkKept(replicas: readonly Replica[], nowMs: number): void {
    const quorumSinceMs = Math.max(...replicas.map(hearsSince));
    for (const replica of replicas) {
      const { state } = replica;
      if (replica.connectedSinceMs === undefined || state.deafSinceMs !== undefined) continue;
      for (const component of state.components.values()) {
        if (component.liveness === "lost") continue;
        const model = this.#models.get(component.registration.instance);
        assert.ok(model !== undefined, "a component that never was");
        const silentSinceMs = Math.max(model.acceptedMs, hearsSince(replica));
        const dueMs = component.held
          ? Math.max(silentSinceMs, quorumSinceMs) + AGREED_WITHIN_MS
          : silentSinceMs + LOST_WITHIN_MS;
        if (nowMs <= dueMs + TTL_MS + CLOCK_SLACK_MS) continue;
        const silentMs = nowMs - silentSinceMs;
        assert.fail(
          `${replica.incarnation} keeps ${model.instance} as ${component.liveness}${component.held ? " (held)" : ""} after ${silentMs} ms of silence`,
        );
      }
    }
  }

  /** Nothing went wrong for long enough: every replica says the same, and that it is so. */
  checkAgreement(replicas: readonly Replica[], alive: readonly ComponentModel[]): void {
    for (const replica of replicas) {
      const said = [...replica.state.components.values()]
        .filter(({ liveness }) => liveness !== "lost")
        .map(show)
        .sort();
      const truth = alive.map(({ instance, text }) => `${instance} live ${text}`).sort();
      assert.deepEqual(said, truth, `${replica.incarnation} says what is not so`);
    }
    const lost = replicas.map(({ state }) => [...state.components.values()].map(show).sort());
    // A replica that started late need not know who was lost before.
    for (const one of lost) for (const text of one) assert.ok(!text.includes(" late "), `${text} at rest`);
  }

  #checkOrder(replica: Replica, { registration, revision }: Component): void {
    const key = `${replica.incarnation} ${registration.id}`;
    assert.ok(registration.seq >= (this.#seqs.get(key) ?? 0), `${key} goes back to an older registration`);
    this.#seqs.set(key, registration.seq);
    assert.equal(revision, this.#sequences.get(replica.incarnation), "the revision of a component is not its notice's");
  }

  /** Nobody who beats is lost: neither where it is heard, nor where those that hear it are heard. */
  #checkLoss(replica: Replica, { registration, lastSeenMs }: Component, nowMs: number): void {
    const model = this.#models.get(registration.instance);
    assert.ok(model !== undefined, "a component that never was");
    const isConnected = replica.connectedSinceMs !== undefined && replica.connectedSinceMs <= model.sharedMs;
    const heardMs = isConnected ? model.sharedMs : Number.NEGATIVE_INFINITY;
    const falsely = nowMs - heardMs < TTL_MS - CLOCK_SLACK_MS;
    assert.ok(
      !falsely,
      `${replica.incarnation} calls ${model.instance} lost ${nowMs - heardMs} ms after a sign of life that it can know; it knows one of ${nowMs - lastSeenMs} ms ago`,
    );
    assert.ok(replica.nowMs - lastSeenMs >= TTL_MS, `${model.instance} is lost before its time`);
  }
}

function hearsSince({ connectedSinceMs, state }: Replica): number {
  return connectedSinceMs === undefined ? Number.POSITIVE_INFINITY : Math.max(connectedSinceMs, state.hearingSinceMs);
}

function show({ registration, liveness, reported }: Component): string {
  return `${registration.instance} ${liveness} ${reported.text}`;
}
