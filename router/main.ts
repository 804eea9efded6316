// The router process: takes messages from both ways in, decides, dispatches, drains on SIGTERM.
import { redactConfig } from "../runtime/config.ts";
import { runLifecycle } from "../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../runtime/log.ts";
import { runProcess } from "../runtime/process-main.ts";
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

await runProcess({ definition: routerConfig, run: runRouter });
