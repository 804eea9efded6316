// The operator process: connects, keeps configuration and routers as the folder of policies says, ends in order.
import { redactConfig } from "../runtime/config.ts";
import { runLifecycle, type Step } from "../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { connectNats, type NatsLink } from "../runtime/nats/connection.ts";
import { natsOptions } from "../runtime/nats/settings.ts";
import { runProcess } from "../runtime/process-main.ts";
import { type OperatorConfig, operatorConfig, ROUTER_ENVIRONMENT } from "./config.ts";
import { pickEnvironment } from "./router-environment.ts";
import { type RunningOperator, startOperator } from "./start-operator.ts";

/** Lines of one message in a minute. */
const LOG_LIMIT = { linesPerWindow: 60, windowMs: 60_000 };
/** Routers drain for up to 10 s (DRAIN_DEADLINE_MS) before they are killed. */
const OPERATOR_STOP_MS = 11_000;
const TOTAL_STOP_MS = 15_000;

async function runOperator(config: OperatorConfig): Promise<number> {
  const log = createLimitedLogger(createLogger({ service: "operator", level: config.logLevel }), LOG_LIMIT);
  log.info("operator starting", { config: redactConfig(operatorConfig, config) });
  let link: NatsLink | undefined;
  let operator: RunningOperator | undefined;
  const steps: Step[] = [
    {
      name: "nats",
      start: async () => {
        link = await connectNats({ ...natsOptions(config), name: "beamline-operator", log });
      },
      stop: async (deadlineMs) => {
        await link?.drain(deadlineMs);
      },
    },
    {
      name: "operator",
      start: async () => {
        if (link === undefined) throw new Error("not connected");
        const routerEnvironment = pickEnvironment(process.env);
        operator = await startOperator(config, link, { log, metrics: createMetrics(), routerEnvironment });
      },
      stop: (deadlineMs) => operator?.stop(deadlineMs),
      stopTimeoutMs: OPERATOR_STOP_MS,
    },
  ];
  const code = await runLifecycle(steps, { log, totalStopMs: TOTAL_STOP_MS });
  log.flush();
  return code;
}

await runProcess({ definition: operatorConfig, alsoKnown: ROUTER_ENVIRONMENT, run: runOperator });
