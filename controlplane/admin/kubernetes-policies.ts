// Policies as RoutingPolicy objects of a cluster: server-side apply under a field manager of its own, nothing forced.
import { ADMIN_FIELD_MANAGER, type AdminPolicy, type PolicyName } from "../../core/admin/admin-policy.ts";
import { differingFields } from "../../core/admin/from-object.ts";
import { objectNameOf } from "../../core/admin/object-name.ts";
import { type PolicyManifest, toRoutingPolicy } from "../../core/admin/to-object.ts";
import type { PolicyObject } from "../../core/policy/objects.ts";
import { err, ok } from "../../core/result.ts";
import { applyObject } from "../../kubernetes/apply.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { customResourceType } from "../../kubernetes/custom-resource-type.ts";
import { listObjects } from "../../kubernetes/list-objects.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { deleteObject, readObject } from "../../kubernetes/objects.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import type { CallTime } from "../call-time.ts";
import { fromApi } from "./api-failure.ts";
import { compareAge, namespaceOfTenant, parse, providerObjects } from "./cluster-tenants.ts";
import { heldByOthers, managersOf } from "./field-managers.ts";
import type { PolicyStore } from "./policy-store.ts";
import { describeStored, isPolicy, orderById, showPolicy, unknownPolicy } from "./stored-policy.ts";
import { waitForAcceptance } from "./wait-for-acceptance.ts";

const POLICY = customResourceType("RoutingPolicy");

interface Found {
  readonly raw: KubernetesObject;
  readonly object: PolicyObject;
}

export class KubernetesPolicies implements PolicyStore {
  private readonly client: KubernetesClient;

  constructor(client: KubernetesClient) {
    this.client = client;
  }

  namespaceOf(tenantId: string, time: CallTime): Promise<Answer<string>> {
    return namespaceOfTenant(this.client, tenantId, time);
  }

  async put(tenantId: string, policy: AdminPolicy, time: CallTime): Promise<Answer<string>> {
    const namespace = await this.namespaceOf(tenantId, time);
    if (!namespace.ok) return namespace;
    const providers = await providerObjects(this.client, namespace.value, time);
    if (!providers.ok) return providers;
    const found = await this.find({ tenantId, policyId: policy.policyId }, namespace.value, time);
    if (!found.ok) return found;
    const name = found.value?.raw.metadata.name ?? objectNameOf(nodeCodec, policy.policyId);
    const place = { tenantId, namespace: namespace.value, name, providerObjects: providers.value };
    const manifest = toRoutingPolicy(policy, place);
    if (!manifest.ok) return err(fieldsInvalid(manifest.error));
    const stored = await this.apply(manifest.value, policy, found.value?.raw, time);
    if (!stored.ok) return stored;
    const acceptance = await waitForAcceptance(this.client, stored.value, time);
    return ok(describeStored(`RoutingPolicy ${namespace.value}/${name}`, acceptance));
  }

  async get(name: PolicyName, time: CallTime): Promise<Answer<AdminPolicy>> {
    const found = await this.findNamed(name, time);
    return found.ok ? ok(showPolicy(found.value.object, found.value.raw)) : found;
  }

  async list(tenantId: string, time: CallTime): Promise<Answer<readonly AdminPolicy[]>> {
    const namespace = await this.namespaceOf(tenantId, time);
    if (!namespace.ok) return namespace;
    const all = await this.listPolicies(namespace.value, time);
    if (!all.ok) return all;
    const shown = new Map<string, AdminPolicy>();
    for (const { object, raw } of all.value) {
      const { tenantId: owner, policyId } = object.spec;
      if (owner === tenantId && !shown.has(policyId)) shown.set(policyId, showPolicy(object, raw));
    }
    return ok(orderById([...shown.values()]));
  }

