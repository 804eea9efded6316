// Which namespaces the operator serves: all, some by name, or those that a label selector picks now.
import { dnsLabel, isFormat } from "../../../core/policy/schema-formats.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import type { ApiFailure } from "../../../kubernetes/failure.ts";
import type { ResourceType } from "../../../kubernetes/object.ts";
import type { ObjectChange } from "../../../kubernetes/object-store.ts";
import { Reflector } from "../../../kubernetes/reflector.ts";
import { BeamlineError } from "../../../runtime/errors.ts";
import type { Logger } from "../../../runtime/log.ts";

export type NamespaceSelection =
  | { readonly mode: "All" }
  /** RBAC may then be Roles in these namespaces only. */
  | { readonly mode: "Named"; readonly names: readonly string[] }
  /** In the syntax of `kubectl --selector`. */
  | { readonly mode: "Labelled"; readonly selector: string };

export interface WatchedNamespacesOptions {
  readonly client: KubernetesClient;
  readonly selection: NamespaceSelection;
  /** The operator's: always watched, because its Routers are there. */
  readonly ownNamespace: string;
  readonly log: Logger;
}

/** Namespaces that have come under the selector and that have left it. */
export interface NamespaceChanges {
  readonly entered: ReadonlySet<string>;
  readonly left: ReadonlySet<string>;
}

export interface NamespacesStatus {
  readonly synced: boolean;
  readonly failure: ApiFailure | undefined;
}

/** Each has a watch of its own for each kind. */
export const MAX_NAMED_NAMESPACES = 64;

const NAMESPACE: ResourceType = {
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
};

export class WatchedNamespaces {
  private readonly own: string;
  private readonly named: ReadonlySet<string> | undefined;
  private readonly labelled: Reflector<true> | undefined;
  private listener: (changes: NamespaceChanges) => void = () => undefined;

  /** Throws BeamlineError CONFIG_INVALID for a name that is none, and for more than 64. */
  constructor({ client, selection, ownNamespace, log }: WatchedNamespacesOptions) {
    this.own = ownNamespace;
    this.named = selection.mode === "Named" ? checkNames(selection.names, ownNamespace) : undefined;
    if (selection.mode !== "Labelled") return;
    this.labelled = new Reflector<true>({
      client,
      type: NAMESPACE,
      labelSelector: selection.selector,
      metadataOnly: true,
      convert: () => true,
      onChange: (changes) => this.take(changes),
      log,
    });
  }

  start(): void {
    this.labelled?.start();
  }

  /** Throws BeamlineError with the reason when namespaces cannot be listed. */
  async waitUntilSynced(deadlineMs?: number): Promise<void> {
    await this.labelled?.waitUntilSynced(deadlineMs);
  }

  async stop(): Promise<void> {
    await this.labelled?.stop();
  }

  /** Called when `includes` has another answer for these. There is one listener: a later one replaces it. */
  onChange(listener: (changes: NamespaceChanges) => void): void {
    this.listener = listener;
  }

  includes(namespace: string): boolean {
    if (namespace === this.own) return true;
    if (this.named !== undefined) return this.named.has(namespace);
    return this.labelled === undefined || this.labelled.get({ name: namespace }) !== undefined;
  }

  /** The namespaces of which objects must be listed one by one; undefined: list all of the cluster and ask `includes`. */
  listedOneByOne(): readonly string[] | undefined {
    return this.named === undefined ? undefined : [...this.named];
  }

  status(): NamespacesStatus {
    return this.labelled?.status() ?? { synced: true, failure: undefined };
  }

  private take(changes: readonly ObjectChange<true>[]): void {
    const entered = new Set<string>();
    const left = new Set<string>();
    for (const { ref, previous, current } of changes) {
      // Another version of one that was there, or our own, which stays whatever its labels are.
      if ((previous !== undefined && current !== undefined) || ref.name === this.own) continue;
      const [into, outOf] = current === undefined ? [left, entered] : [entered, left];
      // It may come and go within what arrives together.
      if (!outOf.delete(ref.name)) into.add(ref.name);
    }
    if (entered.size + left.size > 0) this.listener({ entered, left });
  }
}

function checkNames(names: readonly string[], ownNamespace: string): ReadonlySet<string> {
  const wrong = names.find((name) => !isFormat(dnsLabel, name));
  if (wrong !== undefined) {
    throw new BeamlineError("CONFIG_INVALID", `watched namespace "${wrong}" must be ${dnsLabel.meaning}`);
  }
  const all = new Set([ownNamespace, ...names]);
  if (all.size > MAX_NAMED_NAMESPACES) {
    throw new BeamlineError("CONFIG_INVALID", `${all.size} watched namespaces are more than ${MAX_NAMED_NAMESPACES}`, {
      hint: "Watch namespaces by a label selector, or all of them.",
    });
  }
  return all;
}
