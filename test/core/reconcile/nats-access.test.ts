// Whose credentials a Router gets, and which servers it may name.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import {
  type InstallationNats,
  isInstallationAccount,
  planNatsAccess,
  type WrittenNats,
} from "../../../core/reconcile/nats-access.ts";

const INSTALLATION: InstallationNats = {
  namespace: "beamline-system",
  url: "nats://a:4222,nats://b:4222",
  hasCredentials: true,
  hasTls: false,
  routerCredentialsSecret: "beamline-nats-router",
  routerTlsSecret: undefined,
  allowedUrls: ["tls://elsewhere:4222"],
};
const OWN = { namespace: "beamline-system", name: "default" };
const TEAM = { namespace: "team-a", name: "router" };

const cases: readonly {
  readonly title: string;
  readonly router?: typeof TEAM;
  readonly nats?: WrittenNats;
  readonly installation?: Partial<InstallationNats>;
  readonly expected: Readonly<Record<string, unknown>>;
}[] = [
  {
    title: "in the operator's namespace: the installation's, and its Secret for pods",
    router: OWN,
    expected: { kind: "Granted", credentials: "Installation", credentialsSecret: "beamline-nats-router" },
  },
  {
    title: "in the operator's namespace with a Secret of its own: that one",
    router: OWN,
    nats: { credentialsSecret: { name: "mine" } },
    expected: { kind: "Granted", credentials: "Router", credentialsSecret: "mine" },
  },
  {
    title: "in the operator's namespace with certificates of its own: refused without credentials, and says why",
    router: OWN,
    nats: { tlsSecret: { name: "mine" } },
    expected: {
      kind: "Refused",
      message:
        "spec.nats.credentialsSecret: a Router with a Secret or servers of its own gets nothing of the installation's; name a Secret of namespace beamline-system",
    },
  },
  {
    title: "in the operator's namespace at another server: not the installation's credentials",
    router: OWN,
    nats: { url: "tls://elsewhere:4222" },
    expected: { kind: "Granted", url: "tls://elsewhere:4222", credentials: "Router", credentialsSecret: undefined },
  },
  {
    title: "in another namespace without a Secret: refused",
    expected: { kind: "Refused", condition: "ResolvedRefs", reason: "RefNotPermitted" },
  },
  {
    title: "in another namespace with a Secret: that one",
    nats: { credentialsSecret: { name: "mine" } },
    expected: { kind: "Granted", credentials: "Router", credentialsSecret: "mine", tlsSecret: undefined },
  },
  {
    title: "in another namespace where the installation logs in by its URL: the servers, and not the login",
    nats: { credentialsSecret: { name: "mine" } },
    installation: { url: "nats://operator:p@ss@a:4222,nats://token@b:4222" },
    expected: { kind: "Granted", url: "nats://a:4222,nats://b:4222", credentials: "Router" },
  },
  {
    title: "in the operator's namespace where the installation logs in by its URL: with that login",
    router: OWN,
    nats: { url: "nats://a:4222" },
    installation: { url: "nats://operator:secret@a:4222" },
    expected: { kind: "Granted", url: "nats://operator:secret@a:4222", credentials: "Installation" },
  },
  {
    title:
      "in another namespace at one server of the installation's cluster without a Secret: refused as for all of them",
    nats: { url: "nats://a:4222" },
    expected: { kind: "Refused", condition: "ResolvedRefs", reason: "RefNotPermitted" },
  },
  {
    title: "a server that differs from an allowed one in case or by a slash is another one",
    nats: { url: "tls://Elsewhere:4222/", credentialsSecret: { name: "mine" } },
    expected: { kind: "Refused", condition: "Accepted", reason: "NatsUrlNotAllowed" },
  },
  {
    title: "in another namespace where the server asks for certificates: refused without a Secret for them",
    nats: { credentialsSecret: { name: "mine" } },
    installation: { hasTls: true },
    expected: { kind: "Refused", reason: "RefNotPermitted" },
  },
  {
    title: "in another namespace of an installation that has no credentials: there is nothing to keep back",
    installation: { hasCredentials: false, routerCredentialsSecret: undefined },
    expected: { kind: "Granted", credentials: "Router", credentialsSecret: undefined },
  },
  {
    title: "a server that nobody allowed",
    nats: { url: "nats://attacker:4222", credentialsSecret: { name: "mine" } },
    expected: { kind: "Refused", condition: "Accepted", reason: "NatsUrlNotAllowed" },
  },
  {
    title: "one server of the installation's cluster and one that nobody allowed",
    nats: { url: "nats://a:4222,nats://attacker:4222", credentialsSecret: { name: "mine" } },
    expected: { kind: "Refused", reason: "NatsUrlNotAllowed" },
  },
];

describe("the registry's account", () => {
  const isShared = (
    nats: WrittenNats | undefined,
    router: typeof TEAM,
    more: Partial<InstallationNats> = {},
  ): boolean => {
    const access = planNatsAccess(router, nats, { ...INSTALLATION, ...more });
    assert.ok(access.kind === "Granted", JSON.stringify(access));
    return isInstallationAccount(access, { ...INSTALLATION, ...more });
  };

  it("is that of a Router with the installation's credentials, or in an installation that has none", () => {
    assert.equal(isShared(undefined, OWN), true);
    assert.equal(isShared(undefined, TEAM, { hasCredentials: false }), true);
  });

  it("is not taken for that of a Router with a Secret or servers of its own", () => {
    assert.equal(isShared({ credentialsSecret: { name: "mine" } }, TEAM), false);
    assert.equal(isShared({ url: "tls://elsewhere:4222" }, OWN), false);
    assert.equal(isShared({ url: "nats://a:4222" }, TEAM, { hasCredentials: false }), false);
  });
});

describe("NATS access of a Router", () => {
  for (const { title, router = TEAM, nats, installation = {}, expected } of cases) {
    it(title, () => {
      const access = planNatsAccess(router, nats, { ...INSTALLATION, ...installation });
      const shown = Object.fromEntries(
        Object.keys(expected).map((field) => [field, access[field as keyof typeof access]]),
      );
      assert.deepEqual(shown, expected);
    });
  }
});
