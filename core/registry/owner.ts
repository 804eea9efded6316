// Who registered a component: the only one that may speak for it, but for those who may speak for any.
import type { Registration } from "./component.ts";

/** A service account of a cluster, whose token was reviewed there: only such an owner is in a namespace. */
const SERVICE_ACCOUNT = /^token:system:serviceaccount:([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?):[^:]+$/;

export function namespaceOfOwner(owner: string): string | undefined {
  return SERVICE_ACCOUNT.exec(owner)?.[1];
}

/** @param speaker undefined = one who may speak for any; what nobody is known to own is everybody's */
export function maySpeakFor({ owner }: Pick<Registration, "owner">, speaker: string | undefined): boolean {
  return owner === speaker || speaker === undefined || owner === undefined;
}
