// Routers as processes of this machine, held to what every infrastructure owes.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { ProcessInfrastructure } from "../../operator/infrastructure/processes/process-infrastructure.ts";
import { createLogger } from "../../runtime/log.ts";
import { freePortPair } from "../operator/harness.ts";
import { makeTempDir } from "../support/temp.ts";
import { describeInfrastructure, type InfrastructureHarness } from "./infrastructure.ts";

const STOP_MS = 10_000;
const log = createLogger({ service: "test", level: "silent" });

async function processHarness(): Promise<InfrastructureHarness> {
  const logs = await makeTempDir("beamline-logs-");
  const infrastructure = new ProcessInfrastructure({
    routerMain: join(import.meta.dirname, "..", "..", "router", "main.ts"),
    healthHost: "127.0.0.1",
    healthBasePort: await freePortPair(),
    logDir: logs.path,
    log,
  });
  return {
    infrastructure,
    complete: (deployment) => deployment,
    kill: ({ pid }) => {
      assert.ok(pid !== undefined);
      process.kill(pid, "SIGKILL");
    },
    isGone: ({ pid }) => pid === undefined || !isAlive(pid),
    openLogs: () => openFilesIn(logs.path),
    close: async () => {
      await infrastructure.stop(STOP_MS);
      await logs.remove();
    },
  };
}

/** By the descriptors of this process, as Linux shows them. */
function openFilesIn(folder: string): readonly string[] | undefined {
  const descriptors = "/proc/self/fd";
  if (!existsSync(descriptors)) return undefined;
  const targets = readdirSync(descriptors).flatMap((name) => {
    try {
      return readlinkSync(join(descriptors, name));
    } catch {
      // The descriptor by which the list itself was read.
      return [];
    }
  });
  return targets.filter((target) => dirname(target) === folder).map((target) => basename(target));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is no such process.
    return false;
  }
}

describeInfrastructure(
  "processes",
  { names: ["router-0", "router-1"], keepsUid: false, fewestWhileReplaced: 1, outlive: false },
  async () => processHarness,
);
