// Which NATS a Router may use, and whose credentials: those of the installation are never given to another namespace or server.
import type { RouterKey } from "../config/entry.ts";

/** `spec.nats` of a Router, as users write it. */
export interface WrittenNats {
  readonly url?: string;
  readonly credentialsSecret?: { readonly name: string };
  readonly tlsSecret?: { readonly name: string };
}

/** What the installation has. */
export interface InstallationNats {
  readonly namespace: string;
  readonly url: string;
  /** Whether its server asks for credentials, and for a CA or a certificate. */
  readonly hasCredentials: boolean;
  readonly hasTls: boolean;
  /** Secrets of its namespace that its routers read. */
  readonly routerCredentialsSecret: string | undefined;
  readonly routerTlsSecret: string | undefined;
  /** Servers that Routers may name besides `url`. */
  readonly allowedUrls: readonly string[];
}

export type NatsAccess =
  | {
      readonly kind: "Granted";
      readonly url: string;
      /** `Installation`: the operator connects as it does for itself. `Router`: with the Secrets of the Router. */
      readonly credentials: "Installation" | "Router";
      readonly credentialsSecret: string | undefined;
      readonly tlsSecret: string | undefined;
    }
  | {
      readonly kind: "Refused";
      readonly condition: "Accepted" | "ResolvedRefs";
      readonly reason: "NatsUrlNotAllowed" | "RefNotPermitted";
      readonly message: string;
    };

const LOGIN = /\/\/[^/]*@/;

export function planNatsAccess(
  router: RouterKey,
  written: WrittenNats | undefined,
  installation: InstallationNats,
): NatsAccess {
  const own = serversOf(installation.url);
  const servers = written?.url === undefined ? own : serversOf(written.url);
  const unknown = servers.find((server) => !own.includes(server) && !installation.allowedUrls.includes(server));
  if (unknown !== undefined) {
    const message = `spec.nats.url: ${unknown} is not among the servers that this installation allows; add it to the operator's BEAMLINE_NATS_URL_ALLOWED`;
    return { kind: "Refused", condition: "Accepted", reason: "NatsUrlNotAllowed", message };
  }
  const credentialsSecret = written?.credentialsSecret?.name;
  const tlsSecret = written?.tlsSecret?.name;
  const isOwn = credentialsSecret !== undefined || tlsSecret !== undefined;
  if (router.namespace === installation.namespace && isSameSet(servers, own) && !isOwn) {
    const { routerCredentialsSecret, routerTlsSecret } = installation;
    return {
      kind: "Granted",
      url: installation.url,
      credentials: "Installation",
      credentialsSecret: routerCredentialsSecret,
      tlsSecret: routerTlsSecret,
    };
  }
  const isInstallations = servers.some((server) => own.includes(server));
  const lacking = isInstallations ? whatLacks(installation, credentialsSecret, tlsSecret) : undefined;
  if (lacking !== undefined) {
    const why =
      router.namespace === installation.namespace
        ? "a Router with a Secret or servers of its own gets nothing of the installation's"
        : "the installation's own is not given to other namespaces";
    const message = `spec.nats.${lacking}: ${why}; name a Secret of namespace ${router.namespace}`;
    return { kind: "Refused", condition: "ResolvedRefs", reason: "RefNotPermitted", message };
  }
  return { kind: "Granted", url: servers.join(","), credentials: "Router", credentialsSecret, tlsSecret };
}

/** Whether a Router is certain to be in the NATS account of the installation: a Secret of its own may lead to another. */
export function isInstallationAccount(
  { url, credentials, credentialsSecret, tlsSecret }: Extract<NatsAccess, { readonly kind: "Granted" }>,
  installation: Pick<InstallationNats, "url">,
): boolean {
  if (credentials === "Installation") return true;
  const isOwn = credentialsSecret !== undefined || tlsSecret !== undefined;
  return !isOwn && isSameSet(serversOf(url), serversOf(installation.url));
}

function whatLacks(
  { hasCredentials, hasTls }: InstallationNats,
  credentialsSecret: string | undefined,
  tlsSecret: string | undefined,
): "credentialsSecret" | "tlsSecret" | undefined {
  if (hasCredentials && credentialsSecret === undefined) return "credentialsSecret";
  return hasTls && tlsSecret === undefined ? "tlsSecret" : undefined;
}

/** Without a login: that of the installation must not reach the environment of another namespace's pods. */
function serversOf(url: string): readonly string[] {
  return url.split(",").map((server) => server.trim().replace(LOGIN, "//"));
}

function isSameSet(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((server) => right.includes(server));
}
