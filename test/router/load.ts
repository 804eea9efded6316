// A steady load of requests while a test does something to the routers: every answer is kept.
import type { Msg } from "@nats-io/nats-core";
import type { Bus } from "./bus.ts";
import { readDecision } from "./messages.ts";

/** Held by `await using`, so that a test that fails leaves no load behind. */
export interface RunningLoad extends AsyncDisposable {
  readonly answered: () => number;
  /** Ends it; resolves to what did not come to a decision. */
  stop(): Promise<readonly string[]>;
}

/** So many that some are always on their way to each router. */
const WORKERS = 64;
/** Failures kept; a load in which everything fails need not fill the memory. */
const MAX_FAILURES = 100;

/** Requests by a few at once, one after the other, until it is stopped; every second one carries a key and is pushed. */
export function startLoad(bus: Bus): RunningLoad {
  const failures: string[] = [];
  let answered = 0;
  let stopping = false;
  let next = 0;
  const work = async (): Promise<void> => {
    while (!stopping) {
      const index = next++;
      const fields = index % 2 === 0 ? { key: `load-${index}`, push: true } : {};
      const failure = await bus.ask("protobuf", fields).then(problemOf, (error: unknown) => String(error));
      if (failure === undefined) answered++;
      else if (failures.length < MAX_FAILURES) failures.push(`${index}: ${failure}`);
    }
  };
  const workers = Promise.all(Array.from({ length: WORKERS }, work));
  const stop = async (): Promise<readonly string[]> => {
    stopping = true;
    await workers;
    return failures;
  };
  return {
    answered: () => answered,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

function problemOf(msg: Msg): string | undefined {
  try {
    readDecision("protobuf", msg);
    return undefined;
  } catch (error) {
    return String(error);
  }
}
