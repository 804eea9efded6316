// Preloaded into a worker that `beamline up` starts: ends it when the pipe from `up` closes, however `up` came to its end,
// so that a worker needs no line of code for that and none is ever left behind.
import { exitWhenParentEnds } from "../runtime/lifecycle.ts";

/** A worker that does not stop by itself after SIGTERM ends after this. */
const GRACE_MS = 5_000;

exitWhenParentEnds(process.stdin, () => {
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
});
// Reading the pipe must not keep a worker alive that has nothing else to do.
if ("unref" in process.stdin && typeof process.stdin.unref === "function") process.stdin.unref();
