// What a Router's operator looks at, kept up change by change: always what a look at all objects would give.
import assert from "node:assert/strict";
import fc from "fast-check";
import { describe, it } from "mocha";
import { selectObjects } from "../../../core/reconcile/attach.ts";
import type { MirroredObject } from "../../../operator/source/kubernetes/mirrored-object.ts";
import type { MirrorChange, MirroredRef } from "../../../operator/source/kubernetes/object-mirror.ts";
import { Selection } from "../../../operator/source/kubernetes/selection.ts";

const INSTALLATION = { namespace: "system", name: "default" };
const OTHER = { namespace: "system", name: "other" };
const RUNS = 300;
const MAX_CHANGES = 30;

/** The objects of a cluster; what is put or taken away comes back as the change that a mirror tells. */
class Objects {
  private readonly byKey = new Map<string, MirroredObject>();

  get(kind: string, { namespace, name }: MirroredRef): MirroredObject | undefined {
    return this.byKey.get(`${kind}/${kind === "Tenant" ? "" : namespace}/${name}`);
  }

  *objects(kind: string): Generator<MirroredObject, void, undefined> {
    for (const object of this.byKey.values()) if (object.kind === kind) yield object;
  }

  all(): readonly MirroredObject[] {
    return [...this.byKey.values()].filter(({ deleting }) => !deleting);
  }

  change(key: string, current: MirroredObject | undefined): MirrorChange | undefined {
    const previous = this.byKey.get(key);
    const kind = (current ?? previous)?.kind;
    if (current === undefined) this.byKey.delete(key);
    else this.byKey.set(key, current);
    return kind === undefined ? undefined : { kind, previous, current, specChanged: true };
  }
}

const ref = fc.record({ namespace: fc.constantFrom("a", "b"), name: fc.constantFrom("x", "y") });
const policySpec = fc.record(
  {
    routerRef: fc.constantFrom(INSTALLATION, OTHER, { namespace: "system", name: "nowhere" }),
    tenantId: fc.constantFrom("a", "gold"),
    providers: fc.array(fc.record({ name: fc.constantFrom("x", "y"), ref }, { requiredKeys: ["name"] }), {
      maxLength: 2,
    }),
  },
  { requiredKeys: ["providers"] },
);
const step = fc.oneof(
  fc.record({ kind: fc.constant("RoutingPolicy" as const), ref, spec: policySpec }),
  fc.record({ kind: fc.constant("Provider" as const), ref, spec: fc.constant({}) }),
  fc.record({
    kind: fc.constant("Tenant" as const),
    ref: fc.constantFrom({ namespace: "", name: "a" }, { namespace: "", name: "gold" }),
    spec: fc.constant({}),
  }),
  fc.record({ kind: fc.constant("Router" as const), ref: fc.constantFrom(INSTALLATION, OTHER), spec: fc.constant({}) }),
);
const becomes = fc.constantFrom("there", "there", "there", "deleting", "gone");
/** Some changes are told together. */
const batches = fc.array(fc.array(fc.tuple(step, becomes), { minLength: 1, maxLength: 3 }), { maxLength: MAX_CHANGES });

describe("the selection of a Router", () => {
  for (const router of [INSTALLATION, OTHER]) {
    it(`of ${router.name} is what a look at everything gives, and says when it changes`, () => {
      fc.assert(
        fc.property(batches, (all) => {
          const mirror = new Objects();
          const selection = new Selection({ mirror, router, installation: INSTALLATION });
          for (const batch of all) {
            const before = new Set(selection.objects());
            const changes = batch.flatMap((change) => applyStep(mirror, change) ?? []);
            const isChanged = selection.take(changes);
            const after = new Set(selection.objects());
            assert.deepEqual(after, new Set(selectAll(mirror, router)));
            if (!isChanged) assert.deepEqual(after, before);
          }
        }),
        { numRuns: RUNS },
      );
    });
  }

  it("is not touched by what does not concern the Router", () => {
    const mirror = new Objects();
    const selection = new Selection({ mirror, router: OTHER, installation: INSTALLATION });
    const spec = { providers: [{ name: "x" }] };
    const foreign = { kind: "RoutingPolicy" as const, ref: { namespace: "a", name: "x" }, spec };
    const unnamed = { kind: "Provider" as const, ref: { namespace: "b", name: "y" }, spec: {} };
    const changes = [foreign, unnamed].flatMap((change) => applyStep(mirror, [change, "there"]) ?? []);
    assert.equal(changes.length, 2);
    assert.equal(selection.take(changes), false);
  });
});

let versions = 0;

function applyStep(
  mirror: Objects,
  [{ kind, ref: named, spec }, becoming]: readonly [
    Pick<MirroredObject, "kind" | "spec"> & { ref: MirroredRef },
    string,
  ],
): MirrorChange | undefined {
  const key = `${kind}/${named.namespace}/${named.name}`;
  if (becoming === "gone") return mirror.change(key, undefined);
  const meta = { ...named, uid: key, generation: ++versions, creationMs: 0 };
  return mirror.change(key, {
    ...{ kind, meta, spec, labels: {}, conditions: [], status: undefined },
    resourceVersion: String(versions),
    deleting: becoming === "deleting",
  });
}

function selectAll(mirror: Objects, router: typeof OTHER): readonly MirroredObject[] {
  return selectObjects(mirror.all(), {
    router,
    installation: INSTALLATION,
    hasRouter: (named) => mirror.get("Router", named)?.deleting === false,
  });
}
