// The router process: takes messages from both ways in, decides, dispatches, drains on SIGTERM.
import { prefixProblem } from "../core/handover/subjects.ts";
import { formatConfigProblems, parseConfig, redactConfig } from "../runtime/config.ts";
import { BeamlineError, describeError, exitCodeOf } from "../runtime/errors.ts";
import { exitWhenParentEnds, runLifecycle } from "../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../runtime/log.ts";
import { RouterApp } from "./app.ts";
import { type RouterConfig, routerConfig } from "./config.ts";

/** Lines of one message in a minute: a flood of refused messages must not become a flood of lines. */
const LOG_LIMIT = { linesPerWindow: 20, windowMs: 60_000 };
/** What a stop may take beside the drain: closing the connection and the health server. */
const CLOSE_MS = 1_500;

/** Runs a router until it is told to stop; resolves to its exit code. */
async function runRouter(config: RouterConfig): Promise<number> {
  const log = createLimitedLogger(createLogger({ service: "router", level: config.logLevel }), LOG_LIMIT);
  log.info("router starting", { pod: config.podName, config: redactConfig(routerConfig, config) });
  const app = new RouterApp(config, log);
  const code = await runLifecycle(app.steps(), { log, totalStopMs: config.drainTimeoutMs + CLOSE_MS });
  log.flush();
  return code;
}

function readConfig(): RouterConfig {
  const parsed = parseConfig(routerConfig, process.env);
  if (!parsed.ok) throw new BeamlineError("CONFIG_INVALID", formatConfigProblems(parsed.error));
  const { subjectsPrefix: prefix } = parsed.value;
  const problem = prefix === undefined ? undefined : prefixProblem(prefix);
  if (problem === undefined) return parsed.value;
  throw new BeamlineError("CONFIG_INVALID", `BEAMLINE_SUBJECTS_PREFIX: "${prefix}" ${problem}`);
}

try {
  const config = readConfig();
  if (config.parentPipe) exitWhenParentEnds(process.stdin);
  process.exitCode = await runRouter(config);
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = exitCodeOf(error);
}
// Timers and sockets of libraries must not keep a stopped router alive.
process.exit();
