// The names that processors of a Provider are known under.

/** A Provider, as far as processors find it. */
export interface ProviderName {
  /** `<namespace>/<name>`. */
  readonly key: string;
  readonly providerId: string;
}

/** What of a verdict says for whom the processor works. */
export interface Belonging {
  /** `<namespace>/<name>` of the Provider that it names. */
  readonly provider?: string;
  /** Where its owner is, when that is in a namespace. */
  readonly namespace?: string;
}

/**
 * `<namespace>/<name>` of the Provider that the processor names; without one its id, which is the `providerId` that it works under:
 * `<namespace>//<id>` in its owner's namespace, `<id>` in all. Neither an id nor a name holds a slash, so that these never meet.
 */
export function ownerOfProcessor(id: string, { provider, namespace }: Belonging): string {
  return provider ?? (namespace === undefined ? id : `${namespace}//${id}`);
}

/** All that the Provider's processors may be known under. */
export function ownersOfProvider({ key, providerId }: ProviderName): readonly string[] {
  return [key, `${key.slice(0, key.indexOf("/"))}//${providerId}`, providerId];
}
