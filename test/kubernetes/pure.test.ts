// The small pure parts of the Kubernetes client: what a failure means, who owns a field, whether two statuses say the same.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { throttleDelayMs } from "../../kubernetes/client.ts";
import { adaptConcurrency, INITIAL_CONCURRENCY, MAX_CONCURRENT_REQUESTS } from "../../kubernetes/concurrency.ts";
import { failureOf, MAX_RETRY_AFTER_MS, parseRetryAfter } from "../../kubernetes/failure.ts";
import { judgeOwnership, listLostFields, otherOwnersOf, planReplicas } from "../../kubernetes/field-ownership.ts";
import { LineSplitter, MAX_LINE_LENGTH } from "../../kubernetes/json-lines.ts";
import { isNewerVersion, type KubernetesObject, objectPath } from "../../kubernetes/object.ts";
import { canonicalStatus, containsStatus, isSameStatus, type Status } from "../../kubernetes/status-diff.ts";

const chance = fc.double({ min: 0, max: 1, noNaN: true });

describe("failures", () => {
  it("are told apart by reason first and status second, whoever wrote the body", () => {
    const rows: readonly [number, unknown, string][] = [
      [409, { reason: "AlreadyExists" }, "AlreadyExists"],
      [409, { reason: "Conflict" }, "Conflict"],
      [410, { reason: "Gone" }, "Expired"],
      [410, "gone", "Expired"],
      [429, "slow down", "Throttled"],
      [401, {}, "Unauthorized"],
      [403, { reason: "Forbidden" }, "Forbidden"],
      [404, "404 page not found", "NotFound"],
      [422, { reason: "Invalid" }, "Invalid"],
      [422, { reason: "Invalid", details: { causes: [{ field: "metadata.uid" }] } }, "Conflict"],
      [415, null, "Invalid"],
      [500, { message: "failed to create typed patch object (a/b): .spec.x: field not declared in schema" }, "Invalid"],
      [500, { reason: "InternalError", message: "etcd" }, "ServerError"],
      [502, "<html>bad gateway</html>", "ServerError"],
      [504, { reason: "Timeout" }, "ServerError"],
    ];
    for (const [status, body, kind] of rows) assert.equal(failureOf(status, body).kind, kind, `${status}`);
  });

  it("read Retry-After as seconds, bounded, from the header or the body", () => {
    assert.equal(parseRetryAfter("7"), 7_000);
    assert.equal(parseRetryAfter("999999"), MAX_RETRY_AFTER_MS);
    for (const text of ["", "-1", "0", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"])
      assert.equal(parseRetryAfter(text), undefined);
    assert.equal(failureOf(429, { details: { retryAfterSeconds: 3 } }).retryAfterMs, 3_000);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60_000 }),
        fc.integer({ min: 1, max: 10 }),
        chance,
        (askedMs, attempt, random) => {
          const delayMs = throttleDelayMs({ kind: "Throttled", message: "", retryAfterMs: askedMs }, attempt, random);
          assert.ok(delayMs >= askedMs);
        },
      ),
    );
  });

  it("name who holds which field", () => {
    const causes = [
      { reason: "FieldManagerConflict", message: 'conflict with "kubectl" using v1', field: ".spec.replicas" },
    ];
    assert.deepEqual(failureOf(409, { reason: "Conflict", details: { causes } }).conflicts, [
      "kubectl: .spec.replicas",
    ]);
  });
});

describe("paths and versions", () => {
  const type = { group: "apps", version: "v1", kind: "Deployment", plural: "deployments", namespaced: true };

  it("name one object and nothing else, whatever its name", () => {
    assert.equal(
      objectPath(type, { namespace: "a", name: "b" }, "status"),
      "/apis/apps/v1/namespaces/a/deployments/b/status",
    );
    assert.equal(
      objectPath(type, { namespace: "a", name: "x/../y?z" }),
      "/apis/apps/v1/namespaces/a/deployments/x%2F..%2Fy%3Fz",
    );
    for (const name of ["", ".", ".."])
      assert.throws(() => objectPath(type, { namespace: name, name: "b" }), /no name/);
    assert.throws(() => objectPath(type, { name: "b" }), /is in a namespace/);
  });

  it("are ordered as integers of any length, and unordered when they are none", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 80n }), fc.bigInt({ min: 1n, max: 2n ** 80n }), (a, b) => {
        assert.equal(isNewerVersion(String(a), String(b)), a > b);
      }),
    );
    assert.equal(isNewerVersion("abc", "1"), false);
    assert.equal(isNewerVersion(undefined, "1"), false);
  });
});

