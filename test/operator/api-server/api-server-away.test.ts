// The API server is away, hangs, or loses its store for a while: routers go on, the operator waits, and catches up at once.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { API_SERVER_START_TIMEOUT_MS } from "../../cluster/api-server.ts";
import { eventually } from "../../support/await.ts";
import type { RouterProcess } from "../../support/router-process.ts";
import { ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";
import type { OperatorProcess } from "./operator-process.ts";
import { SteadyRequests } from "./steady-requests.ts";
import { createNamespace, createObject, OWN_NAMESPACE, object, patch, policy } from "./world.ts";

const DEFAULT = { namespace: OWN_NAMESPACE, name: "default" };
const CHAT = { namespace: "demo", name: "chat" };
/** Well over the Lease: every leader has stepped back, every watch has ended. */
const OUTAGE_MS = 60_000;
/** Longer than a leader goes on without a renewal, and than a request is waited for. */
const HANG_MS = 15_000;
/** From the return of the API server until what was changed right after it is in force. */
const CATCH_UP_MS = 30_000;
/** Lines of an operator in a minute without an API server: each of its messages may come 60 times, most come 4 times. */
const MAX_LINES_A_MINUTE = 120;
const MINUTE_MS = 60_000;

describe("an API server that is away", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let rig: ClusterRig;
  let operator: OperatorProcess;
  let router: RouterProcess;
  let requests: SteadyRequests;

  before(async function () {
    rig = await ClusterRig.start(this);
    await createNamespace(rig.client, "demo");
    await createObject(rig.client, object("Router", DEFAULT.name, DEFAULT.namespace, { replicas: 1 }));
    await createObject(rig.client, policy(CHAT.namespace, CHAT.name));
    operator = await rig.startOperator();
    await rig.whenReady("RoutingPolicy", CHAT);
    router = await rig.startRouter("apart-0");
    requests = await SteadyRequests.start({ natsUrl: rig.nats.url, tenant: "demo", policy: CHAT.name });
  });
  after(async () => {
    await requests?.[Symbol.asyncDispose]();
    await rig?.[Symbol.asyncDispose]();
  });

  /** Changes and creates a policy, and waits until both are in force; resolves to how long that took. */
  const whenCaughtUp = async (name: string, weight: number): Promise<number> => {
    const startMs = performance.now();
    await eventually(
      async () => {
        await createObject(rig.client, policy("demo", name));
        return true;
      },
      { deadlineMs: DEADLINE_MS, describe: "the API server takes a policy", everyMs: 100 },
    );
    await patch(rig.client, RESOURCE_TYPES.RoutingPolicy, CHAT, { spec: { providers: [{ name: "openai", weight }] } });
    await rig.whenReady("RoutingPolicy", { namespace: "demo", name });
    await rig.whenReady("RoutingPolicy", CHAT);
    await rig.whenReady("Router", DEFAULT);
    return performance.now() - startMs;
  };

  it("for a minute costs no decision, no process and few lines of log, and what follows is in force soon", async () => {
    const lines = operator.log().length;
    await rig.server.kill("kube-apiserver");
    const killedMs = performance.now();
    const late = await rig.startOperator("operator-1");
    await eventually(async () => !(await operator.isLeading()), { deadlineMs: OUTAGE_MS, describe: "it steps back" });
    const { ready, text } = await late.readiness();
    assert.equal(ready, false);
    assert.match(text, /RoutingPolicy: .*ECONNREFUSED/);
    await delay(OUTAGE_MS - (performance.now() - killedMs));
    await rig.server.restart("kube-apiserver");
    const caughtUpMs = await whenCaughtUp("after-outage", 2);
    assert.ok(caughtUpMs < CATCH_UP_MS, `in force after ${caughtUpMs} ms`);
    assert.ok(operator.running() && late.running());
    await eventually(async () => (await late.readiness()).ready, { deadlineMs: DEADLINE_MS, describe: "the late one" });
    const minutes = (performance.now() - killedMs) / MINUTE_MS;
    const written = operator.log().length - lines;
    assert.ok(written < MAX_LINES_A_MINUTE * minutes, `${written} lines in ${minutes} minutes`);
    assert.ok(late.log().length < MAX_LINES_A_MINUTE * minutes);
    assert.deepEqual(requests.counts().failures, []);
    late.signal("SIGTERM");
    assert.equal(await late.exited, 0);
  });

  it("that hangs for 15 s, with all connections open, is as good as one that was away", async () => {
    rig.server.signal("kube-apiserver", "SIGSTOP");
    await delay(HANG_MS);
    assert.equal(await operator.isLeading(), false);
    rig.server.signal("kube-apiserver", "SIGCONT");
    const caughtUpMs = await whenCaughtUp("after-hang", 3);
    assert.ok(caughtUpMs < CATCH_UP_MS, `in force after ${caughtUpMs} ms`);
    assert.deepEqual(requests.counts().failures, []);
  });

  it("that lost its etcd and got it back goes on with the same operator and the same statuses", async () => {
    await rig.server.kill("etcd");
    await delay(HANG_MS / 3);
    await rig.server.restart("etcd");
    const caughtUpMs = await whenCaughtUp("after-etcd", 4);
    assert.ok(caughtUpMs < CATCH_UP_MS, `in force after ${caughtUpMs} ms`);
    assert.deepEqual(requests.counts().failures, []);
  });

  it("beside an operator that is dead leaves routers that decide, and new ones that start from the bucket", async () => {
    await rig.server.kill("kube-apiserver");
    operator.signal("SIGKILL");
    await operator.exited;
    await requests.whenAnswered(50);
    const another = await rig.startRouter("apart-1");
    router.signal("SIGTERM");
    assert.equal(await router.exited, 0);
    await requests.whenAnswered(100);
    // The very same, made anew: in its folder and its memory there is nothing of the time before.
    router = await rig.startRouter("apart-0");
    another.signal("SIGTERM");
    assert.equal(await another.exited, 0);
    await requests.whenAnswered(100);
    assert.deepEqual(requests.counts().failures, []);
    await rig.server.restart("kube-apiserver");
    await rig.startOperator("operator-2");
    await whenCaughtUp("after-all", 5);
    assert.deepEqual(requests.counts().failures, []);
  });
});
