// The Secrets that a Router of another namespace names, as private files of this process, because NATS clients read files.
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { err, ok, type Result } from "../../core/result.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { ApiFailure } from "../../kubernetes/failure.ts";
import type { KubernetesObject, ResourceType } from "../../kubernetes/object.ts";
import { readObject } from "../../kubernetes/objects.ts";

export interface SecretNames {
  readonly namespace: string;
  readonly credentials: string | undefined;
  readonly tls: string | undefined;
}

/** Paths as `connectNats` takes them. */
export interface NatsFiles {
  readonly credentialsFile?: string;
  readonly tls?: { readonly caFile?: string; readonly certFile?: string; readonly keyFile?: string };
}

/** Why a Secret cannot be used. */
export interface SecretTrouble {
  readonly reason: "RefNotFound" | "RefNotPermitted" | "SecretInvalid" | "ApiServerUnavailable";
  readonly message: string;
}

interface Secret extends KubernetesObject {
  readonly data?: Readonly<Record<string, string>>;
}

const SECRET: ResourceType = { group: "", version: "v1", kind: "Secret", plural: "secrets", namespaced: true };
const CREDENTIALS_KEY = "nats.creds";
const TLS_KEYS = { caFile: "ca.crt", certFile: "tls.crt", keyFile: "tls.key" } as const;
const PRIVATE = 0o600;

export class SecretFiles {
  private readonly client: KubernetesClient;
  private readonly signal: AbortSignal;
  private folder: string | undefined;
  /** What each file holds, so that only what changed is written. */
  private readonly written = new Map<string, string>();

  /** `signal` ends reads that are under way. */
  constructor(client: KubernetesClient, signal: AbortSignal) {
    this.client = client;
    this.signal = signal;
  }

  /** Reads the Secrets by name and writes what they hold. Called again, it brings the same files up to date. */
  async refresh(names: SecretNames): Promise<Result<NatsFiles, SecretTrouble>> {
    const contents = await this.read(names);
    if (!contents.ok) return contents;
    const credentialsFile = await this.write(CREDENTIALS_KEY, contents.value.get(CREDENTIALS_KEY));
    const files: Record<string, string> = {};
    for (const [field, key] of Object.entries(TLS_KEYS)) {
      const path = await this.write(key, contents.value.get(key));
      if (path !== undefined) files[field] = path;
    }
    return ok({
      ...(credentialsFile === undefined ? {} : { credentialsFile }),
      ...(Object.keys(files).length === 0 ? {} : { tls: files }),
    });
  }

  /** Why pods could not use them, for Secrets that this process itself does not need. */
  async findTrouble(names: SecretNames): Promise<SecretTrouble | undefined> {
    const contents = await this.read(names);
    return contents.ok ? undefined : contents.error;
  }

  async remove(): Promise<void> {
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
    this.folder = undefined;
    this.written.clear();
  }

  private async read({
    namespace,
    credentials,
    tls,
  }: SecretNames): Promise<Result<ReadonlyMap<string, string>, SecretTrouble>> {
    const wanted = [
      { name: credentials, keys: [CREDENTIALS_KEY] },
      { name: tls, keys: Object.values(TLS_KEYS) },
    ];
    const contents = new Map<string, string>();
    for (const { name, keys } of wanted) {
      if (name === undefined) continue;
      const values = await this.readKeys({ namespace, name }, keys);
      if (!values.ok) return values;
      for (const [key, value] of values.value) contents.set(key, value);
    }
    return ok(contents);
  }

  /** The first key must be there. */
  private async readKeys(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    keys: readonly string[],
  ): Promise<Result<ReadonlyMap<string, string>, SecretTrouble>> {
    const [required = ""] = keys;
    const read = await readObject<Secret>(this.client, SECRET, { namespace, name }, { signal: this.signal });
    if (!read.ok) return err(troubleOf(`Secret ${namespace}/${name}`, read.error));
    const values = new Map<string, string>();
    for (const key of keys) {
      const value = read.value.data?.[key];
      if (value !== undefined) values.set(key, Buffer.from(value, "base64").toString("utf8"));
    }
    if (values.has(required)) return ok(values);
    return err({ reason: "SecretInvalid", message: `Secret ${namespace}/${name} has no key ${required}` });
  }

  /** By rename, so that a client that reads it at that moment gets the old or the new. */
  private async write(key: string, content: string | undefined): Promise<string | undefined> {
    if (content === undefined) return undefined;
    this.folder ??= await mkdtemp(join(tmpdir(), "beamline-nats-"));
    const path = join(this.folder, key);
    if (this.written.get(key) === content) return path;
    await writeFile(`${path}.next`, content, { mode: PRIVATE });
    await rename(`${path}.next`, path);
    this.written.set(key, content);
    return path;
  }
}

function troubleOf(what: string, failure: ApiFailure): SecretTrouble {
  if (failure.kind === "NotFound") return { reason: "RefNotFound", message: `${what} does not exist` };
  if (failure.kind !== "Forbidden") return { reason: "ApiServerUnavailable", message: `${what}: ${failure.message}` };
  const message = `${what}: the operator may not read it; bind its ServiceAccount to a Role with get on this Secret`;
  return { reason: "RefNotPermitted", message };
}
