// Entries of a bucket -> the table that a router serves, and which entries it could not take as they are.
import type { Codec } from "../codec.ts";
import type { CompileOptions } from "../policy/compile.ts";
import { parseObject } from "../policy/parse.ts";
import { API_VERSION } from "../policy/schema.ts";
import type { BeamlineObject, ObjectMeta, SpecProblem } from "../policy/spec.ts";
import type { RoutingTable } from "../policy/table.ts";
import { err, ok, type Result } from "../result.ts";
import { type ConfigEntry, entryMeta, type RejectedEntry, type RouterKey, type StagedEntry } from "./entry.ts";
import { parseEntry } from "./entry-value.ts";
import { type Candidate, compileWithFallback } from "./fallback.ts";
import { parseConfigKey } from "./keys.ts";

interface ParsedEntry {
  readonly value: Uint8Array;
  readonly entry: ConfigEntry | undefined;
  readonly choices: readonly BeamlineObject[];
  /** Set when the wanted spec is not the first choice. */
  readonly rejection: RejectedEntry | undefined;
}

/** What was parsed for the table before: entries whose bytes are the same are not parsed again. */
export type ParsedEntries = ReadonlyMap<string, ParsedEntry>;

export interface AppliedEntries {
  readonly table: RoutingTable;
  /** Entries whose `current` is not in the table: served with `lastGood`, or not at all. */
  readonly rejected: readonly RejectedEntry[];
  /** For the next call. */
  readonly parsed: ParsedEntries;
}

/**
 * The table of a set of entries. An entry whose `current` cannot be read or compiled is rejected and served with its
 * `lastGood`, when that can be; the others are not touched by it. Pass `parsed` of the call before, and one expression cache
 * for all calls, so that only what changed is parsed and compiled.
 */
export function tableFromEntries(
  entries: Iterable<StagedEntry>,
  codec: Codec,
  router: RouterKey,
  before: ParsedEntries = new Map(),
  options: CompileOptions = {},
): AppliedEntries {
  const parsed = new Map<string, ParsedEntry>();
  const candidates: Candidate[] = [];
  for (const { key, value } of entries) {
    const known = before.get(key);
    const entry = known !== undefined && sameBytes(known.value, value) ? known : parse(codec, router, key, value);
    parsed.set(key, entry);
    if (entry.choices.length > 0) candidates.push({ key, choices: entry.choices });
  }
  const { compiled, refusals } = compileWithFallback(candidates, options);
  const rejected: RejectedEntry[] = [];
  for (const [key, { entry, rejection }] of parsed) {
    if (rejection !== undefined) rejected.push(rejection);
    else if (entry !== undefined && refusals.has(key)) {
      const first = refusals.get(key)?.[0];
      rejected.push(rejectionOf(key, entry, first === undefined ? "" : `${first.reason}: ${first.message}`));
    }
  }
  return { table: compiled.table, rejected, parsed };
}

/** A spec as written by a user -> the object, with the identity that the cluster or the bucket gave it. */
export function parseSpec(
  kind: ConfigEntry["kind"],
  meta: ObjectMeta,
  spec: unknown,
  router: RouterKey,
): Result<BeamlineObject, readonly SpecProblem[]> {
  const { namespace, name, uid, generation, creationMs } = meta;
  const metadata = kind === "Tenant" ? { name } : { namespace, name };
  const raw = { apiVersion: API_VERSION, kind, metadata, spec };
  return parseObject(raw, { namespace, routerRef: router, uid, generation, creationMs });
}

function parse(codec: Codec, router: RouterKey, key: string, value: Uint8Array): ParsedEntry {
  const parsedKey = parseConfigKey(router, key);
  const entry = parsedKey === undefined ? undefined : parseEntry(codec, parsedKey, value);
  if (entry === undefined) {
    const rejection = { key, uid: "", generation: 0, reason: "the entry cannot be read" };
    return { value, entry, choices: [], rejection };
  }
  const meta = entryMeta(entry);
  const current = parseSpec(entry.kind, meta, entry.current, router);
  const lastGood = lastGoodOf(entry, meta, router);
  const choices = [current, lastGood].flatMap((result) => (result.ok ? [result.value] : []));
  if (current.ok) return { value, entry, choices, rejection: undefined };
  const first = current.error[0];
  const reason = first === undefined ? "invalid" : `${first.path}: ${first.message}`;
  return { value, entry, choices, rejection: rejectionOf(key, entry, reason) };
}

function lastGoodOf(
  entry: ConfigEntry,
  meta: ObjectMeta,
  router: RouterKey,
): Result<BeamlineObject, readonly SpecProblem[]> {
  if (entry.lastGood === undefined) return err([]);
  const { generation, spec } = entry.lastGood;
  const parsed = parseSpec(entry.kind, { ...meta, generation }, spec, router);
  return parsed.ok ? ok(parsed.value) : parsed;
}

function rejectionOf(key: string, entry: ConfigEntry, reason: string): RejectedEntry {
  return { key, uid: entry.uid, generation: entry.generation, reason };
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}
