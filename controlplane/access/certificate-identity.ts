// Who a client certificate stands for: its common name, or its first alternative name, and its organizations as groups.
import { err, ok } from "../../core/result.ts";
import type { Admission } from "./access-control.ts";
import { type Caller, makeCaller, ROLES, type Role } from "./caller.ts";

/** Whether roles come from the certificate, or the rights of the cluster are asked about its names. */
export interface CertificateReader {
  readonly roles: boolean;
  /** The clock of the machine: certificates are of calendar time. */
  readonly nowMs: () => number;
}

/** An organization that gives a role: `O=beamline:operator`. Without one a certificate is that of a component. */
const ROLE_PREFIX = "beamline:";
const MAX_NAME_LENGTH = 253;

/** The part of Node's `PeerCertificate` that is read here. */
interface PeerCertificate {
  readonly subject?: { readonly CN?: unknown; readonly O?: unknown };
  readonly subjectaltname?: unknown;
  readonly valid_to?: unknown;
}

/** `certificate` was verified when its connection was made; it may have expired since. */
export function readCertificate(certificate: object, { roles, nowMs }: CertificateReader): Admission {
  const { subject, subjectaltname, valid_to: validTo } = certificate as PeerCertificate;
  if (!(Date.parse(String(validTo)) > nowMs())) {
    return err({
      cause: "UNAUTHENTICATED",
      message: "the client certificate of this connection has expired: connect again",
    });
  }
  const [common] = textsOf(subject?.CN);
  const name = common ?? alternativeName(subjectaltname);
  if (name === undefined || name.length > MAX_NAME_LENGTH) {
    const message = `the client certificate needs a common name or alternative name of at most ${MAX_NAME_LENGTH} characters`;
    return err({ cause: "UNAUTHENTICATED", message });
  }
  const groups = textsOf(subject?.O);
  return ok(makeCaller({ via: "certificate", name, groups, role: roles ? roleIn(groups) : undefined }));
}

/** `URI:spiffe://…` or `DNS:…`, whichever comes first. */
function alternativeName(names: unknown): string | undefined {
  if (typeof names !== "string") return undefined;
  return /^(?:URI|DNS|email):([^,"\s]+)/.exec(names)?.[1];
}

/** Node gives a text, or a list of them when the subject names several. */
function textsOf(value: unknown): string[] {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value];
  return values.filter((one): one is string => typeof one === "string" && one !== "");
}

/** The first of the roles, in their order, that an organization names: the least. */
function roleIn(groups: readonly string[]): Caller["role"] {
  const named: readonly Role[] = ROLES.filter((role) => groups.includes(ROLE_PREFIX + role));
  return named[0] ?? "component";
}
