// Tells a person on stderr what is being waited for, once the waiting takes long enough to wonder.
import type { Terminal } from "./terminal.ts";

/** Waiting shorter than this passes without a word. */
const SILENT_MS = 1_000;
/** A line each time this has passed again. */
const REPEAT_MS = 5_000;

/** Runs `work`; after a second says what is going on, then again every five seconds with the time spent. */
export async function withProgress<T>(terminal: Terminal, activity: string, work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now();
  let timer = setTimeout(tick, SILENT_MS);
  function tick(): void {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    terminal.note(`… ${activity} (${seconds} s)`, "dim");
    timer = setTimeout(tick, REPEAT_MS);
  }
  try {
    return await work();
  } finally {
    clearTimeout(timer);
  }
}
