// What the board passes on to the writer of statuses: when, of which object, and what several Routers say of one.
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "mocha";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { Condition, ConditionStatus } from "../../../core/reconcile/conditions.ts";
import type { StatusWrite } from "../../../kubernetes/send-status.ts";
import type { MirroredObject } from "../../../operator/source/kubernetes/mirrored-object.ts";
import type { MirrorChange } from "../../../operator/source/kubernetes/object-mirror.ts";
import { type ConditionChange, StatusBoard } from "../../../operator/source/kubernetes/status-board.ts";
import type { PolicyStatus, ProviderStatus, StatusDocument } from "../../../operator/status-document.ts";
import { STATUS_PATIENCE_MS } from "../../../operator/status-reporter.ts";
import { eventually } from "../../support/await.ts";

const NOBODY: ReadonlySet<string> = new Set();
const PENDING: ReadonlySet<string> = new Set(["uid-chat"]);
const A = { namespace: "beamline-system", name: "a" };
const B = { namespace: "beamline-system", name: "b" };
const DEADLINE_MS = 10_000;

describe("the status board", () => {
  let objects: Map<string, MirroredObject>;
  let writes: StatusWrite[];
  let forgotten: string[];
  let told: ConditionChange[];
  let nowMs: number;
  let board: StatusBoard;

  beforeEach(() => {
    objects = new Map();
    writes = [];
    forgotten = [];
    told = [];
    nowMs = 0;
    board = new StatusBoard({
      mirror: { get: (kind, { namespace, name }) => objects.get(`${kind}/${namespace}/${name}`) },
      writer: {
        set: (write) => void writes.push(write),
        forget: ({ kind }, { namespace, name }) => void forgotten.push(`${kind}/${namespace ?? ""}/${name}`),
      },
      onConditions: (change) => void told.push(change),
      onGone: (uid) => void forgotten.push(uid),
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs },
    });
    for (const name of ["chat", "other"]) place("RoutingPolicy", name);
    place("Provider", "openai");
  });

  function place(kind: ObjectKind, name: string, uid = `uid-${name}`): MirroredObject {
    const meta = { namespace: "demo", name, uid, generation: 1, creationMs: 0 };
    const object: MirroredObject = {
      ...{ kind, meta, labels: {}, spec: {}, conditions: [], status: undefined, deleting: false },
      resourceVersion: String(writes.length),
    };
    objects.set(`${kind}/demo/${name}`, object);
    return object;
  }

  function remove(kind: ObjectKind, name: string): MirrorChange {
    const previous = objects.get(`${kind}/demo/${name}`);
    objects.delete(`${kind}/demo/${name}`);
    return { kind, previous, current: undefined, specChanged: true };
  }

  /** `<name> <Programmed>` of each write so far, by the name of the object. */
  const written = (): readonly string[] =>
    writes.map(({ ref, status }) => {
      const { conditions } = status as { readonly conditions: readonly Condition[] };
      return `${ref.name} ${conditions.find(({ type }) => type === "Programmed")?.status}`;
    });

  it("passes a status on once, however often the same is reported", () => {
    const first = document(A, [policy("chat", "True"), policy("other", "True")]);
    board.report(first, NOBODY);
    board.report(first, NOBODY);
    board.report({ ...first, revision: 2 }, NOBODY);
    assert.deepEqual(written(), ["chat True", "other True"]);
    const [, other] = first.policies;
    assert.ok(other !== undefined);
    board.report(document(A, [policy("chat", "False"), other]), NOBODY);
    assert.deepEqual(written().slice(2), ["chat False"]);
    const [write] = writes;
    assert.deepEqual(
      [write?.ref, write?.uid, write?.observed],
      [{ namespace: "demo", name: "chat" }, "uid-chat", { status: undefined, resourceVersion: "0" }],
    );
  });

  it("keeps a status that is about to change until it has", () => {
    board.report(document(A, [policy("chat", "Unknown"), policy("other", "True")]), PENDING);
    assert.deepEqual(written(), ["other True"]);
    nowMs = STATUS_PATIENCE_MS - 1;
    board.report(document(A, [policy("chat", "True"), policy("other", "True")]), NOBODY);
    assert.ok(written().includes("chat True"));
    assert.ok(!written().includes("chat Unknown"));
    board.stop();
  });

  it("loses its patience by the first report, not by the last, and then tells every step at once", () => {
    board.report(document(A, [policy("chat", "Unknown")]), PENDING);
    nowMs = STATUS_PATIENCE_MS - 1;
    board.report(document(A, [policy("chat", "Unknown")]), PENDING);
    assert.deepEqual(written(), []);
    nowMs = STATUS_PATIENCE_MS;
    board.report(document(A, [policy("chat", "Unknown")]), PENDING);
    board.report(document(A, [policy("chat", "False")]), PENDING);
    assert.deepEqual(written(), ["chat Unknown", "chat False"]);
    board.stop();
  });

  it("loses its patience without another report too", async () => {
    board.report(document(A, [policy("chat", "Unknown")]), PENDING);
    nowMs = STATUS_PATIENCE_MS;
    await eventually(() => writes.length > 0, { deadlineMs: DEADLINE_MS, describe: "the status is written" });
    assert.deepEqual(written(), ["chat Unknown"]);
    board.stop();
  });

  it("says of an object of several Routers the worst of each condition, and who says it", () => {
    board.report(document(A, [], [provider("True")]), NOBODY);
    board.report(document(B, [], [provider("False")]), NOBODY);
    const said = writes.map(({ status }) => (status as { conditions: readonly Condition[] }).conditions);
    assert.deepEqual(
      said.map(([condition]) => [condition?.status, condition?.message]),
      [
        ["True", "as True"],
        ["False", "Router beamline-system/b: as False"],
      ],
    );
  });

  it("asks the other Routers about a Provider that one has no use for any more", () => {
    board.report(document(A, [], [provider("False")]), NOBODY);
    board.report(document(B, [], [provider("True")]), NOBODY);
    board.report(document(A, [], []), NOBODY);
    assert.deepEqual(written(), ["openai False", "openai False", "openai True"]);
  });

  it("writes nothing to an object that is gone, or to another of its name", () => {
    const first = document(A, [policy("chat", "True"), policy("other", "True")]);
    remove("RoutingPolicy", "chat");
    place("RoutingPolicy", "other", "uid-of-another");
    board.report(first, NOBODY);
    assert.deepEqual(written(), []);
  });

  it("forgets what is gone, and has it forgotten by the writer and whoever is told", () => {
    board.report(document(A, [policy("chat", "True")]), NOBODY);
    board.takeChanges([remove("RoutingPolicy", "chat")]);
    assert.deepEqual(forgotten, ["uid-chat", "RoutingPolicy/demo/chat"]);
    // One of the same name is told of from the beginning.
    place("RoutingPolicy", "chat", "uid-again");
    board.report(document(A, [{ ...policy("chat", "True"), uid: "uid-again" }]), NOBODY);
    assert.deepEqual(written(), ["chat True", "chat True"]);
    assert.deepEqual(told.at(-1)?.previous, []);
  });

  it("tells the change of conditions from what it told before", () => {
    board.report(document(A, [policy("chat", "False")]), NOBODY);
    board.report(document(A, [policy("chat", "True")]), NOBODY);
    const statuses = told.map(({ previous, current }) => [previous[0]?.status, current[0]?.status]);
    assert.deepEqual(statuses, [
      [undefined, "False"],
      ["False", "True"],
    ]);
  });

  it("puts back what somebody else has overwritten", () => {
    board.report(document(A, [policy("chat", "True")]), NOBODY);
    const previous = objects.get("RoutingPolicy/demo/chat");
    const current = { ...place("RoutingPolicy", "chat"), status: { conditions: [] } };
    board.takeChanges([{ kind: "RoutingPolicy", previous, current, specChanged: false }]);
    assert.deepEqual(written(), ["chat True", "chat True"]);
  });
});

