// The bucket that control planes share: its keys, and its values as JSON. Strict on reading: a wrong entry gives undefined.
import type { Codec } from "../codec.ts";
import { parseJsonRecord } from "../config/head.ts";
import {
  type Capabilities,
  COMPONENT_KINDS,
  type ComponentName,
  type Liveness,
  type Registration,
} from "./component.ts";
import {
  asFields,
  type Fields,
  readAmount,
  readCount,
  readObject,
  readOneOf,
  readText,
  readTextMap,
  readTexts,
} from "./entry-fields.ts";
import type { SharedRegistration } from "./event.ts";
import { HEALTH_STATUSES } from "./health-status.ts";
import {
  MAX_CONCURRENT,
  MAX_ENDPOINT_CHARS,
  MAX_EVENT_TYPE_CHARS,
  MAX_EVENT_TYPES,
  MAX_ID_CHARS,
  MAX_INSTANCE_CHARS,
  MAX_NAMESPACE_CHARS,
  MAX_OWNER_CHARS,
  MAX_PROVIDER_CHARS,
  MAX_SEQ,
} from "./limits.ts";
import { validateId, validateRegistration } from "./validate-registration.ts";
import { NAMESPACE, PROVIDER, type Verdict } from "./verdicts.ts";

export type EntryKind = "registration" | "verdict" | "configuration";

/** Who of the control planes publishes verdicts. */
export const LEADER_KEY = "leader";
export const VERDICT_KEYS = "verdict.>";

/** What stands at a key `registration.…`: the later of what was registered and what was removed. */
export type RegistrationEntry =
  | { readonly kind: "registration"; readonly shared: SharedRegistration }
  | { readonly kind: "removal"; readonly name: ComponentName; readonly seq: number };

/** What stands at a key `verdict.…`. */
export interface PublishedVerdict extends Verdict {
  /** `seq` of the registration that it is about. */
  readonly seq: number;
}

const ENTRY_KINDS: readonly EntryKind[] = ["registration", "verdict", "configuration"];
const LIVENESS: readonly Liveness[] = ["live", "late", "lost"];
const EVENT_TYPE_BOUNDS = { maxEntries: MAX_EVENT_TYPES, maxChars: MAX_EVENT_TYPE_CHARS };

