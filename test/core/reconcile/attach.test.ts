// Which objects concern which Router.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { routerOf, selectObjects, type WrittenObject } from "../../../core/reconcile/attach.ts";

const INSTALLATION = { namespace: "beamline-system", name: "default" };
const TEAM = { namespace: "team-a", name: "router" };

function object(kind: WrittenObject["kind"], namespace: string, name: string, spec: unknown = {}): WrittenObject {
  return { kind, meta: { namespace, name, uid: `${kind}/${namespace}/${name}`, generation: 1, creationMs: 0 }, spec };
}

const OBJECTS: readonly WrittenObject[] = [
  object("RoutingPolicy", "demo", "chat", { providers: [{ name: "openai" }] }),
  object("RoutingPolicy", "team-a", "own", {
    routerRef: TEAM,
    tenantId: "acme",
    providers: [{ name: "local" }, { name: "shared", ref: { namespace: "shared", name: "openai" } }],
  }),
  object("RoutingPolicy", "team-a", "untenanted", { routerRef: TEAM, providers: [{ name: "local" }] }),
  object("RoutingPolicy", "team-b", "lost", { routerRef: { name: "nowhere" }, providers: [{ name: "local" }] }),
  object("Provider", "demo", "openai"),
  object("Provider", "team-a", "local"),
  object("Provider", "shared", "openai"),
  object("Provider", "shared", "unused"),
  object("Tenant", "", "acme"),
  object("Tenant", "", "older", { tenantId: "team-a" }),
  object("Tenant", "", "demo"),
  object("Router", "beamline-system", "default"),
  object("Router", "team-a", "router"),
];

function select(router: typeof TEAM, objects = OBJECTS): readonly string[] {
  const hasRouter = ({ namespace, name }: typeof TEAM): boolean =>
    objects.some(({ kind, meta }) => kind === "Router" && meta.namespace === namespace && meta.name === name);
  return selectObjects(objects, { router, installation: INSTALLATION, hasRouter })
    .map(({ meta }) => meta.uid)
    .sort();
}

describe("attachment of objects to Routers", () => {
  it("reads the Router of a policy: none is the installation's, one without a namespace is in the installation's", () => {
    assert.deepEqual(routerOf({}, INSTALLATION), INSTALLATION);
    assert.deepEqual(routerOf({ routerRef: { name: "b" } }, INSTALLATION), { namespace: "beamline-system", name: "b" });
    assert.deepEqual(routerOf({ routerRef: TEAM }, INSTALLATION), TEAM);
    assert.deepEqual(routerOf(null, INSTALLATION), INSTALLATION);
  });

  it("gives the installation's Router all Providers and Tenants, and the policies whose Router does not exist", () => {
    assert.deepEqual(select(INSTALLATION), [
      "Provider/demo/openai",
      "Provider/shared/openai",
      "Provider/shared/unused",
      "Provider/team-a/local",
      "Router/beamline-system/default",
      "RoutingPolicy/demo/chat",
      "RoutingPolicy/team-b/lost",
      "Tenant//acme",
      "Tenant//demo",
      "Tenant//older",
    ]);
  });

  it("gives any other Router its policies and what they name, a Tenant by the id that messages carry", () => {
    assert.deepEqual(select(TEAM), [
      "Provider/shared/openai",
      "Provider/team-a/local",
      "Router/team-a/router",
      "RoutingPolicy/team-a/own",
      "RoutingPolicy/team-a/untenanted",
      "Tenant//acme",
      "Tenant//older",
    ]);
  });

  it("leaves a policy to the installation's Router when its own goes", () => {
    const without = OBJECTS.filter(({ kind, meta }) => kind !== "Router" || meta.namespace !== TEAM.namespace);
    assert.ok(select(INSTALLATION, without).includes("RoutingPolicy/team-a/own"));
  });
});
