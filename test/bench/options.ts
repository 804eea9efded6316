// What a benchmark run is told on its command line.

export interface BenchOptions {
  /** Messages of each measured run on NATS. */
  readonly messages: number;
  /** Measured repetitions; one more, shorter, warms up before them and is not counted. */
  readonly repetitions: number;
  /** Durable messages through one router while its memory is watched; 0: not measured. */
  readonly soakMessages: number;
  /** Print the document instead of writing it. */
  readonly stdout: boolean;
  /** Measure the pure functions and nothing else. */
  readonly functionsOnly: boolean;
  /** Run thousands of policies on an API server and nothing else: minutes to tens of minutes. */
  readonly cluster: boolean;
  /** Measure heartbeats over gRPC and nothing else. */
  readonly heartbeatsOnly: boolean;
  /** Folder for a CPU profile of the router. */
  readonly profileDir: string | undefined;
}

export const USAGE = `npm run bench -- [flags]
  --messages N      messages of each run on NATS (default 40000, 1000..500000)
  --repetitions N   measured repetitions (default 3, 1..20)
  --soak N          durable messages through one router while its memory is watched (default 0: left out; at most 5000000)
  --functions-only  measure the pure functions and nothing else; prints
  --cluster         thousands of policies on a real API server, and nothing else; replaces that section of the document
  --heartbeats-only measure heartbeats to a control plane beside a bare gRPC echo and nothing else; prints
  --stdout          print the document instead of writing docs/benchmarks.md
  --profile DIR     leave a CPU profile of the router in DIR; prints`;

const DEFAULT_MESSAGES = 40_000;
const DEFAULT_REPETITIONS = 3;

/** Reads the arguments; throws an Error with the flag, the value and the rule when one of them is wrong. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const options = {
    messages: DEFAULT_MESSAGES,
    repetitions: DEFAULT_REPETITIONS,
    soakMessages: 0,
    stdout: false,
    functionsOnly: false,
    cluster: false,
    heartbeatsOnly: false,
    profileDir: undefined as string | undefined,
  };
  const rest = [...args];
  for (let flag = rest.shift(); flag !== undefined; flag = rest.shift()) {
    switch (flag) {
      case "--messages":
        options.messages = wholeNumber(flag, rest.shift(), 1_000, 500_000);
        break;
      case "--repetitions":
        options.repetitions = wholeNumber(flag, rest.shift(), 1, 20);
        break;
      case "--soak":
        options.soakMessages = wholeNumber(flag, rest.shift(), 0, 5_000_000);
        break;
      case "--stdout":
        options.stdout = true;
        break;
      case "--functions-only":
        options.functionsOnly = true;
        break;
      case "--cluster":
        options.cluster = true;
        break;
      case "--heartbeats-only":
        options.heartbeatsOnly = true;
        break;
      case "--profile":
        options.profileDir = rest.shift();
        if (options.profileDir === undefined) throw new Error(`--profile needs a folder\n${USAGE}`);
        break;
      default:
        throw new Error(`unknown flag ${flag}\n${USAGE}`);
    }
  }
  return options;
}

function wholeNumber(flag: string, text: string | undefined, min: number, max: number): number {
  const value = Number(text);
  if (text === undefined || !Number.isSafeInteger(value) || value < min || value > max) {
    throw new Error(`${flag} ${text ?? ""}: must be a whole number from ${min} to ${max}\n${USAGE}`);
  }
  return value;
}