  async remove(name: PolicyName, time: CallTime): Promise<Answer<undefined>> {
    const found = await this.findNamed(name, time);
    if (!found.ok) return found;
    const { metadata } = found.value.raw;
    const managers = managersOf(found.value.raw);
    if (!managers.includes(ADMIN_FIELD_MANAGER)) return err(heldByOthers(found.value.raw, managers, "delete"));
    const { uid } = metadata;
    const options = { signal: time.signal, ...(uid === undefined ? {} : { uid }) };
    const deleted = await deleteObject(this.client, POLICY, metadata, options);
    if (deleted.ok) return ok(undefined);
    return err(
      deleted.error.kind === "NotFound" ? unknownPolicy(name) : fromApi(deleted.error, `delete ${metadata.name}`),
    );
  }

  /** What others wrote stays; a policy that would not be the one that was asked for is not stored. */
  private async apply(
    manifest: PolicyManifest,
    policy: AdminPolicy,
    live: KubernetesObject | undefined,
    time: CallTime,
  ): Promise<Answer<KubernetesObject>> {
    const { namespace, name } = manifest.metadata;
    const what = `store RoutingPolicy ${namespace}/${name}`;
    // Of an object that is there, only the very version that was judged is changed.
    const { uid, resourceVersion } = live?.metadata ?? {};
    const version = uid === undefined || resourceVersion === undefined ? {} : { uid, resourceVersion };
    const intent = { ...manifest, metadata: { ...manifest.metadata, ...version } };
    const options = { fieldManager: ADMIN_FIELD_MANAGER, force: false, signal: time.signal };
    if (live !== undefined) {
      const trial = await applyObject(this.client, POLICY, intent, { ...options, dryRun: true });
      if (!trial.ok) return err(fromApi(trial.error, what));
      const parsed = parse(trial.value, namespace);
      const result = parsed?.kind === "RoutingPolicy" ? showPolicy(parsed, trial.value) : undefined;
      const fields = result === undefined ? ["policy"] : differingFields(result, policy);
      if (fields.length > 0) return err(heldByOthers(live, managersOf(live), "store", fields));
    }
    const applied = await applyObject(this.client, POLICY, intent, options);
    return applied.ok ? applied : err(fromApi(applied.error, what));
  }

  private async findNamed(name: PolicyName, time: CallTime): Promise<Answer<Found>> {
    const namespace = await this.namespaceOf(name.tenantId, time);
    if (!namespace.ok) return namespace;
    const found = await this.find(name, namespace.value, time);
    if (!found.ok) return found;
    return found.value === undefined ? err(unknownPolicy(name)) : ok(found.value);
  }

  /** Looks under the name that this API gives, and then at all: people choose names of their own. Of two the older stands. */
  private async find(name: PolicyName, namespace: string, time: CallTime): Promise<Answer<Found | undefined>> {
    const { signal } = time;
    const ref = { namespace, name: objectNameOf(nodeCodec, name.policyId) };
    const read = await readObject(this.client, POLICY, ref, { signal });
    if (!read.ok && read.error.kind !== "NotFound") return err(fromApi(read.error, `read RoutingPolicy ${ref.name}`));
    const named = read.ok ? parse(read.value, namespace) : undefined;
    if (read.ok && named?.kind === "RoutingPolicy" && isPolicy(named, name))
      return ok({ raw: read.value, object: named });
    const all = await this.listPolicies(namespace, time);
    if (!all.ok) return all;
    const found = all.value.find(({ object }) => isPolicy(object, name));
    if (found !== undefined || !read.ok) return ok(found);
    const message = `RoutingPolicy ${namespace}/${ref.name} has that name and is another policy`;
    return err({ cause: "POLICY_HELD", message, values: { managers: managersOf(read.value).join(",") } });
  }

  /** Oldest first. */
  private async listPolicies(namespace: string, { signal }: CallTime): Promise<Answer<readonly Found[]>> {
    const listed = await listObjects(this.client, POLICY, namespace, { signal });
    if (!listed.ok) return err(fromApi(listed.error, `list RoutingPolicies of namespace ${namespace}`));
    const policies = [...listed.value].sort(compareAge).flatMap((raw): readonly Found[] => {
      const object = parse(raw, namespace);
      return object?.kind === "RoutingPolicy" ? [{ raw, object }] : [];
    });
    return ok(policies);
  }
}
