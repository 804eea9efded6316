// Everything is replaced under load, one part after the other: nothing submitted is lost or done twice, and each request is
// answered, or answered when it is asked once more with the same key.
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { after, before, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { CLUSTER_START_TIMEOUT_MS } from "./cluster.ts";
import { DEADLINE_MS, Installation, NAMESPACE } from "./installation.ts";
import { ClusterUnderLoad, NATS, NATS_POD, ROUTERS } from "./load/cluster-under-load.ts";
import { compareStreams } from "./load/compare-streams.ts";
import { changePolicy } from "./load/policy-changes.ts";

const BASELINE_MS = 8_000;
const POLICY_CHANGES = 20;
const CHAT = "/apis/beamline.dev/v1alpha1/namespaces/demo/routingpolicies/chat";
const NEXT_RELEASE = { reference: "beamline/beamline:0.1.1-next", version: "0.1.1-next" };
/** A release that takes no rule as deep as those of the quickstart. */
const STRICTER_RELEASE = { reference: "beamline/beamline:0.1.2-stricter", version: "0.1.2-stricter" };
const STRICTER = { file: "core/policy/expression-bounds.js", from: "MAX_DEPTH = 16", to: "MAX_DEPTH = 1" };
/** Long enough for a router that would take messages to get thousands of them. */
const HELD_MS = 5_000;

describe("while everything is replaced, under 1,000 messages a second", function () {
  this.timeout(CLUSTER_START_TIMEOUT_MS);
  let beamline: Installation;
  let system: ClusterUnderLoad;

  before(async function () {
    beamline = await Installation.prepare(this, "rollouts");
    await beamline.loadRelease(NEXT_RELEASE.reference, NEXT_RELEASE.version);
    await beamline.loadRelease(STRICTER_RELEASE.reference, STRICTER_RELEASE.version, STRICTER);
    system = await ClusterUnderLoad.start(beamline);
  });

  after(async () => {
    await system?.[Symbol.asyncDispose]();
    await beamline?.[Symbol.asyncDispose]();
  });

  it("answers and dispatches all of it when nothing happens", async () => {
    const report = await system.unnoticed("nothing", () => delay(BASELINE_MS));
    assert.ok(report.answeredTwice > 0, "some were asked twice on purpose");
  });

  it(`takes ${POLICY_CHANGES} changes of weights`, async () => {
    await system.unnoticed("policy changes", async () => {
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
  });

  for (const [what, spec] of Object.entries({
    "another drain time": { drain: { timeout: "7s" } },
    "an annotation": { pod: { annotations: { "example.test/rolled": "again" } } },
  })) {
    it(`rolls the routers for ${what}, and no request is asked twice`, async () => {
      const before = system.uids();
      await system.unnoticed(`roll-out for ${what}`, async () => {
        await system.patchRouter(spec);
        await system.routers.whenAll(ROUTERS, "that are new", ({ uid }) => !before.has(uid), DEADLINE_MS);
      });
      const reason = '{.status.conditions[?(@.type=="Progressing")].reason}';
      await beamline.whenShown("Complete", reason, "router", "default", `--namespace=${NAMESPACE}`);
    });
  }

  it("loses no request with a router that is deleted, nor with one that is evicted", async () => {
    await system.unnoticed("delete and evict", async () => {
      for (const end of ["deletePod", "evictPod"] as const) {
        const [victim] = system.routers.list();
        await system[end](victim?.name ?? "");
        await system.routers.whenAll(ROUTERS, "and not that one", ({ uid }) => uid !== victim?.uid, DEADLINE_MS);
      }
    });
  });

  it("survives a router that is killed with -9", async () => {
    await system.during("kill -9", async () => {
      const [victim] = system.routers.list();
      await system.killRouter(victim?.uid ?? "");
      const isBack = (uid: string, restarts: number): boolean =>
        uid !== victim?.uid || restarts > (victim?.restarts ?? 0);
      await system.routers.whenAll(ROUTERS, "again", ({ uid, restarts }) => isBack(uid, restarts), DEADLINE_MS);
    });
  });

  it("survives a restart of NATS", async () => {
    await system.during("NATS restart", () => system.restartNats());
  });

  it("moves to another release with helm upgrade: operator, routers and CRDs", async () => {
    const before = system.uids();
    const natsBefore = await system.natsUid();
    await system.unnoticed("helm upgrade", async () => {
      await beamline.upgrade("--reuse-values", "--set", `image.tag=${NEXT_RELEASE.reference.split(":")[1]}`);
      const isNext = (image: string): boolean => image === NEXT_RELEASE.reference;
      await system.routers.whenAll(
        ROUTERS,
        "of the new release",
        ({ uid, image }) => !before.has(uid) && isNext(image),
        DEADLINE_MS,
      );
    });
    assert.equal(await system.natsUid(), natsBefore, "NATS is not restarted");
    for (const crd of ["routingpolicies", "providers", "routers", "tenants"]) {
      const stamp = "{.metadata.annotations.beamline\\.dev/version}";
      await beamline.whenShown(NEXT_RELEASE.version, stamp, "crd", `${crd}.beamline.dev`);
    }
  });

  it("holds a roll-out to a release that rejects what is served, and goes back", async () => {
    const before = system.uids();
    await system.unnoticed("held roll-out", async () => {
      await system.patchRouter({ image: STRICTER_RELEASE.reference });
      const reason = '{.status.conditions[?(@.type=="Progressing")].reason}';
      await beamline.whenShown("RolloutHeld", reason, "router", "default", `--namespace=${NAMESPACE}`);
      await delay(HELD_MS);
      const fresh = system.routers.list().filter(({ uid }) => !before.has(uid));
      assert.equal(system.routers.list().length, ROUTERS + 1, "those of before are all there");
      assert.deepEqual(
        fresh.map(({ ready }) => ready),
        [false],
        "the new one takes no messages",
      );
      await system.patchRouter({ image: null });
      await system.routers.whenAll(ROUTERS, "of before", ({ uid }) => before.has(uid), DEADLINE_MS);
    });
  });

  it("gives routers other credentials: no pod is restarted, and the old ones are refused", async () => {
    const asTheyAre = (): readonly string[] => system.routers.list().map(({ uid, restarts }) => `${uid} ${restarts}`);
    const before = asTheyAre();
    const old = await beamline.credentials("router");
    await system.during("rotation of credentials", async () => {
      const names = [`--namespace=${NAMESPACE}`, `--prefix=${NATS}`];
      await beamline.cli("nats-accounts", "--kubernetes", ...names, "--rotate=router");
      const renewed = await beamline.credentials("router");
      assert.notDeepEqual(renewed, old);
      const pods = system.routers.list().map(({ name }) => name);
      // A change of a pod makes kubelet look at its volumes now, and not within the next minute or two.
      const mark = [`example.test/rotated=${Date.now()}`, "--overwrite"];
      await beamline.inNamespace("annotate", "pods", ...pods, NATS_POD, ...mark);
      await Promise.all(pods.map((pod) => system.whenMounted(pod, Buffer.from(renewed).toString())));
      await eventually(
        async () => {
          await beamline.inNamespace("exec", NATS_POD, "--", "nats-server", "--signal", "reload=1");
          return beamline.isRefused(old);
        },
        { deadlineMs: DEADLINE_MS, describe: "the old credentials are refused", everyMs: 500 },
      );
    });
    assert.deepEqual(asTheyAre(), before);
  });

  it("says which Secret a new router waits for, while the others go on", async () => {
    const secret = `${NATS}-router`;
    const kept = await beamline.inNamespace("get", "secret", secret, "--output=json");
    const file = await beamline.write("secret.json", withoutServerFields(kept));
    await system.during("a Secret that is gone", async () => {
      await beamline.inNamespace("delete", "secret", secret);
      const [victim] = system.routers.list();
      await system.deletePod(victim?.name ?? "");
      const message = '--output=jsonpath={.status.conditions[?(@.type=="Progressing")].message}';
      const question = `is there a Secret ${secret} in namespace ${NAMESPACE}?`;
      let said = "";
      await eventually(
        async () => {
          said = await beamline.inNamespace("get", "router/default", message);
          return said.includes(question);
        },
        { deadlineMs: DEADLINE_MS, describe: () => `the Router's status asks for it: ${said}`, everyMs: 500 },
      );
      await beamline.inNamespace("create", "--filename", file);
      await system.routers.whenAll(ROUTERS, "with the Secret", ({ uid }) => uid !== victim?.uid, DEADLINE_MS);
    });
  });

  it("has stored each effect once, and nothing else", async () => {
    await system.load.stop();
    const { lost, unfinished } = await system.load.end(DEADLINE_MS);
    assert.deepEqual({ lost, unfinished }, { lost: [], unfinished: 0 });
    const totals = await system.load.totals();
    const left = await compareStreams(system.inspector, totals, DEADLINE_MS);
    const { assigned, decidedOnly, deadLetters, redelivered } = totals;
    const letters = deadLetters.length;
    const counts = { assigned: assigned.length, decided: decidedOnly.length, letters, redelivered, left };
    process.stderr.write(`${JSON.stringify(counts)}\n`);
  });
});

function withoutServerFields(text: string): string {
  const secret = JSON.parse(text) as { readonly metadata: { readonly name: string; readonly labels: object } };
  const { name, labels } = secret.metadata;
  return JSON.stringify({ ...secret, metadata: { name, labels } });
}
