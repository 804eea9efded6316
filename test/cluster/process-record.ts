// Processes remembered by id for a later command: never another process that got the same id meanwhile.
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

export interface ProcessRecord {
  readonly name: string;
  readonly pid: number;
  /** When it started, in clock ticks since boot: with the id it names a process for ever. */
  readonly startTicks: string;
}

const GONE_DEADLINE_MS = 10_000;
const LOOK_EVERY_MS = 20;
/** Field 22 of /proc/<pid>/stat (proc(5)), counted after the program's name, which is field 2 and may hold spaces. */
const START_TICKS_INDEX = 22 - 3;
const STATE_INDEX = 0;

export function recordProcess(name: string, pid: number): ProcessRecord {
  return { name, pid, startTicks: statFields(pid)?.[START_TICKS_INDEX] ?? "" };
}

/** Whether that very process still runs. A zombie does not: it only waits for its parent to look. */
export function stillRuns({ pid, startTicks }: ProcessRecord): boolean {
  const fields = statFields(pid);
  return fields !== undefined && fields[START_TICKS_INDEX] === startTicks && fields[STATE_INDEX] !== "Z";
}

/** kill -9, and waits until all are gone. Throws when one is still there after 10 s. */
export async function killRecorded(records: readonly ProcessRecord[]): Promise<void> {
  for (const record of records) if (stillRuns(record)) process.kill(record.pid, "SIGKILL");
  const startMs = performance.now();
  for (const record of records) {
    while (stillRuns(record)) {
      if (performance.now() - startMs > GONE_DEADLINE_MS) {
        throw new Error(`${record.name} (process ${record.pid}) is still there ${GONE_DEADLINE_MS} ms after kill -9`);
      }
      await delay(LOOK_EVERY_MS);
    }
  }
}

function statFields(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // No such process.
    return undefined;
  }
}

/** Whether any process has that id. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, and is another user's.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
