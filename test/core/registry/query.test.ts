// Lists, discovery, watches that come back, and what routers are told.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { MAX_LOGGED_NOTICES } from "../../../core/registry/limits.ts";
import { noticesAfter, resumeToken } from "../../../core/registry/notice-log.ts";
import {
  type ComponentFilter,
  componentsById,
  concerns,
  discover,
  type ListRequest,
  listComponents,
} from "../../../core/registry/query.ts";
import { allVerdicts, verdictChanges } from "../../../core/registry/verdicts.ts";
import { beat, Driven, registration, TTL_MS } from "./drive.ts";

function world(): Driven {
  const registry = new Driven();
  const add = (id: string, more: Parameters<typeof registration>[1]) => {
    registry.nowMs += 1;
    registry.do({ kind: "registered", registration: registration(id, more) });
  };
  add("a", { metadata: { zone: "1", input_event_types: "x", output_event_types: "y" } });
  add("b", { metadata: { zone: "2", input_event_types: "y" } });
  add("a", { kind: "source", metadata: { zone: "1", output_event_types: "x" } });
  add("c", { kind: "consumer", metadata: { zone: "1", team: "t" } });
  registry.do({
    kind: "beat",
    beats: [beat("b", { report: { status: "STOPPING", text: "STOPPING", metrics: new Map() } })],
  });
  return registry;
}

function list(registry: Driven, request: ListRequest) {
  const page = listComponents(registry.state, request);
  assert.ok(page.ok, JSON.stringify(page));
  return page.value;
}

const names = (components: readonly { registration: { kind: string; id: string } }[]) =>
  components.map(({ registration: { kind, id } }) => `${kind}/${id}`);

const FILTERS: readonly (readonly [filter: ComponentFilter, found: readonly string[]])[] = [
  [{}, ["processor/a", "source/a", "processor/b", "consumer/c"]],
  [{ kinds: ["source", "consumer"] }, ["source/a", "consumer/c"]],
  [{ statuses: ["STOPPING"] }, ["processor/b"]],
  [{ liveness: ["lost"] }, []],
  [
    {
      metadata: new Map([
        ["zone", "1"],
        ["team", "t"],
      ]),
    },
    ["consumer/c"],
  ],
  [{ inputEventTypes: ["y", "z"] }, ["processor/b"]],
  [{ outputEventTypes: ["x"] }, ["source/a"]],
  [{ eventTypes: ["x"] }, ["processor/a", "source/a"]],
];

