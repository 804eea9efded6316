// The load as a process of its own, so that it keeps its pace whatever the test does. It ends with the test's process.
import type { LoadCall, LoadReply, LoadTarget } from "./calls.ts";
import { Load } from "./load.ts";

const load = new Load();

function carryOut({ method, argument }: LoadCall): unknown {
  switch (method) {
    case "start":
      return load.start(argument as LoadTarget);
    case "begin":
      return load.begin(argument as string);
    case "end":
      return load.end(argument as number);
    case "stop":
      return load.stop();
    case "totals":
      return load.totals();
  }
}

async function answer(call: LoadCall): Promise<LoadReply> {
  try {
    return { id: call.id, result: (await carryOut(call)) ?? null };
  } catch (error) {
    return { id: call.id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}

process.on("message", (call: LoadCall) => {
  void answer(call).then((reply) => process.send?.(reply));
});
process.on("disconnect", () => process.exit(0));