/** `<entry>.<kind>.<id>`, the id in URL-safe base64 without padding: an id may hold what a key may not. */
export function entryKey(codec: Codec, entry: EntryKind, { kind, id }: ComponentName): string {
  const coded = codec.base64Encode(codec.encodeUtf8(id));
  return `${entry}.${kind}.${coded.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}

export function parseEntryKey(
  codec: Codec,
  key: string,
): { readonly entry: EntryKind; readonly name: ComponentName } | undefined {
  const [first, second, coded, more] = key.split(".");
  const entry = ENTRY_KINDS.find((one) => one === first);
  const kind = COMPONENT_KINDS.find((one) => one === second);
  if (entry === undefined || kind === undefined || !coded || more !== undefined) return undefined;
  const bytes = codec.base64Decode(coded);
  const id = bytes === undefined ? undefined : codec.decodeUtf8(bytes);
  if (id === undefined || validateId(id).length > 0) return undefined;
  // One id, one key: another spelling of the same would be a second entry.
  return entryKey(codec, entry, { kind, id }) === key ? { entry, name: { kind, id } } : undefined;
}

export function encodeRegistrationEntry(codec: Codec, entry: RegistrationEntry): Uint8Array {
  if (entry.kind === "removal") return encode(codec, { removed: true, seq: entry.seq });
  const { registration, seenAtMs } = entry.shared;
  const { instance, endpoint, metadata, ttlMs, capabilities, owner, registeredAtMs, seq } = registration;
  const said = { instance, endpoint, metadata: Object.fromEntries(metadata), ttlMs, capabilities, owner };
  return encode(codec, { ...said, registeredAtMs, seq, seenAtMs });
}

/** @param name what the key says */
export function decodeRegistrationEntry(
  codec: Codec,
  name: ComponentName,
  value: Uint8Array,
): RegistrationEntry | undefined {
  const fields = parseJsonRecord(codec, value);
  if (fields === undefined) return undefined;
  const seq = readCount(fields, "seq", MAX_SEQ);
  if (seq === undefined) return undefined;
  if (fields.removed === true) return { kind: "removal", name, seq };
  const registration = readRegistration(name, fields, seq);
  const seenAtMs = readAmount(fields, "seenAtMs");
  if (registration === undefined || seenAtMs === undefined) return undefined;
  return { kind: "registration", shared: { registration, seenAtMs } };
}

function readRegistration({ kind, id }: ComponentName, fields: Fields, seq: number): Registration | undefined {
  const instance = readText(fields, "instance", MAX_INSTANCE_CHARS);
  const endpoint = readText(fields, "endpoint", MAX_ENDPOINT_CHARS);
  const metadata = readTextMap(fields, "metadata");
  const ttlMs = readAmount(fields, "ttlMs");
  const registeredAtMs = readAmount(fields, "registeredAtMs");
  const capabilities = readCapabilities(readObject(fields, "capabilities"));
  if (!instance || endpoint === undefined || metadata === undefined || ttlMs === undefined) return undefined;
  if (registeredAtMs === undefined || capabilities === undefined) return undefined;
  const checked = validateRegistration({ kind, id, instance, endpoint, metadata, ttlMs }, { chance: instance });
  // Earlier releases kept no owner.
  const owner = readText(fields, "owner", MAX_OWNER_CHARS);
  if (!checked.ok || (fields.owner !== undefined && !owner)) return undefined;
  return { ...checked.value, capabilities, ...(owner === undefined ? {} : { owner }), registeredAtMs, seq };
}

function readCapabilities(fields: Fields | undefined): Capabilities | undefined {
  if (fields === undefined) return undefined;
  const source = readOneOf(fields, "source", ["metadata", "capabilities"] as const);
  const taken = readTraffic(fields);
  return source === undefined || taken === undefined ? undefined : { ...taken, source };
}

function readTraffic(
  fields: Fields,
): Pick<Verdict, "inputEventTypes" | "outputEventTypes" | "maxConcurrent"> | undefined {
  const inputEventTypes = readTexts(fields, "inputEventTypes", EVENT_TYPE_BOUNDS);
  const outputEventTypes = readTexts(fields, "outputEventTypes", EVENT_TYPE_BOUNDS);
  if (inputEventTypes === undefined || outputEventTypes === undefined) return undefined;
  if (fields.maxConcurrent === undefined) return { inputEventTypes, outputEventTypes };
  const maxConcurrent = readCount(fields, "maxConcurrent", MAX_CONCURRENT);
  return maxConcurrent === undefined ? undefined : { inputEventTypes, outputEventTypes, maxConcurrent };
}

export function encodeVerdict(codec: Codec, verdict: PublishedVerdict): Uint8Array {
  return encode(codec, verdict);
}

/** @param name what the key says */
export function decodeVerdict(
  codec: Codec,
  { kind, id }: ComponentName,
  value: Uint8Array,
): PublishedVerdict | undefined {
  const fields = parseJsonRecord(codec, value);
  if (fields === undefined || fields.kind !== kind || fields.id !== id || id.length > MAX_ID_CHARS) return undefined;
  const { isCandidate } = fields;
  const instance = readText(fields, "instance", MAX_INSTANCE_CHARS);
  const endpoint = readText(fields, "endpoint", MAX_ENDPOINT_CHARS);
  const liveness = readOneOf(fields, "liveness", LIVENESS);
  const reported = readOneOf(fields, "reported", HEALTH_STATUSES);
  const sinceMs = readAmount(fields, "sinceMs");
  const seq = readCount(fields, "seq", MAX_SEQ);
  const traffic = readTraffic(fields);
  if (instance === undefined || endpoint === undefined || liveness === undefined || reported === undefined)
    return undefined;
  if (sinceMs === undefined || seq === undefined || traffic === undefined || typeof isCandidate !== "boolean")
    return undefined;
  const provider = readText(fields, "provider", MAX_PROVIDER_CHARS);
  if (fields.provider !== undefined && (provider === undefined || !PROVIDER.test(provider))) return undefined;
  const namespace = readText(fields, "namespace", MAX_NAMESPACE_CHARS);
  if (fields.namespace !== undefined && (namespace === undefined || !NAMESPACE.test(namespace))) return undefined;
  const belonging = {
    ...(provider === undefined ? {} : { provider }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  const said = { kind, id, instance, endpoint, ...traffic, ...belonging };
  return { ...said, liveness, reported, isCandidate, sinceMs, seq };
}

/** What stands at a key `configuration.…`. */
export interface ConfigurationEntry {
  readonly revision: number;
  readonly value: Fields;
}

export function encodeConfiguration(codec: Codec, { revision, value }: ConfigurationEntry): Uint8Array {
  return encode(codec, { revision, value });
}

export function decodeConfiguration(codec: Codec, value: Uint8Array): ConfigurationEntry | undefined {
  const fields = parseJsonRecord(codec, value);
  const revision = fields === undefined ? undefined : readCount(fields, "revision", MAX_SEQ);
  const said = asFields(fields?.value);
  return revision === undefined || said === undefined ? undefined : { revision, value: said };
}

function encode(codec: Codec, value: unknown): Uint8Array {
  return codec.encodeUtf8(JSON.stringify(value));
}