function conditions(status: ConditionStatus): readonly Condition[] {
  const condition = { type: "Programmed", status, reason: "Test", message: `as ${status}` };
  return [{ ...condition, observedGeneration: 1, lastTransitionTime: "2026-01-01T00:00:00Z" }];
}

function policy(name: string, status: ConditionStatus): PolicyStatus {
  const ref = { namespace: "demo", name, uid: `uid-${name}`, generation: 1, observedGeneration: 1 };
  return { ...ref, conditions: conditions(status), problems: [], tenantId: "demo", policyId: name };
}

function provider(status: ConditionStatus): ProviderStatus {
  const ref = { namespace: "demo", name: "openai", uid: "uid-openai", generation: 1, observedGeneration: 1 };
  return { ...ref, conditions: conditions(status), problems: [], providerId: "openai" };
}

function document(
  router: typeof A,
  policies: readonly PolicyStatus[],
  providers: readonly ProviderStatus[] = [],
): StatusDocument {
  const counts = { generation: 1, desiredRouters: 0, updatedRouters: 0 };
  return {
    ...{
      revision: 1,
      epoch: "e",
      routers: [],
      policies,
      providers,
      tenants: [],
      pipelines: [],
      files: [],
      unfenced: true,
    },
    router: { ...router, ...counts, conditions: [] },
  };
}
