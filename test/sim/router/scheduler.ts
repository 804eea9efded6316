// Virtual time: actions run in the order of their times, and nothing else makes time pass.

interface Entry {
  readonly timeMs: number;
  /** Actions of one moment run in the order in which they were scheduled. */
  readonly order: number;
  readonly action: () => void;
}

/** Actions of one run at most; a run that needs more goes round in circles. */
const MAX_STEPS = 100_000;

export class Scheduler {
  nowMs: number;
  #heap: Entry[] = [];
  #order = 0;
  #steps = 0;

  constructor(startMs: number) {
    this.nowMs = startMs;
  }

  after(delayMs: number, action: () => void): void {
    this.#push({ timeMs: this.nowMs + delayMs, order: this.#order++, action });
  }

  at(timeMs: number, action: () => void): void {
    this.#push({ timeMs: Math.max(timeMs, this.nowMs), order: this.#order++, action });
  }

  /** Runs until nothing is left to do before `untilMs`, or `done` says so. */
  run(untilMs: number, done: () => boolean): void {
    for (let next = this.#heap[0]; next !== undefined && next.timeMs <= untilMs; next = this.#heap[0]) {
      if (done()) return;
      if (++this.#steps > MAX_STEPS) throw new Error(`the run did not end within ${MAX_STEPS} steps`);
      this.#pop();
      this.nowMs = next.timeMs;
      next.action();
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = heap[child + 1];
      if (right !== undefined && isBefore(right, heap[child] as Entry)) child += 1;
      const below = heap[child] as Entry;
      if (!isBefore(below, last)) break;
      heap[at] = below;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order);
}
