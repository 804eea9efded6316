// `--secure` with a prefix before every name, a legacy provider on a fixed subject and a step on one: the rights follow, and reach
// no further.
import assert from "node:assert/strict";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { type GuardedConnection, type SecureUp, startSecureUp } from "./secure-up.ts";

const PREFIX = "team-a";
const FIXED = "legacy.work";
const STEP = "beamline.ext.tier.v1";
const DEADLINE_MS = 30_000;
const names = namesFor(PREFIX);
const OBJECTS = `apiVersion: beamline.dev/v1alpha1
kind: Provider
metadata: {name: old, namespace: demo}
spec: {legacy: {subject: ${FIXED}}}
---
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: legacy, namespace: demo}
spec:
  assignment: {push: Always}
  providers: [{name: old}]
  pipeline: {validators: [{name: tier, subject: ${STEP}, timeout: 10s}]}
---
apiVersion: beamline.dev/v1alpha1
kind: Router
metadata: {name: default, namespace: beamline-system}
spec:
  allowedSubjects: [${FIXED}, ${STEP}]
`;

describe("beamline up --secure with a prefix and a fixed subject", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let system: SecureUp;
  let producer: GuardedConnection;
  let worker: GuardedConnection;

  before(async function () {
    const flags = ["--fixed-subject", FIXED, "--fixed-subject", STEP];
    system = await startSecureUp(this, { flags, env: { BEAMLINE_SUBJECTS_PREFIX: PREFIX } });
    producer = await system.connectAs("producer");
    worker = await system.connectAs("worker");
  });
  after(() => system?.dispose());

  it("decides below the prefix, and gives the legacy provider's workers their assignment", async () => {
    const received: string[] = [];
    worker.nc.subscribe(names.toWire(FIXED), {
      callback: (_error, msg) => void received.push(msg.json<{ job: { type: string } }>().job.type),
    });
    const steps: string[] = [];
    worker.nc.subscribe(names.toWire(STEP), {
      callback: (_error, msg) => {
        steps.push(msg.json<{ metadata: Record<string, string> }>().metadata["beamline.step"] ?? "");
        msg.respond("{}");
      },
    });
    await worker.nc.flush();
    const path = join(system.up.policiesDir, "legacy.yaml");
    await writeFile(`${path}.part`, OBJECTS);
    await rename(`${path}.part`, path);
    const message = { message_id: "m", tenant_id: "demo", message_type: "old-chat", payload: "e30=" };
    const body = JSON.stringify({ message, policy_id: "legacy", idempotency_key: "once" });
    const provider = await eventually(
      async () => (await producer.nc.request(names.decideSubject, body)).json<{ providerId?: string }>().providerId,
      { deadlineMs: DEADLINE_MS, describe: "the routers know the legacy provider", everyMs: 100 },
    );
    assert.equal(provider, "old");
    await eventually(() => received.length > 0, { deadlineMs: DEADLINE_MS, describe: "the worker has its work" });
    assert.deepEqual(received, ["old-chat"]);
    assert.deepEqual([...new Set(steps)], ["tier"]);
  });

  it("refuses what a prefix or a fixed subject does not name", async () => {
    const subjects = ["beamline.router.v1.decide", names.toWire(FIXED), FIXED, names.toWire(STEP)];
    for (const subject of subjects) producer.nc.publish(subject, "{}");
    for (const subject of subjects) {
      const refusal = `Permissions Violation for Publish to "${subject}"`;
      await eventually(() => producer.refusals.has(refusal), { deadlineMs: DEADLINE_MS, describe: refusal });
    }
    worker.nc.subscribe(FIXED, { callback: () => undefined });
    const refusal = `Permissions Violation for Subscription to "${FIXED}"`;
    await eventually(() => worker.refusals.has(refusal), { deadlineMs: DEADLINE_MS, describe: refusal });
  });

  it("gives operator and routers all that they need, the binding of the fixed subject too", async () => {
    assert.equal((await system.up.status()).unfenced, false);
    assert.deepEqual(await system.refusedInside(), []);
  });
});
