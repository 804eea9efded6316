// What a registration is about: the component, and the Provider that it wants to belong to.
import type { CallSubject } from "./access/access-control.ts";

/** Metadata that names a Provider object, `<namespace>/<name>`. */
export const PROVIDER_KEY = "provider";

export function registrationSubject(kind: string, id: string, metadata: Readonly<Record<string, string>>): CallSubject {
  const provider = metadata[PROVIDER_KEY];
  const object = `${kind}/${id}`;
  return provider === undefined ? { object, worksById: kind === "processor" } : { object, provider };
}
