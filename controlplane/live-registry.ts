// The registry of this process: the one place that holds its state, lets time pass for it, and wakes those who watch it.
import { advance } from "../core/registry/advance.ts";
import type { Step } from "../core/registry/draft.ts";
import type { GuardCounts, Notice, RegistryEvent } from "../core/registry/event.ts";
import { createRegistry, type Registry, type RegistrySettings } from "../core/registry/state.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { LogFields, Logger } from "../runtime/log.ts";
import { SteadyClock } from "./steady-clock.ts";

/** How often time passes for the registry: a component that went silent is noticed so much later at most. */
export const TICK_MS = 250;

type WithoutTime<E> = E extends RegistryEvent ? Omit<E, "nowMs"> : never;
/** What happens, without its time: that is this registry's to tell. */
export type Happening = WithoutTime<RegistryEvent>;

export interface LiveRegistryOptions {
  /** Random text, unlike that of any registry before: tokens of watches are of one epoch. */
  readonly epoch: string;
  /** Name of this process among the replicas. */
  readonly self: string;
  readonly settings: Partial<RegistrySettings>;
  readonly log: Logger;
  readonly clock?: Clock;
}

/** Told after each step that has notices; must not throw. */
export type NoticeListener = (notices: readonly Notice[]) => void;
/** Told of everything that happens, after its step; must not throw. */
export type HappeningListener = (happening: Happening) => void;

export class LiveRegistry {
  private readonly clock: SteadyClock;
  private readonly log: Logger;
  private readonly listeners = new Set<NoticeListener>();
  private readonly happeningListeners = new Set<HappeningListener>();
  private current: Registry;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: LiveRegistryOptions) {
    const { epoch, self, settings, log } = options;
    this.log = log;
    this.clock = new SteadyClock(options.clock ?? systemClock);
    this.current = createRegistry({ epoch, self, nowMs: this.clock.nowMs(), settings });
  }

  /** Immutable: whoever reads it keeps one moment. */
  get state(): Registry {
    return this.current;
  }

  /** Wall time that does not jump, as events carry it. */
  nowMs(): number {
    return this.clock.nowMs();
  }

  start(): void {
    this.timer ??= setInterval(() => this.apply({ kind: "tick" }), TICK_MS);
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.listeners.clear();
    this.happeningListeners.clear();
  }

  /** Makes the next state. What was refused is in the result; nothing else can fail. */
  apply(happening: Happening): Step {
    // A happening and a time are an event: TypeScript does not see it through the distributed Omit.
    const step = advance(this.current, { ...happening, nowMs: this.clock.nowMs() } as RegistryEvent);
    this.current = step.state;
    for (const listener of this.happeningListeners) listener(happening);
    if (step.notices.length > 0) this.tell(step.notices);
    return step;
  }

  /** Gives back what ends it. */
  onNotices(listener: NoticeListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Gives back what ends it. */
  onHappening(listener: HappeningListener): () => void {
    this.happeningListeners.add(listener);
    return () => this.happeningListeners.delete(listener);
  }

  private tell(notices: readonly Notice[]): void {
    for (const notice of notices) logNotice(this.log, notice);
    for (const listener of this.listeners) listener(notices);
  }
}

/** What an operator of the system wants to find in the log; registrations and heartbeats are found through the registry. */
function logNotice(log: Logger, notice: Notice): void {
  switch (notice.kind) {
    case "guardTripped":
      log.warn("expiry guard tripped", countFields(notice.counts));
      break;
    case "guardReleased":
      log.info("expiry guard released", countFields(notice.counts));
      break;
    case "deaf":
      log.warn("registry does not hear the other replicas", { reason: notice.reason });
      break;
    case "hearing":
      log.info("registry hears again", { gap_ms: Math.round(notice.gapMs) });
      break;
    case "takenOver": {
      const { kind, id, instance } = notice.component.registration;
      log.info("component taken over", { kind, id, instance, fenced_instance: notice.fencedInstance });
      break;
    }
    case "livenessChanged": {
      const { kind, id } = notice.component.registration;
      log.info("component liveness changed", { kind, id, from: notice.previous, to: notice.component.liveness });
      break;
    }
  }
}

function countFields({ held, lostInWindow, allowed, alive }: GuardCounts): LogFields {
  return { held, lost_in_window: lostInWindow, allowed, alive };
}
