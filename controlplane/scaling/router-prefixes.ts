// Under which prefix a Router's streams are: asked of the cluster where there is one, and kept for a moment.
import { err, ok } from "../../core/result.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { customResourceType } from "../../kubernetes/custom-resource-type.ts";
import { readObject } from "../../kubernetes/objects.ts";
import { fromApi } from "../admin/api-failure.ts";
import { parse } from "../admin/cluster-tenants.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import type { CallTime } from "../call-time.ts";
import type { ObjectName } from "./scaler-metadata.ts";

/** Undefined: none. */
export type Prefix = string | undefined;

const ROUTER = customResourceType("Router");
const KEPT_MS = 10_000;
const MAX_KEPT = 1_000;

export interface RouterPrefixesOptions {
  /** Undefined where there is no cluster: then there is only the installation's Router. */
  readonly client: () => KubernetesClient | undefined;
  /** The installation's Router. */
  readonly installation: ObjectName;
}

export class RouterPrefixes {
  private readonly options: RouterPrefixesOptions;
  private readonly kept = new Map<string, { readonly prefix: Prefix; readonly untilMs: number }>();

  constructor(options: RouterPrefixesOptions) {
    this.options = options;
  }

  async find(router: ObjectName | undefined, time: CallTime): Promise<Answer<Prefix>> {
    const { installation } = this.options;
    const { namespace, name } = router ?? installation;
    const key = `${namespace}/${name}`;
    const kept = this.kept.get(key);
    if (kept !== undefined && performance.now() < kept.untilMs) return ok(kept.prefix);
    const read = await this.read({ namespace, name }, time);
    if (!read.ok) return read;
    if (this.kept.size >= MAX_KEPT) this.kept.clear();
    this.kept.set(key, { prefix: read.value, untilMs: performance.now() + KEPT_MS });
    return read;
  }

  private async read(router: ObjectName, { signal }: CallTime): Promise<Answer<Prefix>> {
    const { client, installation } = this.options;
    const isInstallation = router.namespace === installation.namespace && router.name === installation.name;
    const cluster = client();
    if (cluster === undefined) return isInstallation ? ok(undefined) : err(unknownRouter(router));
    const read = await readObject(cluster, ROUTER, router, { signal });
    if (!read.ok && read.error.kind !== "NotFound")
      return err(fromApi(read.error, `read Router ${router.namespace}/${router.name}`));
    // The installation's Router is made with the first policy: until then it has no prefix.
    if (!read.ok) return isInstallation ? ok(undefined) : err(unknownRouter(router));
    const parsed = parse(read.value, router.namespace);
    if (parsed?.kind !== "Router") return err(unknownRouter(router));
    if (parsed.spec.nats.url !== undefined) return err(foreignNats(router));
    return ok(parsed.spec.subjects.prefix);
  }
}

const FIELD = 'scalerMetadata["router"]';

function unknownRouter({ namespace, name }: ObjectName): CallFailure {
  return fieldsInvalid([{ field: FIELD, rule: "unknown_router", message: `there is no Router ${namespace}/${name}` }]);
}

function foreignNats({ namespace, name }: ObjectName): CallFailure {
  const message = `Router ${namespace}/${name} has a NATS of its own, which this control plane is not connected to`;
  return fieldsInvalid([{ field: FIELD, rule: "foreign_nats", message }]);
}
