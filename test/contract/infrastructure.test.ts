// What everything that runs routers owes the operator. Each implementation runs the real router on a real nats-server.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import { ProcessInfrastructure } from "../../operator/infrastructure/processes/process-infrastructure.ts";
import type { Infrastructure, ObservedPod, RouterDeployment } from "../../operator/interfaces.ts";
import { createLogger } from "../../runtime/log.ts";
import { freePortPair } from "../operator/harness.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

interface Harness {
  readonly infrastructure: Infrastructure;
  /** Ends a router without asking it, as a crash would. */
  kill(pod: ObservedPod): void;
  /** Whether nothing of a router is left. */
  isGone(pod: ObservedPod): boolean;
  /** Logs of routers that this process holds open; undefined where that cannot be known. */
  openLogs(): readonly string[] | undefined;
  close(): Promise<void>;
}

/** Two routers start in about a second; the rest is for a busy machine. */
const DEADLINE_MS = 60_000;
const STOP_MS = 10_000;
const log = createLogger({ service: "test", level: "silent" });

async function processHarness(): Promise<Harness> {
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

const implementations: readonly { readonly name: string; make(): Promise<Harness> }[] = [
  { name: "processes", make: processHarness },
];

for (const { name: implementation, make } of implementations) {
  describe(`infrastructure: ${implementation}`, () => {
    let nats: TestNats;
    let operator: TestOperator;
    let empty: TempDir;
    let harness: Harness;
    let changes = 0;

    before(async function () {
      this.timeout(NATS_START_TIMEOUT_MS);
      nats = await startTestNats({ context: this });
      // Routers are ready when a head is in force: the one of an empty folder is enough.
      empty = await makeTempDir("beamline-empty-");
      operator = await startTestOperator({ natsUrl: nats.url, policies: empty.path });
    });
    after(async () => {
      await operator.stop();
      await nats.stop();
      await empty.remove();
    });
    beforeEach(async () => {
      harness = await make();
      changes = 0;
      harness.infrastructure.start(() => changes++);
    });
    afterEach(() => harness.close());

    const deployment = (replicas: number, environment: Readonly<Record<string, string>> = {}): RouterDeployment => ({
      router: { namespace: "beamline-system", name: "default" },
      replicas,
      environment: { BEAMLINE_NATS_URL: nats.url, ...environment },
    });
    const whenReady = (count: number): Promise<readonly ObservedPod[]> =>
      eventually(
        () => {
          const pods = harness.infrastructure.pods();
          return pods.length === count && pods.every(({ ready, updated }) => ready && updated) ? pods : undefined;
        },
        { deadlineMs: DEADLINE_MS, describe: () => `${count} ready: ${JSON.stringify(harness.infrastructure.pods())}` },
      );

    it("runs as many routers as asked for, each with a name and a uid of its own, and tells of it", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const pods = await whenReady(2);
      assert.deepEqual(pods.map(({ name }) => name).sort(), ["router-0", "router-1"]);
      assert.equal(new Set(pods.map(({ uid }) => uid)).size, 2);
      assert.ok(changes >= 2);
      harness.infrastructure.ensureRouters(deployment(2));
      assert.deepEqual(
        harness.infrastructure.pods().map(({ uid }) => uid),
        pods.map(({ uid }) => uid),
        "asking again changes nothing",
      );
    });

    it("brings a router back that was killed, under a new uid", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const pods = await whenReady(2);
      const victim = pods[1];
      assert.ok(victim !== undefined);
      harness.kill(victim);
      await eventually(
        () => harness.infrastructure.pods().some(({ name, uid }) => name === victim.name && uid !== victim.uid),
        {
          deadlineMs: DEADLINE_MS,
          describe: "another process has the name",
        },
      );
      const again = await whenReady(2);
      assert.deepEqual([again[1]?.name, again[1]?.starts], [victim.name, victim.starts + 1]);
      assert.equal(again[0]?.uid, pods[0]?.uid);
    });

    it("replaces routers one by one when their environment changes, and not otherwise", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const pods = await whenReady(2);
      let fewest = 2;
      const watch = setInterval(() => {
        fewest = Math.min(fewest, harness.infrastructure.pods().filter(({ ready }) => ready).length);
      }, 5);
      harness.infrastructure.ensureRouters(deployment(2, { BEAMLINE_LOG_LEVEL: "warn" }));
      const replaced = await eventually(
        () => {
          const now = harness.infrastructure.pods();
          const all = now.every(({ ready, updated, uid }) => ready && updated && !pods.some((pod) => pod.uid === uid));
          return all ? now : undefined;
        },
        { deadlineMs: DEADLINE_MS, describe: "both are replaced" },
      );
      clearInterval(watch);
      assert.equal(replaced.length, 2);
      assert.equal(fewest, 1, "one of two is always ready");
    });

    it("ends routers that are too many, and starts them again when they are wanted again", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const [, second] = await whenReady(2);
      harness.infrastructure.ensureRouters(deployment(1));
      await whenReady(1);
      assert.ok(second !== undefined && harness.isGone(second));
      assert.deepEqual(harness.openLogs() ?? ["router-0.log"], ["router-0.log"], "its log is closed");
      harness.infrastructure.ensureRouters(deployment(2));
      await whenReady(2);
    });

    it("says why a router does not come up, and keeps trying", async () => {
      harness.infrastructure.ensureRouters(deployment(1, { BEAMLINE_SUBMIT_WINDOW: "none" }));
      const pod = await eventually(
        () => harness.infrastructure.pods().find(({ failure, starts }) => failure !== undefined && starts >= 2),
        { deadlineMs: DEADLINE_MS, describe: "the failure is told, and the second try made" },
      );
      assert.match(pod.failure ?? "", /exit code 78.*BEAMLINE_SUBMIT_WINDOW/);
      assert.equal(pod.ready, false);
      harness.infrastructure.ensureRouters(deployment(1));
      await whenReady(1);
    });

    it("leaves nothing behind when it is stopped", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const pods = await whenReady(2);
      await harness.infrastructure.stop(STOP_MS);
      assert.ok(pods.every((pod) => harness.isGone(pod)));
    });
  });
}