describe("lines of a stream", () => {
  it("are the same however the stream is cut", () => {
    const lines = fc.array(
      fc.string().map((text) => `x${text.replaceAll("\n", "")}`),
      { maxLength: 8 },
    );
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (expected, sizes) => {
        const text = expected.map((line) => `${line}\n`).join("");
        const splitter = new LineSplitter();
        const found: string[] = [];
        for (let at = 0, turn = 0; at < text.length; turn++) {
          const size = sizes[turn % sizes.length] ?? 1;
          found.push(...splitter.push(text.slice(at, at + size)));
          at += size;
        }
        assert.deepEqual(found, expected);
        assert.equal(splitter.unfinished, false);
      }),
    );
  });

  it("are bounded", () => {
    const splitter = new LineSplitter();
    splitter.push("x".repeat(MAX_LINE_LENGTH));
    assert.throws(() => splitter.push("x"), /longer than/);
  });
});

describe("concurrency", () => {
  it("stays between one and its bound, falls by a 429 once a second, and recovers", () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 3_000 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (script) => {
        let state = INITIAL_CONCURRENCY;
        let nowMs = 0;
        for (const [throttled, afterMs] of script) {
          nowMs += afterMs;
          const next = adaptConcurrency(state, throttled, nowMs);
          assert.ok(next.limit >= 1 && next.limit <= MAX_CONCURRENT_REQUESTS);
          assert.ok(next.limit >= state.limit / 2);
          state = next;
        }
        for (let success = 0; success < MAX_CONCURRENT_REQUESTS ** 2; success++)
          state = adaptConcurrency(state, false, nowMs);
        assert.equal(state.limit, MAX_CONCURRENT_REQUESTS);
      }),
    );
  });
});

describe("statuses", () => {
  const conditions = fc.uniqueArray(
    fc.record({
      type: fc.constantFrom("Accepted", "Ready", "Programmed"),
      status: fc.constantFrom("True", "False"),
      reason: fc.string(),
    }),
    { selector: ({ type }) => type },
  );
  const statuses: fc.Arbitrary<Status> = fc.record({
    conditions,
    routers: fc.array(fc.record({ name: fc.string(), ready: fc.boolean() }), { maxLength: 3 }),
    observedGeneration: fc.nat(),
    note: fc.option(fc.string(), { nil: undefined }),
  });

  it("are the same up to the order of keys and conditions and what is empty, and only then", () => {
    fc.assert(
      fc.property(statuses, statuses, (a, b) => {
        const shuffled = Object.fromEntries(Object.entries(a).toReversed());
        const list = a.conditions as readonly unknown[];
        const same = { ...shuffled, conditions: list.toReversed(), empty: [], none: {}, nothing: undefined };
        assert.ok(isSameStatus(a, same));
        assert.equal(isSameStatus(a, b), canonicalStatus(a) === canonicalStatus(b));
        assert.ok(!isSameStatus(a, { ...a, observedGeneration: Number(a.observedGeneration) + 1 }));
        assert.ok(isSameStatus(a, JSON.parse(JSON.stringify(a))));
      }),
    );
  });

  it("contain what they say, beside conditions and fields of others, and nothing that differs", () => {
    fc.assert(
      fc.property(statuses, (status) => {
        const theirs = { type: "Theirs", status: "True" };
        const list = status.conditions as readonly { readonly status: string }[];
        const observed = { ...status, conditions: [theirs, ...list.toReversed()], extra: 1 };
        assert.ok(containsStatus(observed, status));
        const [first, ...rest] = list;
        const changed = { ...status, conditions: [...rest, { ...first, status: "Unknown" }] };
        if (first !== undefined) assert.ok(!containsStatus(observed, changed));
      }),
    );
    assert.equal(containsStatus({ items: [1, 2] }, { items: [1] }), false);
    assert.equal(containsStatus(undefined, { a: 1 }), false);
    assert.equal(containsStatus(undefined, { a: [] }), true);
  });

  it("keep the order of lists that are not conditions", () => {
    assert.equal(isSameStatus({ names: ["a", "b"] }, { names: ["b", "a"] }), false);
    assert.equal(isSameStatus({ names: ["a", null] }, { names: ["a"] }), false);
  });
});

