// An operator with real routers on a real nats-server and a folder of its own, for the tests beside it.
import { rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import type { OperatorConfig } from "../../operator/config.ts";
import { operatorConfig } from "../../operator/config.ts";
import { type RunningOperator, startOperator } from "../../operator/start-operator.ts";
import type { PolicyStatus, StatusDocument } from "../../operator/status-document.ts";
import { parseConfig } from "../../runtime/config.ts";
import { createLogger } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { freePort } from "../support/router-process.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

/** Two routers start in about a second; the rest is for a busy machine. */
export const DEADLINE_MS = 60_000;

export class OperatorHarness {
  readonly folder: TempDir;
  readonly state: TempDir;
  readonly natsUrl: string;
  readonly config: OperatorConfig;
  link: NatsLink | undefined;
  operator: RunningOperator | undefined;

  constructor(parts: Pick<OperatorHarness, "folder" | "state" | "natsUrl" | "config">) {
    this.folder = parts.folder;
    this.state = parts.state;
    this.natsUrl = parts.natsUrl;
    this.config = parts.config;
  }

  static async make(natsUrl: string, environment: Readonly<Record<string, string>> = {}): Promise<OperatorHarness> {
    const folder = await makeTempDir("beamline-policies-");
    const state = await makeTempDir("beamline-state-");
    const parsed = parseConfig(operatorConfig, {
      BEAMLINE_NATS_URL: natsUrl,
      BEAMLINE_POLICIES_DIR: folder.path,
      BEAMLINE_STATE_DIR: state.path,
      BEAMLINE_HTTP_PORT: "0",
      BEAMLINE_ROUTERS: "2",
      BEAMLINE_ROUTER_HEALTH_PORT: String(await freePortPair()),
      BEAMLINE_ROUTER_LOG_DIR: join(state.path, "logs"),
      ...environment,
    });
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    return new OperatorHarness({ folder, state, natsUrl, config: parsed.value });
  }

  async start(): Promise<RunningOperator> {
    const log = createLogger({ service: "test", level: "silent" });
    this.link = await connectNats({ url: this.natsUrl, name: "test-operator", timeoutMs: 5_000, log });
    this.operator = await startOperator(this.config, this.link, { log, metrics: createMetrics() });
    return this.operator;
  }

  /** Ends the operator and its routers; the folder stays. */
  async stop(): Promise<void> {
    await this.operator?.stop(10_000);
    await this.link?.close();
    this.operator = undefined;
    this.link = undefined;
  }

  async remove(): Promise<void> {
    await this.stop();
    await this.folder.remove();
    await this.state.remove();
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.folder.path, file), text);
  }

  delete(file: string): Promise<void> {
    return rm(join(this.folder.path, file));
  }

  document(): StatusDocument {
    if (this.operator === undefined) throw new Error("the operator does not run");
    return this.operator.document();
  }

  policy(name: string): PolicyStatus | undefined {
    return this.document().policies.find((policy) => policy.name === name);
  }

  /** Waits for `Ready=True` of a generation; returns how long it took, in milliseconds. */
  async whenReady(name: string, generation: number): Promise<number> {
    const startMs = performance.now();
    await eventually(() => isReady(this.policy(name), generation), {
      deadlineMs: DEADLINE_MS,
      describe: () => `${name} generation ${generation} is Ready: ${JSON.stringify(this.document(), undefined, 1)}`,
    });
    return performance.now() - startMs;
  }

  async whenRoutersReady(count: number): Promise<void> {
    await eventually(() => this.document().routers.filter(({ ready }) => ready).length === count, {
      deadlineMs: DEADLINE_MS,
      describe: () => `${count} routers are ready: ${JSON.stringify(this.document().routers)}`,
    });
  }
}

export function isReady(policy: PolicyStatus | undefined, generation: number): boolean {
  if (policy?.generation !== generation) return false;
  return policy.conditions.some(({ type, status }) => type === "Ready" && status === "True");
}

export function policyText(name: string, weight = 1, more = ""): string {
  return `apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: ${name}, namespace: demo}
spec:
  providers:
    - {name: openai, weight: ${weight}}
${more}`;
}

/** The first of two ports in a row that are free now. */
export async function freePortPair(): Promise<number> {
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS; attempt++) {
    const first = await freePort();
    if (await isFree(first + 1)) return first;
  }
  throw new Error(`no two free ports in a row after ${MAX_PORT_ATTEMPTS} attempts`);
}

const MAX_PORT_ATTEMPTS = 100;

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
