// Short ways to write what happens to a registry, for tests.
import assert from "node:assert/strict";
import { advance } from "../../../core/registry/advance.ts";
import type { Component } from "../../../core/registry/component.ts";
import type { Step } from "../../../core/registry/draft.ts";
import type { Beat, NewRegistration, Notice, Refusal, RegistryEvent } from "../../../core/registry/event.ts";
import { createRegistry, findComponent, type Registry, type RegistrySettings } from "../../../core/registry/state.ts";
import { type RegistrationRequest, validateRegistration } from "../../../core/registry/validate-registration.ts";

export const START_MS = 1_700_000_000_000;
export const TTL_MS = 30_000;
const CHANCE = "0123456789abcdef";
export const TICK_MS = 500;

export function registration(id: string, more: Partial<RegistrationRequest> = {}): NewRegistration {
  const request = {
    kind: "processor",
    id,
    endpoint: `${id}.test:9000`,
    metadata: {},
    instance: `${id}-1`,
    ...more,
  } as const;
  const result = validateRegistration(request, { chance: CHANCE });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

export function beat(id: string, more: Partial<Beat> = {}): Beat {
  return { kind: "processor", id, report: { status: "HEALTHY", text: "HEALTHY", metrics: new Map() }, ...more };
}

type Body = RegistryEvent extends infer E ? (E extends RegistryEvent ? Omit<E, "nowMs"> : never) : never;

/** A registry with its clock, and everything it said. */
export class Driven {
  state: Registry;
  nowMs = START_MS;
  readonly notices: Notice[] = [];
  readonly refusals: Refusal[] = [];

  constructor(settings: Partial<RegistrySettings> = {}, self = "self") {
    this.state = createRegistry({ epoch: "epoch", self, nowMs: START_MS, settings });
  }

  do(body: Body): Step {
    const step = advance(this.state, { ...body, nowMs: this.nowMs } as RegistryEvent);
    this.state = step.state;
    this.notices.push(...step.notices);
    this.refusals.push(...step.refusals);
    return step;
  }

  register(...ids: readonly string[]): this {
    for (const id of ids) this.do({ kind: "registered", registration: registration(id) });
    return this;
  }

  beat(...ids: readonly string[]): this {
    this.do({ kind: "beat", beats: ids.map((id) => beat(id)) });
    return this;
  }

  /** Ticks for so long; `every` is called before each tick with the time since the start. */
  pass(forMs: number, every: (sinceStartMs: number) => void = () => {}): this {
    for (const endMs = this.nowMs + forMs; this.nowMs < endMs; ) {
      this.nowMs += TICK_MS;
      every(this.nowMs - START_MS);
      this.do({ kind: "tick" });
    }
    return this;
  }

  component(id: string): Component | undefined {
    return findComponent(this.state, { kind: "processor", id });
  }

  liveness(id: string): string {
    return this.component(id)?.liveness ?? "absent";
  }

  kinds(): readonly string[] {
    return this.notices.map(({ kind }) => kind);
  }
}
