// Which events are worth writing: repeated ones become a series, and one object cannot flood the cluster. Pure but for its memory.

/** What happened to which object. The same strings mean the same event again. */
export interface EventKey {
  /** Where its events lie. */
  readonly namespace: string;
  /** Uid of the object. */
  readonly object: string;
  readonly type: string;
  readonly reason: string;
  readonly action: string;
}

export type EventPlan =
  | { readonly action: "Create" }
  /** Say that it happened `count` times by now, the last time at `lastMs`. */
  | { readonly action: "Update"; readonly name: string; readonly count: number; readonly lastMs: number }
  /** Counted; written later, or never when the object has spent what it may. */
  | { readonly action: "Hold"; readonly dropped: boolean };

/** client-go ends a series after 6 minutes of silence. */
export const SERIES_SILENCE_MS = 360_000;
export const SERIES_UPDATE_INTERVAL_MS = 300_000;
/** New events of one object: this many at once, then one in five minutes (client-go's spam filter). */
export const EVENT_BURST = 25;
export const EVENT_REFILL_MS = 300_000;
/** Series and objects that are remembered; the oldest is forgotten. */
export const MAX_EVENT_SERIES = 4_096;

interface Series {
  readonly key: EventKey;
  /** Undefined until the API server has the first event. */
  name: string | undefined;
  count: number;
  writtenCount: number;
  lastMs: number;
  writtenMs: number;
}

interface Budget {
  tokens: number;
  refilledMs: number;
}

export class EventSeries {
  private readonly series = new Map<string, Series>();
  private readonly budgets = new Map<string, Budget>();

  /** It happened, at `nowMs` on a clock that never goes back. */
  record(key: EventKey, nowMs: number): EventPlan {
    const text = textOf(key);
    const known = this.series.get(text);
    if (known === undefined || nowMs - known.lastMs > SERIES_SILENCE_MS) return this.begin(text, key, nowMs);
    known.count++;
    known.lastMs = nowMs;
    // The second one makes it a series, and is worth showing at once.
    const due = known.writtenCount === 1 || nowMs - known.writtenMs >= SERIES_UPDATE_INTERVAL_MS;
    return due ? write(known, nowMs) : { action: "Hold", dropped: false };
  }

  /** The event was created under `name`. */
  created(key: EventKey, name: string): void {
    const known = this.series.get(textOf(key));
    if (known !== undefined) known.name = name;
  }

  /** The API server has it no more, or never got it: the next one begins anew. */
  forget(key: EventKey): void {
    this.series.delete(textOf(key));
  }

  /** What was held and is due by now. Forgets series that are over. */
  due(nowMs: number): { readonly key: EventKey; readonly plan: EventPlan }[] {
    const plans: { readonly key: EventKey; readonly plan: EventPlan }[] = [];
    for (const [text, known] of this.series) {
      const over = nowMs - known.lastMs > SERIES_SILENCE_MS;
      const unsaid = known.count > known.writtenCount && known.name !== undefined;
      if (unsaid && (over || nowMs - known.writtenMs >= SERIES_UPDATE_INTERVAL_MS)) {
        plans.push({ key: known.key, plan: write(known, nowMs) });
      }
      if (over) this.series.delete(text);
    }
    return plans;
  }

  private begin(text: string, key: EventKey, nowMs: number): EventPlan {
    if (!this.spend(key.object, nowMs)) return { action: "Hold", dropped: true };
    this.series.delete(text);
    this.series.set(text, {
      key,
      name: undefined,
      count: 1,
      writtenCount: 1,
      lastMs: nowMs,
      writtenMs: nowMs,
    });
    forgetOldest(this.series);
    return { action: "Create" };
  }

  private spend(object: string, nowMs: number): boolean {
    const budget = this.budgets.get(object) ?? { tokens: EVENT_BURST, refilledMs: nowMs };
    const refills = Math.floor((nowMs - budget.refilledMs) / EVENT_REFILL_MS);
    const tokens = Math.min(budget.tokens + refills, EVENT_BURST);
    const refilledMs = budget.refilledMs + refills * EVENT_REFILL_MS;
    this.budgets.delete(object);
    this.budgets.set(object, { tokens: Math.max(tokens - 1, 0), refilledMs });
    forgetOldest(this.budgets);
    return tokens > 0;
  }
}

function write(series: Series, nowMs: number): EventPlan {
  // The first event is still on its way: what it has no name for yet is said later.
  if (series.name === undefined) return { action: "Hold", dropped: false };
  series.writtenCount = series.count;
  series.writtenMs = nowMs;
  return { action: "Update", name: series.name, count: series.count, lastMs: series.lastMs };
}

function forgetOldest(map: Map<string, unknown>): void {
  const oldest = map.size > MAX_EVENT_SERIES ? map.keys().next().value : undefined;
  if (oldest !== undefined) map.delete(oldest);
}

function textOf({ namespace, object, type, reason, action }: EventKey): string {
  return [namespace, object, type, reason, action].join("\n");
}
