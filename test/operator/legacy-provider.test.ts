// A Provider on a fixed subject, from the Router object to the stream that stores its work, with real routers.
import assert from "node:assert/strict";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import type { Condition } from "../../core/reconcile/conditions.ts";
import type { StatusDocument } from "../../operator/status-document.ts";
import { encodeRequest } from "../router/messages.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { DEADLINE_MS, OperatorHarness } from "./harness.ts";

const FIXED = "legacy.work";
const FOREIGN = "legacy.taken";
const OBJECTS = `apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: old, namespace: demo}
spec: {displayName: Old workers, legacy: {subject: ${FIXED}}}
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  assignment: {push: Always}
  providers: [{name: old}]
`;

function routerText(allowedSubjects: readonly string[], more = ""): string {
  return `apiVersion: beamline.dev/v1alpha1
kind: Router
metadata: {name: default, namespace: beamline-system}
spec:
  allowedSubjects: ${JSON.stringify(allowedSubjects)}
${more}`;
}

describe("operator and a provider on a fixed subject", () => {
  let nats: TestNats;
  let harness: OperatorHarness;
  let jsm: JetStreamManager;
  const { streams } = namesFor();

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url);
    await harness.write("objects.yaml", OBJECTS);
    await harness.start();
    assert.ok(harness.link !== undefined);
    jsm = await jetstreamManager(harness.link.nc);
    await jsm.streams.add({ name: "FOREIGN", subjects: [FOREIGN] });
    await harness.whenRoutersReady(2);
  });
  after(async () => {
    await harness.remove();
    await nats.stop();
  });

  const provider = (): StatusDocument["providers"][number] => {
    const [found] = harness.document().providers;
    assert.ok(found !== undefined);
    return found;
  };
  const shown = (conditions: readonly Condition[]): readonly string[] =>
    conditions.map(({ type, status, reason }) => `${type}=${status}/${reason}`);
  const subjects = async (): Promise<readonly string[]> =>
    (await jsm.streams.info(streams.assignments)).config.subjects.filter((subject) => subject.startsWith("legacy."));
  const decide = async (messageId: string): Promise<string> => {
    assert.ok(harness.link !== undefined);
    const request = encodeRequest("json", { messageId });
    const reply = await harness.link.nc.request("beamline.router.v1.decide", request, { timeout: 5_000 });
    return reply.headers?.get("Nats-Service-Error-Code") ?? "";
  };

  it("is refused while the Router does not allow its subject, as its routers refuse the work", async () => {
    await eventually(() => harness.document().providers.length === 1, { deadlineMs: DEADLINE_MS, describe: "seen" });
    const { conditions, problems } = provider();
    assert.deepEqual(shown(conditions).slice(0, 3), [
      "Accepted=False/LegacySubjectNotAllowed",
      "Programmed=False/NotAccepted",
      "Ready=False/LegacySubjectNotAllowed",
    ]);
    assert.match(conditions[0]?.message ?? "", /add it to spec\.allowedSubjects of the Router/);
    assert.deepEqual([problems[0]?.file, problems[0]?.line], ["objects.yaml", 4]);
    const policy = harness.policy("chat");
    assert.equal(policy?.conditions.find(({ type }) => type === "ResolvedRefs")?.reason, "LegacySubjectNotAllowed");
    assert.notEqual(await decide("refused"), "");
  });

  it("works when it is allowed: the stream binds the subject, and the status says what the guarantee is", async () => {
    await harness.write("router.yaml", routerText([FIXED]));
    await eventually(() => shown(provider().conditions).includes("Ready=True/Ready"), {
      deadlineMs: DEADLINE_MS,
      describe: () => `the provider is ready: ${JSON.stringify(harness.document(), undefined, 1)}`,
    });
    assert.deepEqual(await subjects(), [FIXED]);
    await harness.whenReady("chat", 1);
    const { conditions, consumer, legacySubject, displayName } = provider();
    assert.deepEqual([consumer, legacySubject, displayName], [undefined, FIXED, "Old workers"]);
    const deduplicated = conditions.find(({ type }) => type === "Deduplicated");
    assert.deepEqual([deduplicated?.status, deduplicated?.reason], ["False", "WindowOnly"]);
    assert.match(deduplicated?.message ?? "", /legacy\.work.*window of 120 s/);
    assert.equal(await decide("allowed"), "", "ready is ready: no router refuses the work any more");
    const stored = await jsm.streams.getMessage(streams.assignments, { last_by_subj: FIXED });
    assert.ok(stored !== null);
    assert.equal((await jsm.consumers.list(streams.assignments).next()).length, 0, "no consumer is made for it");
  });

  it("follows the list on a stream that stands, and names a subject that the server refuses", async () => {
    await harness.write(
      "router.yaml",
      routerText([FOREIGN, FIXED, "legacy.more"], "  replicas: 5\n  autoscaling: {min: 1, max: 2}\n"),
    );
    await eventually(async () => (await subjects()).length === 2, {
      deadlineMs: DEADLINE_MS,
      describe: "the stream binds what it may",
    });
    assert.deepEqual([...(await subjects())].sort(), ["legacy.more", FIXED]);
    const problem = await eventually(
      () => harness.document().files.find(({ file }) => file === "router.yaml")?.problems[0],
      { deadlineMs: DEADLINE_MS, describe: "the problem is told" },
    );
    assert.deepEqual([problem.path, problem.rule], ["spec.allowedSubjects[0]", "subject_not_bindable"]);
    const { conditions } = harness.document().router;
    const partially = conditions.find(({ type }) => type === "PartiallySupported");
    assert.match(partially?.message ?? "", /spec\.autoscaling/);
    assert.match(partially?.message ?? "", /spec\.replicas \(2 routers run/);
    assert.match(partially?.message ?? "", /spec\.allowedSubjects\[0\]/);
    assert.equal(partially?.observedGeneration, 2);
  });

  it("is refused again when the list loses it, and its stored work stays", async () => {
    await harness.write("router.yaml", routerText(["legacy.more"]));
    await eventually(() => shown(provider().conditions)[0] === "Accepted=False/LegacySubjectNotAllowed", {
      deadlineMs: DEADLINE_MS,
      describe: "it is refused",
    });
    await eventually(async () => (await subjects()).join() === "legacy.more", {
      deadlineMs: DEADLINE_MS,
      describe: "the stream follows",
    });
    assert.ok((await jsm.streams.getMessage(streams.assignments, { last_by_subj: FIXED })) !== null);
  });
});
