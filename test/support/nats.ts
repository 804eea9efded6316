// A real nats-server for a test, on a free loopback port and a folder of its own.
import { type FoundNatsServer, findNatsServer } from "../../cli/nats-server.ts";
import { type NatsProcess, startNatsServer } from "../../cli/nats-server-process.ts";
import { reasonOf } from "../../runtime/errors.ts";
import { skipUnless } from "./skip.ts";
import { makeTempDir } from "./temp.ts";

export interface TestNatsOptions {
  readonly configFile?: string;
  /** The test or hook that asks: skipped aloud when no server can be had, unless BEAMLINE_REQUIRE=all. */
  readonly context?: Mocha.Context;
  /** A folder that outlives the server; a temporary one when absent. */
  readonly dataDir?: string;
}

export interface TestNats {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  process(): NatsProcess;
  /** Ends it in order (or with `signal`) and starts it again on the same port and folder. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** kill -9; `start` brings it back. */
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Enough for building nats-server once on a machine that has none; for the `timeout` of hooks that start one. */
export const NATS_START_TIMEOUT_MS = 300_000;
const HOST = "127.0.0.1";

let found: Promise<FoundNatsServer> | undefined;

/** The program that all tests of this process use. */
export function testNatsServer(): Promise<FoundNatsServer> {
  found ??= findNatsServer({ progress: (line) => process.stderr.write(`${line}\n`) });
  return found;
}

export async function startTestNats(options: TestNatsOptions = {}): Promise<TestNats> {
  const program = await testNatsServer().catch((error: unknown) => skipOrFail(error, options.context));
  const temp = options.dataDir === undefined ? await makeTempDir("beamline-nats-") : undefined;
  const dataDir = options.dataDir ?? temp?.path ?? "";
  const launch = (port: number): Promise<NatsProcess> =>
    startNatsServer({
      path: program.path,
      host: HOST,
      port,
      dataDir,
      ...(options.configFile === undefined ? {} : { configFile: options.configFile }),
    });
  let server = await launch(0);
  const { url, port } = server;
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    server.kill(signal);
    await server.exited;
  };
  const start = async (): Promise<void> => {
    server = await launch(port);
  };
  return {
    url,
    port,
    dataDir,
    process: () => server,
    restart: async (signal = "SIGTERM") => {
      await kill(signal);
      await start();
    },
    kill: () => kill("SIGKILL"),
    start,
    stop: async () => {
      await server.stop();
      await temp?.remove();
    },
  };
}

function skipOrFail(error: unknown, context: Mocha.Context | undefined): never {
  if (context !== undefined) skipUnless(context, false, reasonOf(error));
  throw error;
}
