// A router in the process of the test, with its log lines kept.
import { setTimeout as delay } from "node:timers/promises";
import { RouterApp } from "../../router/app.ts";
import { routerConfig } from "../../router/config.ts";
import { formatConfigProblems, parseConfig } from "../../runtime/config.ts";
import type { Step } from "../../runtime/lifecycle.ts";
import { createLogger } from "../../runtime/log.ts";
import { eventually } from "../support/await.ts";
import { freePort } from "../support/router-process.ts";

export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export interface LocalRouter {
  readonly healthUrl: string;
  readonly lines: readonly LogLine[];
  /** Value of a series on the metrics page, as it is written there; undefined when there is no such series. */
  metric(series: string): Promise<number | undefined>;
  metricsPage(): Promise<string>;
  /** Once; a second call waits for the first. */
  stop(): Promise<void>;
}

const READY_MS = 15_000;
const STOP_MS = 10_000;

export interface LocalRouterOptions {
  /** Whether to wait until it is ready; true when absent. */
  readonly untilReady?: boolean;
}

/** Starts a router with these settings (`BEAMLINE_*`). */
export async function startLocalRouter(
  environment: Readonly<Record<string, string>>,
  { untilReady = true }: LocalRouterOptions = {},
): Promise<LocalRouter> {
  const port = await freePort();
  const config = parseConfig(routerConfig, { ...environment, BEAMLINE_HEALTH_PORT: String(port) });
  if (!config.ok) throw new Error(formatConfigProblems(config.error));
  const lines: LogLine[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line) as LogLine) };
  const app = new RouterApp(config.value, createLogger({ service: "router", stream }));
  const steps = app.steps();
  for (const step of steps) await step.start?.();
  const healthUrl = `http://127.0.0.1:${port}`;
  const metricsPage = async (): Promise<string> => await (await fetch(`${healthUrl}/metrics`)).text();
  let stopped: Promise<void> | undefined;
  const router: LocalRouter = {
    healthUrl,
    lines,
    metricsPage,
    metric: async (series) => readSeries(await metricsPage(), series),
    stop: () => {
      stopped ??= stopSteps(steps);
      return stopped;
    },
  };
  if (untilReady) await untilServing(router);
  return router;
}

/** Ready, and durable intake open: what it is sent from now on is handled. */
export async function untilServing(router: LocalRouter): Promise<void> {
  await eventually(
    async () => {
      const response = await fetch(`${router.healthUrl}/readyz`);
      const { checks } = (await response.json()) as { checks: { name: string; detail: string }[] };
      const submit = checks.find(({ name }) => name === "submit");
      return response.status === 200 && submit?.detail === "durable intake is open";
    },
    { deadlineMs: READY_MS, describe: () => `the router serves: ${JSON.stringify(router.lines.slice(-5))}` },
  );
}

function readSeries(page: string, series: string): number | undefined {
  const line = page.split("\n").find((one) => one.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}

/** In reverse order, each within its deadline: what a process does when it is told to end. */
async function stopSteps(steps: readonly Step[]): Promise<void> {
  for (const step of steps.toReversed()) {
    const abort = new AbortController();
    const expired = delay(STOP_MS, "expired", { signal: abort.signal });
    expired.catch(() => undefined);
    const outcome = await Promise.race([Promise.resolve(step.stop?.(STOP_MS)), expired]);
    abort.abort();
    if (outcome === "expired") throw new Error(`step ${step.name} did not stop within ${STOP_MS} ms`);
  }
}
