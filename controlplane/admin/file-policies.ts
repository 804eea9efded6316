// Policies as files of one machine: one YAML file a policy, beside those that people write, which are never touched.
import type { AdminPolicy, PolicyName } from "../../core/admin/admin-policy.ts";
import { objectNameOf } from "../../core/admin/object-name.ts";
import { type PolicyManifest, toRoutingPolicy } from "../../core/admin/to-object.ts";
import type { PolicyObject } from "../../core/policy/objects.ts";
import { dnsLabel, isFormat } from "../../core/policy/schema-formats.ts";
import { err, ok } from "../../core/result.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import type { CallTime } from "../call-time.ts";
import { unknownTenant } from "./cluster-tenants.ts";
import type { FiledObject, PolicyFolder } from "./policy-folder.ts";
import type { PolicyStore } from "./policy-store.ts";
import type { StatusPage } from "./status-page.ts";
import { describeStored, isPolicy, orderById, showPolicy, unknownPolicy } from "./stored-policy.ts";

export interface FilePoliciesOptions {
  readonly folder: PolicyFolder;
  /** The operator's status; absent when nobody said where it is. */
  readonly status: StatusPage | undefined;
}

/** A policy in its file. */
interface Written {
  readonly file: string;
  readonly ref: PolicyManifest["metadata"];
  /** The generation that stood before; undefined when the file said the same. */
  readonly after: number | undefined;
}

interface Found extends FiledObject {
  readonly object: PolicyObject;
}

export class FilePolicies implements PolicyStore {
  private readonly options: FilePoliciesOptions;
  /** One change after the other: each looks at the folder before it writes. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(options: FilePoliciesOptions) {
    this.options = options;
  }

  async namespaceOf(tenantId: string): Promise<Answer<string>> {
    return namespaceIn(await this.options.folder.read(), tenantId);
  }

  async put(tenantId: string, policy: AdminPolicy, time: CallTime): Promise<Answer<string>> {
    const written = await this.inTurn(time, () => this.write(tenantId, policy, time));
    if (!written.ok) return written;
    const { file, ref, after } = written.value;
    // While the operator judges it others have their turn.
    const acceptance = await this.options.status?.waitForAcceptance(ref, after, time);
    return ok(describeStored(`file ${file}`, acceptance ?? { known: "nobody_to_ask" }));
  }

  remove(name: PolicyName, time: CallTime): Promise<Answer<undefined>> {
    return this.inTurn(time, () => this.removeNow(name));
  }

  async get(name: PolicyName): Promise<Answer<AdminPolicy>> {
    const objects = await this.options.folder.read();
    const namespace = namespaceIn(objects, name.tenantId);
    if (!namespace.ok) return namespace;
    const found = findPolicy(objects, name, namespace.value);
    return found === undefined ? err(unknownPolicy(name)) : ok(showPolicy(found.object, found.raw));
  }

  async list(tenantId: string): Promise<Answer<readonly AdminPolicy[]>> {
    const objects = await this.options.folder.read();
    const namespace = namespaceIn(objects, tenantId);
    if (!namespace.ok) return namespace;
    const shown = new Map<string, AdminPolicy>();
    for (const { object, raw } of policiesOf(objects, namespace.value)) {
      const { tenantId: owner, policyId } = object.spec;
      if (owner === tenantId && !shown.has(policyId)) shown.set(policyId, showPolicy(object, raw));
    }
    return ok(orderById([...shown.values()]));
  }

  private async write(tenantId: string, policy: AdminPolicy, time: CallTime): Promise<Answer<Written>> {
    const { folder, status } = this.options;
    const objects = await folder.read();
    const namespace = namespaceIn(objects, tenantId);
    if (!namespace.ok) return namespace;
    const name = objectNameOf(nodeCodec, policy.policyId);
    const providerObjects = providersOf(objects, namespace.value);
    const manifest = toRoutingPolicy(policy, { tenantId, namespace: namespace.value, name, providerObjects });
    if (!manifest.ok) return err(fieldsInvalid(manifest.error));
    const file = folder.fileOf(manifest.value.metadata);
    const held = findHolder(objects, { tenantId, policyId: policy.policyId }, manifest.value.metadata, file);
    if (held !== undefined) return err(heldByFile(held));
    if ((await folder.isOwn(file)) === false) return err(heldByFile(file));
    const ref = manifest.value.metadata;
    const before = await status?.generationOf(ref, time.signal);
    const changed = await folder.write(manifest.value);
    return ok({ file, ref, after: changed ? (before ?? 0) : undefined });
  }

  private async removeNow(name: PolicyName): Promise<Answer<undefined>> {
    const { folder } = this.options;
    const objects = await folder.read();
    const namespace = namespaceIn(objects, name.tenantId);
    if (!namespace.ok) return namespace;
    const found = findPolicy(objects, name, namespace.value);
    if (found === undefined) return err(unknownPolicy(name));
    if ((await folder.isOwn(found.file)) !== true) return err(heldByFile(found.file));
    await folder.remove(found.file);
    return ok(undefined);
  }

  /** Throws DEADLINE_EXCEEDED when the call is over before its turn: nobody would learn of what it changes. */
  private inTurn<T>(time: CallTime, task: () => Promise<T>): Promise<T> {
    const result = this.last.then(() => {
      if (time.remainingMs() > 0) return task();
      throw new BeamlineError("DEADLINE_EXCEEDED", "other changes of policies took all the time of this call", {
        hint: "Nothing was changed; try again.",
      });
    });
    this.last = result.catch(() => undefined);
    return result;
  }
}

/** The first namespace of the Tenant with this id, else the tenant's own name. */
function namespaceIn(objects: readonly FiledObject[], tenantId: string): Answer<string> {
  for (const { object } of objects) {
    if (object.kind !== "Tenant" || object.spec.tenantId !== tenantId) continue;
    const [namespace] = object.spec.namespaces;
    if (namespace !== undefined) return ok(namespace);
    return err(unknownTenant(tenantId, `Tenant ${object.meta.name} lists no namespace`));
  }
  if (isFormat(dnsLabel, tenantId)) return ok(tenantId);
  return err(
    unknownTenant(tenantId, `there is no Tenant with the id "${tenantId}", and no namespace can have that name`),
  );
}

function policiesOf(objects: readonly FiledObject[], namespace: string): readonly Found[] {
  return objects.filter(
    (one): one is Found => one.object.kind === "RoutingPolicy" && one.object.meta.namespace === namespace,
  );
}

function findPolicy(objects: readonly FiledObject[], name: PolicyName, namespace: string): Found | undefined {
  return policiesOf(objects, namespace).find(({ object }) => isPolicy(object, name));
}

function providersOf(objects: readonly FiledObject[], namespace: string): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const { object } of objects) {
    if (object.kind !== "Provider" || object.meta.namespace !== namespace) continue;
    const { providerId } = object.spec;
    if (!names.has(providerId) || providerId === object.meta.name) names.set(providerId, object.meta.name);
  }
  return names;
}

/** Another file that holds this policy, or another policy in an object of the same name. */
function findHolder(
  objects: readonly FiledObject[],
  policy: PolicyName,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  own: string,
): string | undefined {
  const held = policiesOf(objects, namespace).find(
    ({ object, file }) => file !== own && (isPolicy(object, policy) || object.meta.name === name),
  );
  return held?.file;
}

function heldByFile(file: string): CallFailure {
  const message = `file ${file} holds this policy and was not written by this API: change it there`;
  return { cause: "POLICY_HELD", message, values: { file } };
}
