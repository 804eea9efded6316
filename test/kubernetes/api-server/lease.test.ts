// Leadership on a real API server: one leader at a time, at once after a release, in time after a crash, never past its deadline.
import assert from "node:assert/strict";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { LeaderElector } from "../../../kubernetes/lease.ts";
import type { Lease, LeaseSpec, LeaseTiming } from "../../../kubernetes/lease-record.ts";
import { formatMicroTime } from "../../../kubernetes/micro-time.ts";
import { createObject, readObject } from "../../../kubernetes/objects.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../../cluster/api-server.ts";
import { startTestApiServer } from "../../cluster/for-tests.ts";
import { eventually } from "../../support/await.ts";
import { CONFIG_MAP, configMap, DEADLINE_MS, LEASE, openClient, quiet } from "./world.ts";

/** A fifth of the defaults. */
const TIMING: LeaseTiming = { leaseDurationMs: 3_000, renewDeadlineMs: 2_000, retryPeriodMs: 400 };
const JUMP_MS = 300_000;

describe("leadership on a real API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;
  let client: KubernetesClient;

  before(async function () {
    server = await startTestApiServer(this);
    client = await openClient(server);
  });

  after(async () => {
    client?.close();
    await server?.stop();
  });

  interface Candidate {
    readonly elector: LeaderElector;
    readonly began: number[];
    readonly ended: number[];
  }

  const stand = (
    name: string,
    identity: string,
    timing: LeaseTiming | undefined = TIMING,
    clock = systemClock,
  ): Candidate => {
    const began: number[] = [];
    const ended: number[] = [];
    const elector = new LeaderElector({
      client,
      namespace: "default",
      name,
      identity,
      log: quiet,
      timing,
      clock,
      lead: async (signal) => {
        began.push(performance.now());
        if (!signal.aborted) await once(signal, "abort");
        ended.push(performance.now());
      },
    });
    elector.start();
    return { elector, began, ended };
  };
  const readLease = async (name: string): Promise<LeaseSpec | undefined> => {
    const stored = await readObject<Lease>(client, LEASE, { namespace: "default", name });
    return stored.ok ? stored.value.spec : undefined;
  };
  const leads = ({ elector }: Candidate): Promise<true> =>
    eventually(() => elector.leading(), { deadlineMs: DEADLINE_MS, describe: "it leads" });

  it("has one leader, and the next within a second after it stops, with the default timing", async () => {
    const first = stand("released", "first", undefined);
    await leads(first);
    const second = stand("released", "second", undefined);
    await eventually(() => second.elector.status().holder === "first", {
      deadlineMs: DEADLINE_MS,
      describe: "a standby",
    });
    assert.equal(second.elector.leading(), false);
    const stopMs = performance.now();
    await first.elector.stop();
    await leads(second);
    const takenMs = (second.began[0] ?? Number.POSITIVE_INFINITY) - stopMs;
    assert.ok((first.ended[0] ?? Number.POSITIVE_INFINITY) <= (second.began[0] ?? 0), "no two at once");
    assert.ok(takenMs < 1_000, `taken after ${takenMs} ms`);
    const stored = await readObject<Lease>(client, LEASE, { namespace: "default", name: "released" });
    assert.ok(stored.ok);
    assert.equal(stored.value.spec?.holderIdentity, "second");
    assert.match(stored.value.spec?.renewTime ?? "", /\.\d{6}Z$/);
    await second.elector.stop();
  });

  it("leads again by itself after the server was away for longer than the lease, having stopped in time", async () => {
    const only = stand("outage", "only");
    await leads(only);
    const killedMs = performance.now();
    await server.kill("kube-apiserver");
    await eventually(() => only.ended.length === 1, { deadlineMs: DEADLINE_MS, describe: "the work has ended" });
    const lateMs = (only.ended[0] ?? Number.POSITIVE_INFINITY) - killedMs;
    assert.ok(lateMs < TIMING.leaseDurationMs, `ended ${lateMs} ms after the loss`);
    assert.equal(only.elector.leading(), false);
    await server.restart("kube-apiserver");
    await leads(only);
    assert.equal(only.elector.status().terms, 2);
    await only.elector.stop();
  });

  it("takes the lease of a holder that went silent, not before its time is over", async () => {
    const renewTime = "2020-01-01T00:00:00.000000Z";
    const spec = { holderIdentity: "crashed", leaseDurationSeconds: 3, renewTime, leaseTransitions: 4 };
    const lease = {
      apiVersion: "coordination.k8s.io/v1",
      kind: "Lease",
      metadata: { namespace: "default", name: "crashed" },
      spec,
    };
    assert.ok((await createObject(client, LEASE, lease, { fieldManager: "somebody" })).ok);
    const startMs = performance.now();
    const next = stand("crashed", "next");
    await leads(next);
    const waitedMs = (next.began[0] ?? 0) - startMs;
    assert.ok(waitedMs >= 3_000, `waited ${waitedMs} ms: the old time in the record says nothing`);
    const stored = await readObject<Lease>(client, LEASE, { namespace: "default", name: "crashed" });
    assert.ok(stored.ok);
    assert.equal(stored.value.spec?.leaseTransitions, 5);
    await next.elector.stop();
  });

  it("stays where it is while the wall clocks of both sides jump by five minutes", async () => {
    let jumpMs = 0;
    const clock = { monotonicMs: () => systemClock.monotonicMs(), nowMs: () => systemClock.nowMs() + jumpMs };
    const leader = stand("jumps", "leader", TIMING, clock);
    await leads(leader);
    const standby = stand("jumps", "standby", TIMING, { ...clock, nowMs: () => systemClock.nowMs() - jumpMs });
    for (const jump of [JUMP_MS, -JUMP_MS]) {
      jumpMs = jump;
      const since = formatMicroTime(clock.nowMs());
      await eventually(async () => ((await readLease("jumps"))?.renewTime ?? "") > since, {
        deadlineMs: DEADLINE_MS,
        describe: "it is renewed by the clock that jumped",
      });
      await delay(TIMING.leaseDurationMs);
      assert.deepEqual([leader.elector.leading(), standby.elector.leading()], [true, false]);
    }
    assert.deepEqual([leader.elector.status().terms, standby.elector.status().terms], [1, 0]);
    await leader.elector.stop();
    await standby.elector.stop();
  });

  it("stops leading, and its client writes nothing, after an event loop that stood still past the deadline", async () => {
    const stalled = stand("stalled", "stalled");
    await leads(stalled);
    const guarded = client.guardedBy(() => stalled.elector.leading());
    const blockUntilMs = performance.now() + TIMING.renewDeadlineMs + 100;
    while (performance.now() < blockUntilMs);
    const written = await createObject(guarded, CONFIG_MAP, configMap("too-late", {}), { fieldManager: "test" });
    assert.equal(written.ok ? "ok" : written.error.kind, "Stopped");
    await eventually(() => stalled.ended.length === 1, { deadlineMs: DEADLINE_MS, describe: "the work has ended" });
    await stalled.elector.stop();
  });

  it("gives each of five candidates its turn and never two at once", async () => {
    const candidates = Array.from({ length: 5 }, (_, index) => stand("turns", `candidate-${index}`));
    const waiting = new Set(candidates);
    while (waiting.size > 0) {
      const leader = await eventually(() => [...waiting].find(({ elector }) => elector.leading()), {
        deadlineMs: DEADLINE_MS,
        describe: () => `a leader of ${waiting.size}`,
      });
      await leader.elector.stop();
      waiting.delete(leader);
    }
    const terms = candidates
      .map(({ began, ended }) => [began[0] ?? 0, ended[0] ?? 0] as const)
      .sort(([a], [b]) => a - b);
    for (const [index, [, end]] of terms.entries())
      assert.ok(end <= (terms[index + 1]?.[0] ?? Number.POSITIVE_INFINITY));
    assert.equal(terms.length, 5);
  });

  it("begins another term after work that failed, and gives the lease to others in between", async () => {
    let terms = 0;
    const failing = new LeaderElector({
      client,
      namespace: "default",
      name: "failing",
      identity: "failing",
      log: quiet,
      timing: TIMING,
      lead: async () => {
        terms++;
        throw new Error("a bug");
      },
    });
    failing.start();
    await eventually(() => terms === 2, { deadlineMs: DEADLINE_MS, describe: "a second term" });
    const other = stand("failing", "other");
    await leads(other);
    await failing.stop();
    assert.equal(other.elector.leading(), true);
    await other.elector.stop();
  });

  it("says so when the work does not end, and does not give the lease away meanwhile", async () => {
    const release = Promise.withResolvers<void>();
    const stuck = new LeaderElector({
      client,
      namespace: "default",
      name: "stuck",
      identity: "stuck",
      log: quiet,
      timing: TIMING,
      lead: () => release.promise,
    });
    stuck.start();
    await eventually(() => stuck.leading(), { deadlineMs: DEADLINE_MS, describe: "it leads" });
    const stopping = stuck.stop();
    await eventually(() => stuck.status().hung, { deadlineMs: DEADLINE_MS, describe: "it is called hung" });
    assert.equal(stuck.leading(), false);
    const stored = await readObject<Lease>(client, LEASE, { namespace: "default", name: "stuck" });
    assert.ok(stored.ok);
    assert.equal(stored.value.spec?.holderIdentity, "stuck");
    release.resolve();
    await stopping;
    assert.equal(stuck.status().hung, false);
  });
});
