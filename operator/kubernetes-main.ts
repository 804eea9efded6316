// The operator process in a cluster: objects from the API server, routers as pods, one of several that leads.
import { findClusterAccess } from "../kubernetes/access/find-access.ts";
import { KubernetesClient } from "../kubernetes/client.ts";
import { redactConfig } from "../runtime/config.ts";
import { type HealthServer, startHealthServer } from "../runtime/health.ts";
import { runLifecycle, type Step } from "../runtime/lifecycle.ts";
import { createLimitedLogger, createLogger } from "../runtime/log.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { runProcess } from "../runtime/process-main.ts";
import { PRODUCT_VERSION } from "../runtime/product-version.ts";
import { ROUTER_ENVIRONMENT } from "./config.ts";
import { readInstallation } from "./kubernetes/choose-infrastructure.ts";
import { type KubernetesConfig, kubernetesConfig } from "./kubernetes/config.ts";
import { KubernetesOperator } from "./kubernetes/kubernetes-operator.ts";
import { pickEnvironment } from "./router-environment.ts";

/** Lines of one message in a minute. */
const LOG_LIMIT = { linesPerWindow: 60, windowMs: 60_000 };
const OPERATOR_STOP_MS = 8_000;
const TOTAL_STOP_MS = 10_000;

async function runKubernetesOperator(config: KubernetesConfig): Promise<number> {
  const log = createLimitedLogger(createLogger({ service: "operator", level: config.logLevel }), LOG_LIMIT);
  log.info("operator starting", { pod: config.podName, config: redactConfig(kubernetesConfig, config) });
  if (config.infrastructure === "Deployments") readInstallation(config);
  const { kubeconfig } = config;
  const access = await findClusterAccess({ env: process.env, ...(kubeconfig === undefined ? {} : { kubeconfig }) });
  const client = KubernetesClient.create({ access, userAgent: `beamline-operator/${PRODUCT_VERSION}` });
  const metrics = createMetrics();
  const operator = new KubernetesOperator({
    config,
    client,
    metrics,
    routerEnvironment: pickEnvironment(process.env),
    log,
  });
  let health: HealthServer | undefined;
  const steps: Step[] = [
    {
      name: "http",
      start: async () => {
        const { httpHost: host, httpPort: port } = config;
        health = await startHealthServer({
          host,
          port,
          metrics,
          live: () => operator.live(),
          ready: () => operator.ready(),
        });
      },
      stop: () => health?.stop(),
    },
    {
      name: "operator",
      start: () => operator.start(),
      stop: () => operator.stop(),
      stopTimeoutMs: OPERATOR_STOP_MS,
    },
  ];
  const code = await runLifecycle(steps, { log, totalStopMs: TOTAL_STOP_MS });
  client.close();
  log.flush();
  return code;
}

await runProcess({ definition: kubernetesConfig, alsoKnown: ROUTER_ENVIRONMENT, run: runKubernetesOperator });