describe("ownership", () => {
  const owner = { apiVersion: "v1", kind: "Router", name: "r", uid: "u", controller: true };
  const applied = { manager: "us", operation: "Apply", fieldsV1: { "f:spec": { "f:replicas": {} } } } as const;
  const object = (metadata: Partial<KubernetesObject["metadata"]>): KubernetesObject => ({
    metadata: { name: "x", ...metadata },
  });

  it("is decided by the controller's uid, and without one by who applied", () => {
    const claim = { fieldManager: "us", owner };
    assert.equal(judgeOwnership(undefined, claim), "Absent");
    assert.equal(judgeOwnership(object({ ownerReferences: [owner] }), claim), "Ours");
    assert.equal(judgeOwnership(object({ ownerReferences: [{ ...owner, uid: "older" }] }), claim), "Foreign");
    assert.equal(judgeOwnership(object({ managedFields: [applied] }), claim), "Foreign");
    assert.equal(judgeOwnership(object({ managedFields: [applied] }), { fieldManager: "us" }), "Ours");
    assert.equal(
      judgeOwnership(object({ managedFields: [applied], ownerReferences: [owner] }), { fieldManager: "us" }),
      "Foreign",
    );
    const gone = object({ ownerReferences: [owner], deletionTimestamp: "2026-01-01T00:00:00Z" });
    assert.equal(judgeOwnership(gone, claim), "Deleting");
    const annotations = { "beamline.dev/adopt": "true" };
    assert.equal(judgeOwnership(object({ annotations }), claim), "Adoptable");
    const controlled = object({ annotations, ownerReferences: [{ ...owner, uid: "other" }] });
    assert.equal(judgeOwnership(controlled, claim), "Foreign");
  });

  it("of replicas goes to whoever else writes them, through the scale subresource too", () => {
    const scaler = { ...applied, manager: "hpa", operation: "Update", subresource: "scale" } as const;
    const both = object({ managedFields: [applied, scaler] });
    assert.deepEqual(otherOwnersOf(both, ["spec", "replicas"], "us"), ["hpa"]);
    const options = { wanted: 2, fieldManager: "us" };
    assert.deepEqual(planReplicas(both, { ...options, autoscaled: false }), { action: "Apply", replicas: 2 });
    assert.deepEqual(planReplicas(both, { ...options, autoscaled: true }), { action: "Omit" });
    const theirs = object({ managedFields: [scaler] });
    assert.deepEqual(planReplicas(theirs, { ...options, autoscaled: false }), { action: "Omit" });
    assert.deepEqual(planReplicas(theirs, { ...options, autoscaled: true }), { action: "Omit" });
    assert.deepEqual(planReplicas(undefined, { ...options, autoscaled: true }), { action: "Apply", replicas: 2 });
    const ours = { ...object({ managedFields: [applied] }), spec: { replicas: 7 } };
    assert.deepEqual(planReplicas(ours, { ...options, autoscaled: true }), { action: "Release", replicas: 7 });
    assert.deepEqual(planReplicas(ours, { ...options, autoscaled: false }), { action: "Apply", replicas: 2 });
  });

  it("that was lost is named by path", () => {
    const before = { "f:spec": { "f:a": {}, 'k:{"name":"x"}': { ".": {}, "f:image": {} } } };
    assert.deepEqual(listLostFields(before, { "f:spec": { "f:a": {} } }, 9), [
      'spec[{"name":"x"}]',
      'spec[{"name":"x"}].image',
    ]);
    assert.deepEqual(listLostFields(before, before, 9), []);
    assert.equal(listLostFields(before, {}, 1).length, 1);
  });
});
