// Who may speak for a component: its owner, who may speak for any, and of a lost one whoever registers it.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { maySpeakFor, namespaceOfOwner } from "../../../core/registry/owner.ts";
import { verdictOf } from "../../../core/registry/verdicts.ts";
import { beat, Driven, registration, TTL_MS } from "./drive.ts";

const OURS = "token:system:serviceaccount:team-a:resize";
const THEIRS = "token:system:serviceaccount:team-b:resize";
const NAME = { kind: "processor", id: "p" } as const;

function owned(owner: string | undefined, instance = "p-1") {
  const plain = registration("p", { instance });
  return owner === undefined ? plain : { ...plain, owner };
}

function register(registry: Driven, owner: string | undefined, instance?: string, speaker = owner): void {
  registry.do({ kind: "registered", registration: owned(owner, instance), speaker });
}

const refusals = (registry: Driven) => registry.refusals.map(({ reason }) => reason);

describe("the owner of a component", () => {
  const namespaces: readonly [string, string | undefined][] = [
    [OURS, "team-a"],
    ["token:jane@example.test", undefined],
    ["certificate:system:serviceaccount:team-a:resize", undefined],
    ["api-key:system:serviceaccount:team-a:resize", undefined],
    ["token:system:serviceaccount:team-a:resize:more", undefined],
    ["token:system:serviceaccount::resize", undefined],
    ["token:system:serviceaccount:team/a:resize", undefined],
    ["x token:system:serviceaccount:team-a:resize", undefined],
  ];
  for (const [owner, namespace] of namespaces)
    it(`${owner} is in ${namespace ?? "no namespace"}`, () => assert.equal(namespaceOfOwner(owner), namespace));

  const speaking: readonly [string, string | undefined, string | undefined, boolean][] = [
    ["the owner", OURS, OURS, true],
    ["somebody else", OURS, THEIRS, false],
    ["one who may speak for any", OURS, undefined, true],
    ["anybody, for what nobody owns", undefined, THEIRS, true],
    ["anybody, where callers are not told apart", undefined, undefined, true],
  ];
  for (const [title, owner, speaker, may] of speaking)
    it(`${may ? "is spoken for" : "is not spoken for"} by ${title}`, () =>
      assert.equal(maySpeakFor(owner === undefined ? {} : { owner }, speaker), may));

  it("alone may heartbeat, unregister and take over while it is not lost, whatever instance is named", () => {
    const registry = new Driven();
    register(registry, OURS);
    const standing = registry.component("p");
    registry.do({ kind: "beat", beats: [beat("p", { speaker: THEIRS })] });
    registry.do({ kind: "beat", beats: [beat("p", { speaker: THEIRS, instance: "p-1" })] });
    registry.do({ kind: "unregistered", name: NAME, speaker: THEIRS });
    register(registry, THEIRS);
    register(registry, THEIRS, "p-2");
    assert.deepEqual(refusals(registry), Array(5).fill("foreign"));
    assert.equal(registry.component("p"), standing);
    registry.pass(TTL_MS * 0.8);
    assert.equal(registry.liveness("p"), "late");
    register(registry, THEIRS);
    assert.equal(refusals(registry).at(-1), "foreign");
  });

  it("is the same for all of its processes: a new one takes over, and the one before is fenced", () => {
    const registry = new Driven();
    register(registry, OURS);
    register(registry, OURS, "p-2");
    registry.do({ kind: "beat", beats: [beat("p", { speaker: OURS, instance: "p-1" })] });
    registry.do({ kind: "beat", beats: [beat("p", { speaker: OURS, instance: "p-2" })] });
    assert.deepEqual(refusals(registry), ["fenced"]);
    assert.equal(registry.component("p")?.reported.text, "HEALTHY");
    registry.do({ kind: "unregistered", name: NAME, speaker: OURS });
    assert.equal(registry.liveness("p"), "absent");
  });

  it("loses it to whoever registers once it is lost, and is fenced or refused from then on", () => {
    const registry = new Driven();
    register(registry, OURS);
    registry.pass(TTL_MS + 2_000);
    assert.equal(registry.liveness("p"), "lost");
    registry.do({ kind: "beat", beats: [beat("p", { speaker: THEIRS })] });
    assert.equal(registry.liveness("p"), "lost", "only its owner brings it back");
    register(registry, THEIRS, "p-9");
    assert.deepEqual([registry.liveness("p"), registry.component("p")?.registration.owner], ["live", THEIRS]);
    registry.do({ kind: "beat", beats: [beat("p", { speaker: OURS, instance: "p-1" })] });
    registry.do({ kind: "beat", beats: [beat("p", { speaker: OURS })] });
    assert.deepEqual(refusals(registry), ["foreign", "fenced", "foreign"]);
  });

  it("hands down neither report nor capabilities to another owner whose process has the same name", () => {
    const registry = new Driven();
    register(registry, OURS);
    const capabilities = { inputEventTypes: ["x"], outputEventTypes: [], source: "capabilities" } as const;
    registry.do({ kind: "capabilitiesRead", name: NAME, instance: "p-1", capabilities });
    registry.do({ kind: "beat", beats: [beat("p", { speaker: OURS })] });
    registry.do({ kind: "registered", registration: owned(THEIRS), speaker: undefined });
    const { registration: stands, reported } = registry.component("p") ?? {};
    assert.deepEqual([stands?.owner, stands?.capabilities.inputEventTypes, reported?.text], [THEIRS, [], "STARTING"]);
    assert.equal(registry.kinds().at(-1), "takenOver");
  });

  it("is kept by who registered nobody's component, without losing what it answered", () => {
    const registry = new Driven();
    register(registry, undefined);
    const capabilities = { inputEventTypes: ["x"], outputEventTypes: [], source: "capabilities" } as const;
    registry.do({ kind: "capabilitiesRead", name: NAME, instance: "p-1", capabilities });
    register(registry, OURS);
    assert.deepEqual(registry.component("p")?.registration.capabilities, capabilities);
    register(registry, THEIRS);
    assert.deepEqual(refusals(registry), ["foreign"]);
  });

  it("tells routers its namespace, and nothing else of itself", () => {
    const registry = new Driven();
    register(registry, OURS);
    const component = registry.component("p");
    assert.ok(component !== undefined);
    const { namespace, ...rest } = verdictOf(component);
    assert.equal(namespace, "team-a");
    assert.ok(!JSON.stringify(rest).includes("serviceaccount"));
    assert.equal(
      "namespace" in verdictOf({ ...component, registration: { ...owned("api-key:a"), registeredAtMs: 1, seq: 1 } }),
      false,
    );
  });
});
