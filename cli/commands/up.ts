// `beamline up`: the whole system on one machine, from a folder of policies; Ctrl-C ends all of it.
import { join } from "node:path";
import { openLogFile } from "../../operator/infrastructure/processes/log-file.ts";
import { runLifecycle } from "../../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../../runtime/log.ts";
import type { Command } from "../command.ts";
import { checkDataDir } from "../nats-server-storage.ts";
import { readUpSettings, requireUnused, UP_OPTIONS } from "../up-settings.ts";
import { printSummary } from "../up-summary.ts";

/** All stops together; leaves time to exit within the ten seconds that Ctrl-C promises. */
const TOTAL_STOP_MS = 9_000;
/** Lines of one message in a minute. */
const LOG_LIMIT = { linesPerWindow: 60, windowMs: 60_000 };

export const upCommand: Command = {
  name: "up",
  summary: "Run the whole system on this machine: NATS, operator, routers, control plane, and a worker if wanted",
  usage: "--policies DIR [--worker SCRIPT] [--routers N]",
  options: UP_OPTIONS,
  examples: [
    "npx beamline up --policies examples/quickstart --worker examples/worker/worker.ts",
    "npx beamline up --policies policies --nats-url nats://127.0.0.1:4222 --routers 4",
  ],
  run: async (invocation) => {
    const { terminal, cwd } = invocation;
    const settings = await readUpSettings(invocation);
    await checkDataDir(settings.dataDir);
    await requireUnused(settings);
    const logDir = join(settings.dataDir, "logs");
    // The log's own troubles have nowhere to go but away: `openLogFile` counts the lines it had to drop.
    const output = openLogFile(join(logDir, "operator.log"), createLogger({ service: "up", level: "silent" }));
    const stream = { write: (line: string) => output.write(line.trimEnd()) };
    const log = createLimitedLogger(createLogger({ service: "operator", stream }), LOG_LIMIT);
    // Operator and routers are loaded only where they are run: the other commands start in half the time without them.
    const { LocalSystem } = await import("../local-system.ts");
    const system = new LocalSystem({ settings, terminal, log, logDir, env: invocation.env });
    const exitCode = await runLifecycle(system.steps(), {
      log,
      totalStopMs: TOTAL_STOP_MS,
      stopSignal: system.failed,
      onStarted: () => printSummary(terminal, system.describe(cwd)),
    });
    log.flush();
    await output.close();
    terminal.note(exitCode === 0 ? "stopped" : `stopped with exit code ${exitCode}; see ${logDir}`);
    return exitCode;
  },
};
