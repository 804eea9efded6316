// Accounts in a namespace of Kubernetes: a Secret of keys, a Secret of credentials for each role, a ConfigMap for the server.
import { ROLES, type RoleName } from "../../core/trust/trust.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { ApiFailure, ApiResult } from "../../kubernetes/failure.ts";
import { describeObject, type KubernetesObject, type ResourceType } from "../../kubernetes/object.ts";
import { createObject, mergeObject, readObject } from "../../kubernetes/objects.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { AccountStore, StoredAccounts } from "./prepare-accounts.ts";

export interface AccountSecretsOptions {
  readonly client: KubernetesClient;
  readonly namespace: string;
  /** Names are `<prefix>-keys`, `<prefix>-accounts` and `<prefix>-<role>`. */
  readonly prefix: string;
}

interface DataObject extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

const SECRET: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const CONFIG_MAP: ResourceType = {
  group: "",
  version: "v1",
  kind: "ConfigMap",
  plural: "configmaps",
  namespaced: true,
};
const FIELD_MANAGER = "beamline-nats-accounts";
const MANAGED_BY = "app.kubernetes.io/managed-by";
const KEYS_ENTRY = "keys.json";
const CREDENTIALS_ENTRY = "nats.creds";
const ACCOUNTS_ENTRY = "accounts.conf";
/** Who looks at the server itself gets credentials by hand: nothing in a cluster needs them. */
const CLUSTER_ROLES: readonly RoleName[] = ROLES.filter((role) => role !== "system");

/** Reads, creates and patches by name, and does nothing else. */
export class AccountSecrets implements AccountStore {
  readonly roles = CLUSTER_ROLES;
  readonly keysPlace: string;
  private readonly options: AccountSecretsOptions;
  private keysVersion: string | undefined;

  constructor(options: AccountSecretsOptions) {
    this.options = options;
    this.keysPlace = describeObject(SECRET, this.ref("keys"));
  }

  async read(): Promise<StoredAccounts> {
    const keys = await this.find(SECRET, "keys");
    this.keysVersion = keys?.metadata.resourceVersion;
    const accounts = await this.find(CONFIG_MAP, "accounts");
    const credentials = new Map<RoleName, string>();
    for (const role of this.roles) {
      const secret = await this.find(SECRET, role);
      // One that was emptied counts as one to be filled again.
      if (secret !== undefined) credentials.set(role, decode(secret.data?.[CREDENTIALS_ENTRY]) ?? "");
    }
    const accountsConf = accounts === undefined ? undefined : (accounts.data?.[ACCOUNTS_ENTRY] ?? "");
    return {
      ...(keys === undefined ? {} : { keys: decode(keys.data?.[KEYS_ENTRY]) ?? "" }),
      ...(accountsConf === undefined ? {} : { accountsConf }),
      credentials,
    };
  }

  createKeys(text: string): Promise<boolean> {
    return this.create(SECRET, "keys", { [KEYS_ENTRY]: encode(text) });
  }

  async replaceKeys(text: string): Promise<boolean> {
    const patch = { metadata: { resourceVersion: this.keysVersion }, data: { [KEYS_ENTRY]: encode(text) } };
    const result = await mergeObject(this.options.client, SECRET, this.ref("keys"), patch, {
      fieldManager: FIELD_MANAGER,
    });
    if (!result.ok && result.error.kind === "Conflict") return false;
    this.require(SECRET, "keys", result);
    return true;
  }

  writeAccountsConf(text: string): Promise<string> {
    return this.write(CONFIG_MAP, "accounts", { [ACCOUNTS_ENTRY]: text });
  }

  writeCredentials(role: RoleName, text: string): Promise<string> {
    return this.write(SECRET, role, { [CREDENTIALS_ENTRY]: encode(text) });
  }

  private async write(type: ResourceType, part: string, data: Readonly<Record<string, string>>): Promise<string> {
    if (!(await this.create(type, part, data))) {
      const { client } = this.options;
      const patched = await mergeObject(client, type, this.ref(part), { data }, { fieldManager: FIELD_MANAGER });
      this.require(type, part, patched);
    }
    return describeObject(type, this.ref(part));
  }

  /** False when it is there. */
  private async create(type: ResourceType, part: string, data: Readonly<Record<string, string>>): Promise<boolean> {
    const { client, prefix } = this.options;
    const labels = {
      "app.kubernetes.io/name": "nats",
      "app.kubernetes.io/instance": prefix,
      "app.kubernetes.io/component": "nats-accounts",
      "app.kubernetes.io/part-of": "beamline",
      [MANAGED_BY]: FIELD_MANAGER,
    };
    const object: DataObject = {
      apiVersion: "v1",
      kind: type.kind,
      metadata: { ...this.ref(part), labels },
      ...(type === SECRET ? { type: "Opaque" } : {}),
      data,
    };
    const result = await createObject(client, type, object, { fieldManager: FIELD_MANAGER });
    if (!result.ok && result.error.kind === "AlreadyExists") return false;
    this.require(type, part, result);
    return true;
  }

  /** Undefined when there is none. Throws for one of somebody else's, which is never written over. */
  private async find(type: ResourceType, part: string): Promise<DataObject | undefined> {
    const result = await readObject<DataObject>(this.options.client, type, this.ref(part));
    if (!result.ok && result.error.kind === "NotFound") return undefined;
    const found = this.require(type, part, result);
    if (found.metadata.labels?.[MANAGED_BY] === FIELD_MANAGER) return found;
    throw new BeamlineError("CONFIG_INVALID", `${describeObject(type, this.ref(part))} was not made by this command`, {
      hint: `Delete it, choose another --prefix, or label it ${MANAGED_BY}=${FIELD_MANAGER} to have it filled.`,
    });
  }

  private require<T>(type: ResourceType, part: string, result: ApiResult<T>): T {
    if (result.ok) return result.value;
    throw accessError(describeObject(type, this.ref(part)), result.error);
  }

  private ref(part: string): { readonly namespace: string; readonly name: string } {
    const { namespace, prefix } = this.options;
    return { namespace, name: `${prefix}-${part}` };
  }
}

function accessError(what: string, failure: ApiFailure): BeamlineError {
  const denied = failure.kind === "Forbidden" || failure.kind === "Unauthorized";
  return new BeamlineError(denied ? "PERMISSION_DENIED" : "UNAVAILABLE", `${what}: ${failure.message}`, {
    hint: denied
      ? "It needs get, create and patch on these Secrets and the ConfigMap."
      : "Run it again when the API server answers: what was made stays.",
  });
}

function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}

function decode(base64: string | undefined): string | undefined {
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
