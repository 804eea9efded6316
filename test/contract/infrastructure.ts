// What everything that runs routers owes the operator. Each implementation runs the real router on a real nats-server.
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, describe, it } from "mocha";
import type { Infrastructure, ObservedPod, RouterDeployment } from "../../operator/interfaces.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

export interface InfrastructureHarness {
  readonly infrastructure: Infrastructure;
  /** What this implementation wants besides. */
  complete(deployment: RouterDeployment): RouterDeployment;
  /** Ends a router without asking it, as a crash would. */
  kill(pod: ObservedPod): void;
  /** Whether nothing of a router is left. */
  isGone(pod: ObservedPod): boolean;
  /** Logs of routers that this process holds open; undefined where that cannot be known. */
  openLogs(): readonly string[] | undefined;
  close(): Promise<void>;
}

/** In what implementations differ. */
export interface InfrastructureTraits {
  /** Names of two routers; undefined where they are given by somebody else. */
  readonly names: readonly string[] | undefined;
  /** Whether a router that was killed comes back under the same uid: its pod is the same. */
  readonly keepsUid: boolean;
  /** Ready ones of two while both are replaced. */
  readonly fewestWhileReplaced: number;
  /** Whether routers go on when the infrastructure is stopped. */
  readonly outlive: boolean;
}

/** Two routers start in about a second; the rest is for a busy machine. */
const DEADLINE_MS = 60_000;
const STOP_MS = 10_000;
/** Some need programs that a first run builds. */
const PREPARE_TIMEOUT_MS = 1_200_000;

/** `prepare` runs once, before anything else, and resolves to what makes a harness for one test. */
export function describeInfrastructure(
  implementation: string,
  traits: InfrastructureTraits,
  prepare: (context: Mocha.Context) => Promise<() => Promise<InfrastructureHarness>>,
): void {
  describe(`infrastructure: ${implementation}`, () => {
    let nats: TestNats;
    let operator: TestOperator;
    let empty: TempDir;
    let harness: InfrastructureHarness;
    let make: () => Promise<InfrastructureHarness>;
    let changes = 0;

    before(async function () {
      this.timeout(NATS_START_TIMEOUT_MS + PREPARE_TIMEOUT_MS);
      make = await prepare(this);
      nats = await startTestNats({ context: this });
      // Routers are ready when a head is in force: the one of an empty folder is enough.
      empty = await makeTempDir("beamline-empty-");
      operator = await startTestOperator({ natsUrl: nats.url, policies: empty.path });
    });
    after(async () => {
      // Absent when it was skipped.
      await operator?.stop();
      await nats?.stop();
      await empty?.remove();
    });
    beforeEach(async () => {
      harness = await make();
      changes = 0;
      harness.infrastructure.start(() => changes++);
    });
    afterEach(() => harness?.close());

    const deployment = (replicas: number, environment: Readonly<Record<string, string>> = {}): RouterDeployment =>
      harness.complete({
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
      const names = pods.map(({ name }) => name).sort();
      assert.deepEqual(names, traits.names ?? names);
      assert.equal(new Set(names).size, 2);
      assert.equal(new Set(pods.map(({ uid }) => uid)).size, 2);
      assert.ok(changes >= 2);
      harness.infrastructure.ensureRouters(deployment(2));
      assert.deepEqual(
        harness.infrastructure.pods().map(({ uid }) => uid),
        pods.map(({ uid }) => uid),
        "asking again changes nothing",
      );
    });

    it("brings a router back that was killed", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const pods = await whenReady(2);
      const victim = pods[1];
      assert.ok(victim !== undefined);
      harness.kill(victim);
      const named = () => harness.infrastructure.pods().find(({ name }) => name === victim.name);
      await eventually(() => named()?.starts === victim.starts + 1, {
        deadlineMs: DEADLINE_MS,
        describe: "it was started once more",
      });
      const again = await whenReady(2);
      assert.equal(again[1]?.name, victim.name);
      assert.equal(again[1]?.uid === victim.uid, traits.keepsUid);
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
      assert.equal(fewest, traits.fewestWhileReplaced);
    });

    it("ends routers that are too many, and starts them again when they are wanted again", async () => {
      harness.infrastructure.ensureRouters(deployment(2));
      const before = await whenReady(2);
      harness.infrastructure.ensureRouters(deployment(1));
      await whenReady(1);
      const kept = harness.infrastructure.pods();
      const [ended] = before.filter(({ uid }) => !kept.some((pod) => pod.uid === uid));
      assert.ok(ended !== undefined);
      await eventually(() => harness.isGone(ended), { deadlineMs: DEADLINE_MS, describe: "it has ended" });
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

    it(
      traits.outlive ? "leaves routers alone when it is stopped" : "leaves nothing behind when it is stopped",
      async () => {
        harness.infrastructure.ensureRouters(deployment(2));
        const pods = await whenReady(2);
        await harness.infrastructure.stop(STOP_MS);
        assert.ok(pods.every((pod) => harness.isGone(pod) !== traits.outlive));
      },
    );
  });
}
