// The control plane process: components register, report, are found and are told over gRPC; drains on SIGTERM.
import { redactConfig } from "../runtime/config.ts";
import { runLifecycle } from "../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../runtime/log.ts";
import { runProcess } from "../runtime/process-main.ts";
import { ControlPlaneApp } from "./app.ts";
import { type ControlPlaneConfig, controlPlaneConfig } from "./config.ts";

/** Lines of one message in a minute: when many components go silent at once, the counts say so. */
const LOG_LIMIT = { linesPerWindow: 20, windowMs: 60_000 };
/** What a stop may take beside the drain. */
const CLOSE_MS = 3_500;

/** Runs a control plane until it is told to stop; resolves to its exit code. */
async function runControlPlane(config: ControlPlaneConfig): Promise<number> {
  const everyLine = createLogger({ service: "controlplane", level: config.logLevel });
  const log = createLimitedLogger(everyLine, LOG_LIMIT);
  log.info("control plane starting", { config: redactConfig(controlPlaneConfig, config) });
  const app = new ControlPlaneApp(config, log, everyLine);
  const code = await runLifecycle(app.steps(), { log, totalStopMs: config.drainTimeoutMs + CLOSE_MS });
  log.flush();
  return code;
}

await runProcess({ definition: controlPlaneConfig, run: runControlPlane });
