// Bytes of an entry of `beamline-config`, written in one spelling and read with suspicion.
import type { Codec } from "../codec.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { ConfigEntry } from "./entry.ts";
import { parseJsonRecord } from "./head.ts";
import type { ParsedConfigKey } from "./keys.ts";

/** Bytes of an entry: equal entries give equal bytes, so a bucket can be compared with what is desired. */
export function encodeEntry(codec: Codec, entry: ConfigEntry): Uint8Array {
  return codec.encodeUtf8(canonicalJson(entry));
}

/** The entry in these bytes, or undefined when they hold none or one of another object than `key` says. */
export function parseEntry(codec: Codec, key: ParsedConfigKey, value: Uint8Array): ConfigEntry | undefined {
  const record = parseJsonRecord(codec, value);
  if (record === undefined || key.kind === "head") return undefined;
  const { kind, namespace, name, uid, generation, creationMs, current, lastGood } = record;
  if (kind !== key.kind || name !== key.name || typeof namespace !== "string") return undefined;
  if (key.kind !== "Tenant" && namespace !== key.namespace) return undefined;
  if (typeof uid !== "string" || !isCount(generation) || !isCount(creationMs)) return undefined;
  const entry: ConfigEntry = { kind: key.kind, namespace, name: key.name, uid, generation, creationMs, current };
  return isLastGood(lastGood) ? { ...entry, lastGood } : entry;
}

function isLastGood(value: unknown): value is NonNullable<ConfigEntry["lastGood"]> {
  return (
    typeof value === "object" && value !== null && "generation" in value && isCount(value.generation) && "spec" in value
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
