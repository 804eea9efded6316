// CPU time and memory of another process, as Linux counts them.
import { readFile } from "node:fs/promises";

/** Clock ticks of /proc a second: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
const MICROS_PER_TICK = 1_000_000 / TICKS_PER_SECOND;
/** Fields of /proc/PID/stat after the name in parentheses: utime and stime are the 14th and 15th of all. */
const UTIME = 11;
const STIME = 12;
const KIB_PER_MIB = 1024;

/** User and system time since the start of the process, microseconds, in steps of 10 ms; NaN where there is no /proc. */
export async function readCpuMicros(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1").catch(() => "");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[UTIME]) + Number(fields[STIME])) * MICROS_PER_TICK;
}

/** Resident memory of the process, MiB; NaN where there is no /proc. */
export async function readResidentMiB(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, "latin1").catch(() => "");
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(text)?.[1];
  return Number(kib) / KIB_PER_MIB;
}