describe("registry: reading it", () => {
  for (const [filter, found] of FILTERS)
    it(`lists ${JSON.stringify({ ...filter, ...(filter.metadata && { metadata: [...filter.metadata] }) })}`, () =>
      assert.deepEqual(names(list(world(), { filter }).components), found));

  it("lists the newest first when asked", () => {
    assert.deepEqual(names(list(world(), { order: "registered" }).components), [
      "consumer/c",
      "source/a",
      "processor/b",
      "processor/a",
    ]);
  });

  it("pages without repetition or gap while components come and go", () => {
    const registry = new Driven().register(...Array.from({ length: 10 }, (_, index) => `p${index}`));
    const first = list(registry, { pageSize: 4 });
    assert.deepEqual(
      names(first.components),
      ["p0", "p1", "p2", "p3"].map((id) => `processor/${id}`),
    );
    // The one that the token names goes, one before it comes, one after it goes.
    registry.do({ kind: "unregistered", name: { kind: "processor", id: "p3" } });
    registry.do({ kind: "unregistered", name: { kind: "processor", id: "p5" } });
    registry.register("p00");
    const second = list(registry, { pageSize: 4, pageToken: first.nextPageToken ?? "" });
    assert.deepEqual(
      names(second.components),
      ["p4", "p6", "p7", "p8"].map((id) => `processor/${id}`),
    );
    const third = list(registry, { pageSize: 4, pageToken: second.nextPageToken ?? "" });
    assert.deepEqual([names(third.components), third.nextPageToken], [["processor/p9"], undefined]);
  });

  it("refuses a token of another order, and one that is none", () => {
    const token = list(world(), { pageSize: 1 }).nextPageToken ?? "";
    for (const request of [{ pageToken: token, order: "registered" }, { pageToken: "x" }] as const)
      assert.deepEqual(listComponents(world().state, request), { ok: false, error: "page_token" });
    assert.deepEqual(listComponents(world().state, { pageSize: -1 }), { ok: false, error: "page_size" });
  });

  it("discovers live components before late ones, and neither lost nor stopping ones", () => {
    const registry = world();
    assert.deepEqual(names(discover(registry.state, {})), ["processor/a", "source/a", "consumer/c"]);
    registry.pass(TTL_MS / 2 + 500);
    registry.do({ kind: "beat", beats: [{ ...beat("c"), kind: "consumer" }] });
    assert.deepEqual(names(discover(registry.state, {})).at(0), "consumer/c");
    registry.pass(TTL_MS / 2);
    assert.ok(!discover(registry.state, {}).some(({ liveness }) => liveness === "lost"));
  });

  it("finds an id of any kind, for protocols that name none", () => {
    assert.deepEqual(names(componentsById(world().state, "a")), ["processor/a", "source/a"]);
  });

  it("gives a watcher everything after its token, in order and in portions", () => {
    const registry = world();
    const token = resumeToken(registry.state);
    registry.register("d", "e", "f");
    const first = noticesAfter(registry.state, token, 2);
    assert.ok(first.ok);
    assert.deepEqual(
      first.value.map((notice) => "component" in notice && notice.component.registration.id),
      ["d", "e"],
    );
    assert.deepEqual(noticesAfter(registry.state, resumeToken(registry.state), 2), { ok: true, value: [] });
  });

  it("says when a token is of another registry, of the future, too old, or none", () => {
    const registry = new Driven().register("p");
    const token = resumeToken(registry.state);
    assert.deepEqual(noticesAfter(registry.state, "other.0", 1), { ok: false, error: "expired" });
    assert.deepEqual(noticesAfter(registry.state, "epoch.99", 1), { ok: false, error: "expired" });
    assert.deepEqual(noticesAfter(registry.state, "1", 1), { ok: false, error: "malformed" });
    for (let count = 0; count < MAX_LOGGED_NOTICES; count++) {
      registry.nowMs += 0.1;
      const text = count % 2 === 0 ? "a" : "b";
      registry.do({ kind: "beat", beats: [beat("p", { report: { status: "UNKNOWN", text, metrics: new Map() } })] });
    }
    const all = noticesAfter(registry.state, token, MAX_LOGGED_NOTICES);
    assert.ok(all.ok && all.value.length === MAX_LOGGED_NOTICES);
    registry.nowMs += 1;
    registry.beat("p");
    assert.deepEqual(noticesAfter(registry.state, token, 1), { ok: false, error: "expired" });
  });

  it("tells a watcher of the kinds it asked for, and of what concerns everybody", () => {
    const registry = world();
    registry.do({ kind: "selfResumed", gapMs: 1 });
    const told = registry.notices.filter((notice) => concerns(notice, { kinds: ["consumer"] }));
    assert.deepEqual(
      told.map(({ kind }) => kind),
      ["registered", "hearing"],
    );
  });

  it("tells a watcher of what it asked for when that stops being so", () => {
    const registry = world().pass(TTL_MS / 2 + 500);
    const late = registry.notices.filter((notice) => notice.kind === "livenessChanged");
    assert.ok(late.length > 0 && late.every((notice) => concerns(notice, { liveness: ["live"] })));
  });

  it("tells routers the last of each component, once", () => {
    const registry = world();
    const before = registry.notices.length;
    registry.do({ kind: "unregistered", name: { kind: "source", id: "a" } });
    registry.pass(TTL_MS / 2 + 500);
    const changes = verdictChanges(registry.notices.slice(before));
    const said = changes.map(({ kind, id, verdict }) => `${kind}/${id} ${verdict?.liveness ?? "gone"}`).sort();
    assert.deepEqual(said, ["consumer/c late", "processor/a late", "processor/b late", "source/a gone"]);
    const { length } = allVerdicts(registry.state);
    assert.equal(length, 3);
    assert.deepEqual(
      allVerdicts(registry.state)
        .filter(({ isCandidate }) => !isCandidate)
        .map(({ id, reported }) => `${id} ${reported}`),
      ["b STOPPING"],
    );
  });
});
