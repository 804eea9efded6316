// Everything is replaced under load, one part after the other: nothing submitted is lost or done twice, and each request is
// answered, or answered when it is asked once more with the same key.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import { eventually } from "../support/await.ts";
import { CLUSTER_START_TIMEOUT_MS } from "./cluster.ts";
import { DEADLINE_MS, Installation, NAMESPACE } from "./installation.ts";
import { LoadProcess } from "./load/load-process.ts";
import type { PhaseReport } from "./load/phase.ts";
import { changePolicy } from "./load/policy-changes.ts";
import { RouterWatch } from "./load/router-watch.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "examples");
const ROUTER = { namespace: NAMESPACE, name: "default" };
const ROUTERS = 2;
/** Durable messages and requests, together 1,000 a second. */
const PER_SECOND_EACH = 500;
const BASELINE_MS = 8_000;
const POLICY_CHANGES = 20;
const CHAT = "/apis/beamline.dev/v1alpha1/namespaces/demo/routingpolicies/chat";
const NEXT_RELEASE = { reference: "beamline/beamline:0.1.1-next", version: "0.1.1-next" };
const names = namesFor();

describe("while everything is replaced, under 1,000 messages a second", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let beamline: Installation;
  let load: LoadProcess;
  let routers: RouterWatch;
  let inspector: NatsConnection;

  before(async function () {
    beamline = await Installation.prepare(this, "rollouts");
    await beamline.loadRelease(NEXT_RELEASE.reference, NEXT_RELEASE.version);
    await beamline.install();
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "quickstart"));
    await beamline.kubectl("wait", "--for=condition=Ready", "rp", "--all", "--all-namespaces", "--timeout=110s");
    routers = new RouterWatch(beamline.kubectlCommand(), ROUTER.namespace, ROUTER.name);
    await routers.whenAll(ROUTERS, "run", () => true, DEADLINE_MS);
    inspector = await beamline.connectNats("operator");
    const manager = await jetstreamManager(inspector, { checkAPI: false });
    const address = await beamline.inNamespace(
      "get",
      "service",
      "beamline-nats",
      "--output=jsonpath={.spec.clusterIP}",
    );
    load = await LoadProcess.start(beamline.cluster.enter(), {
      natsUrl: `nats://${address}:4222`,
      producer: Buffer.from(await beamline.credentials("producer")).toString(),
      worker: Buffer.from(await beamline.credentials("worker")).toString(),
      streamCreated: (await manager.streams.info(names.streams.submit)).created,
      router: ROUTER,
      perSecond: PER_SECOND_EACH,
    });
  });

  after(async () => {
    await load?.[Symbol.asyncDispose]();
    await routers?.[Symbol.asyncDispose]();
    await inspector?.close();
    await beamline?.[Symbol.asyncDispose]();
  });

  /** Runs a fault as a phase of the load. Whatever happened, nothing may be lost, doubled, unanswered or contradicted. */
  async function under(name: string, fault: () => Promise<void>): Promise<PhaseReport> {
    routers.takeFewestReady();
    await load.begin(name);
    await fault();
    const report = await load.end(DEADLINE_MS);
    const fewestReady = routers.takeFewestReady();
    process.stderr.write(`${JSON.stringify({ ...report, fewestReady })}\n`);
    const { lost, doubled, unanswered, contradicted, unfinished } = report;
    const nothing = { lost: [], doubled: [], unanswered: [], contradicted: [], unfinished: 0 };
    assert.deepEqual({ lost, doubled, unanswered, contradicted, unfinished }, nothing);
    assert.ok(report.submitted > 0 && report.requested > 0);
    return report;
  }

  function uidsNow(): ReadonlySet<string> {
    return new Set(routers.list().map(({ uid }) => uid));
  }

  it("answers and dispatches all of it when nothing happens", async () => {
    const report = await under("nothing happens", () => delay(BASELINE_MS));
    assert.equal(report.requestRetries, 0, JSON.stringify(report.retryReasons));
    assert.ok(report.answeredTwice > 0);
  });

  it(`takes ${POLICY_CHANGES} changes of weights`, async () => {
    const report = await under("policy changes", async () => {
      for (let change = 0; change < POLICY_CHANGES; change++) {
        const weight = change % 2 === 0 ? 100 : 30;
        const providers = [
          { name: "openai", weight: 130 - weight },
          { name: "anthropic", weight },
          { name: "local-llm", weight: 1, priority: 1 },
        ];
        await changePolicy(beamline.cluster, CHAT, { providers });
      }
    });
    assert.equal(report.requestRetries, 0, JSON.stringify(report.retryReasons));
  });

  it("rolls the routers twice, for a drain time and for an annotation, with no request asked twice", async () => {
    const changes = [
      { drain: { timeout: "7s" } },
      { pod: { annotations: { "example.test/rolled": "again" } } },
    ] as const;
    for (const spec of changes) {
      const before = uidsNow();
      const report = await under(`roll-out for ${Object.keys(spec)[0]}`, async () => {
        const startMs = performance.now();
        await beamline.inNamespace("patch", "router/default", "--type=merge", `--patch=${JSON.stringify({ spec })}`);
        await routers.whenAll(ROUTERS, "that are new", ({ uid }) => !before.has(uid), DEADLINE_MS);
        process.stderr.write(`rolled in ${Math.round(performance.now() - startMs)} ms\n`);
      });
      assert.equal(report.requestRetries, 0, JSON.stringify(report.retryReasons));
    }
  });

  it("survives a router that is deleted, and one that is evicted", async () => {
    const report = await under("delete and evict", async () => {
      for (const end of [deletePod, evictPod]) {
        const [victim] = routers.list();
        await end(victim?.name ?? "");
        await routers.whenAll(ROUTERS, "without the one that ended", ({ uid }) => uid !== victim?.uid, DEADLINE_MS);
      }
    });
    assert.equal(report.requestRetries, 0, JSON.stringify(report.retryReasons));
  });

  it("survives a router that is killed with -9", async () => {
    await under("kill -9", async () => {
      const [victim] = routers.list();
      const restarts = victim?.restarts ?? 0;
      process.kill(await processOf(victim?.uid ?? ""), "SIGKILL");
      await routers.whenAll(
        ROUTERS,
        "with the killed one running again",
        ({ uid, restarts: now }) => uid !== victim?.uid || now > restarts,
        DEADLINE_MS,
      );
    });
  });

  it("survives a restart of NATS", async () => {
    await under("NATS restart", async () => {
      const startMs = performance.now();
      const pod = ["pod", "beamline-nats-0", `--namespace=${NAMESPACE}`];
      const uid = await beamline.kubectl("get", ...pod, "--output=jsonpath={.metadata.uid}");
      await beamline.kubectl("delete", ...pod);
      await eventually(
        async () => {
          const shown = "--output=jsonpath={.metadata.uid} {.status.containerStatuses[0].ready}";
          const text = await beamline.kubectl("get", ...pod, "--ignore-not-found", shown);
          return text !== "" && !text.startsWith(uid) && text.endsWith("true") ? true : undefined;
        },
        { deadlineMs: DEADLINE_MS, describe: "another NATS is ready", everyMs: 250 },
      );
      process.stderr.write(`NATS ready after ${Math.round(performance.now() - startMs)} ms\n`);
    });
  });

  it("moves to another release with helm upgrade: operator, routers and CRDs", async () => {
    const before = uidsNow();
    const nats = ["pod", "beamline-nats-0", `--namespace=${NAMESPACE}`, "--output=jsonpath={.metadata.uid}"];
    const natsBefore = await beamline.kubectl("get", ...nats);
    const report = await under("helm upgrade", async () => {
      const startMs = performance.now();
      const tag = NEXT_RELEASE.reference.split(":")[1];
      await beamline.upgrade("--reuse-values", "--set", `image.tag=${tag}`);
      await routers.whenAll(
        ROUTERS,
        "of the new release",
        ({ uid, image }) => !before.has(uid) && image === NEXT_RELEASE.reference,
        DEADLINE_MS,
      );
      process.stderr.write(`upgraded in ${Math.round(performance.now() - startMs)} ms\n`);
    });
    assert.equal(report.requestRetries, 0, JSON.stringify(report.retryReasons));
    assert.equal(await beamline.kubectl("get", ...nats), natsBefore, "NATS is not restarted");
    for (const crd of ["routingpolicies", "providers", "routers", "tenants"]) {
      const stamp = "{.metadata.annotations.beamline\\.dev/version}";
      await beamline.whenShown(NEXT_RELEASE.version, stamp, "crd", `${crd}.beamline.dev`);
    }
  });

  async function deletePod(name: string): Promise<void> {
    await beamline.inNamespace("delete", "pod", name, "--wait=false");
  }

  async function evictPod(name: string): Promise<void> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
    const file = await beamline.write("eviction.json", JSON.stringify(eviction));
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
    await beamline.kubectl("create", "--raw", path, "--filename", file);
  }
});

/** The node's processes can be seen from outside; a router says in its environment which pod it is. */
async function processOf(podUid: string): Promise<number> {
  for (const entry of await readdir("/proc")) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = await readFile(join("/proc", entry, "environ"), "utf8").catch(() => "");
    if (environment.split("\0").includes(`BEAMLINE_POD_UID=${podUid}`)) return Number(entry);
  }
  throw new Error(`no process of pod ${podUid}`);
}
