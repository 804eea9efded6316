// Mirrors of the objects that one Router owns, one by name for each kind, so that whoever touches one is noticed.
import type { RouterObjectNames } from "../../../core/reconcile/manifests/names.ts";
import type { KubernetesClient } from "../../../kubernetes/client.ts";
import { isNewerVersion, type KubernetesObject, type ResourceType } from "../../../kubernetes/object.ts";
import { Reflector } from "../../../kubernetes/reflector.ts";
import type { Logger } from "../../../runtime/log.ts";
import { DEPLOYMENT, OWNED_TYPES, SERVICE } from "./resource-types.ts";

export interface OwnedObjectsOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  readonly names: RouterObjectNames;
  /** Of any kind. */
  onChange(): void;
  readonly log: Logger;
}

interface Owned {
  readonly mirror: Reflector<KubernetesObject>;
  readonly name: string;
  /** As our own last write left it, which the mirror may not have seen. */
  written: KubernetesObject | undefined;
}

export class OwnedObjects {
  private readonly namespace: string;
  private readonly owned: ReadonlyMap<string, Owned>;

  constructor(options: OwnedObjectsOptions) {
    this.namespace = options.namespace;
    this.owned = new Map(OWNED_TYPES.map((type) => [type.kind, mirrorOf(type, options)]));
  }

  start(): void {
    for (const { mirror } of this.owned.values()) mirror.start();
  }

  async waitUntilSynced(deadlineMs: number): Promise<void> {
    await Promise.all([...this.owned.values()].map(({ mirror }) => mirror.waitUntilSynced(deadlineMs)));
  }

  isSynced(): boolean {
    return [...this.owned.values()].every(({ mirror }) => mirror.status().synced);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.owned.values()].map(({ mirror }) => mirror.stop()));
  }

  /** The newest that is known; of kinds other than Deployment only the metadata may be there. */
  get(type: ResourceType): KubernetesObject | undefined {
    const { mirror, name, written } = this.entry(type);
    const seen = mirror.get({ namespace: this.namespace, name });
    if (seen === undefined || written === undefined || seen.metadata.uid !== written.metadata.uid) return seen;
    return isNewerVersion(written.metadata.resourceVersion, seen.metadata.resourceVersion) ? written : seen;
  }

  /** What the API server answered to a write of ours. */
  remember(type: ResourceType, object: KubernetesObject): void {
    this.entry(type).written = object;
  }

  private entry({ kind }: ResourceType): Owned {
    const entry = this.owned.get(kind);
    if (entry === undefined) throw new Error(`a Router owns no ${kind}`);
    return entry;
  }
}

/** By name and not by label: somebody else's object of that name is seen, and so is a label that is taken away. */
function mirrorOf(type: ResourceType, { client, namespace, names, onChange, log }: OwnedObjectsOptions): Owned {
  const name = type === SERVICE ? names.metricsService : names.workload;
  const mirror = new Reflector<KubernetesObject>({
    client,
    type,
    namespace,
    fieldSelector: `metadata.name=${name}`,
    metadataOnly: type !== DEPLOYMENT,
    convert: (object) => object,
    onChange,
    log,
  });
  return { mirror, name, written: undefined };
}
