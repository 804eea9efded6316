// Entries of a bucket -> the table that a router serves, and which entries it could not take as they are.
import type { Codec } from "../codec.ts";
import { LayeredMap } from "../layered-map.ts";
import type { CompileOptions } from "../policy/compile.ts";
import type { CompileProblem } from "../policy/compile-problem.ts";
import { parseObject } from "../policy/parse.ts";
import { API_VERSION } from "../policy/schema.ts";
import type { BeamlineObject, ObjectMeta, SpecProblem } from "../policy/spec.ts";
import type { RoutingTable } from "../policy/table.ts";
import { err, ok, type Result } from "../result.ts";
import type { Candidate } from "./candidates.ts";
import { type ConfigEntry, entryMeta, type RejectedEntry, type RouterKey, type StagedEntry } from "./entry.ts";
import { parseEntry } from "./entry-value.ts";
import { type Chosen, compileChanges, NOTHING_CHOSEN } from "./fallback.ts";
import { parseConfigKey } from "./keys.ts";
import type { StagedChanges } from "./stage.ts";

interface ParsedEntry {
  readonly value: Uint8Array;
  readonly uid: string;
  readonly generation: number;
  readonly choices: readonly BeamlineObject[];
  /** Set when the wanted spec is not the first choice. */
  readonly rejection: RejectedEntry | undefined;
}

export interface AppliedEntries {
  readonly table: RoutingTable;
  /** Entries whose `current` is not in the table: served with `lastGood`, or not at all. */
  readonly rejected: readonly RejectedEntry[];
  /** What the next table follows from. */
  readonly basis: AppliedBasis;
}

interface AppliedBasis {
  readonly parsed: LayeredMap<ParsedEntry>;
  readonly rejections: LayeredMap<RejectedEntry>;
  readonly chosen: Chosen;
}

export interface ApplyHost {
  readonly codec: Codec;
  readonly router: RouterKey;
  /** Keep one for all calls, so that policies share the expressions that they have in common. */
  readonly compile?: CompileOptions;
}

export const NOTHING_APPLIED: AppliedEntries = {
  table: NOTHING_CHOSEN.table,
  rejected: [],
  basis: { parsed: LayeredMap.empty(), rejections: LayeredMap.empty(), chosen: NOTHING_CHOSEN },
};

/**
 * The table of a set of entries. An entry whose `current` cannot be read or compiled is rejected and served with its
 * `lastGood`, when that can be; the others are not touched by it.
 */
export function tableFromEntries(entries: Iterable<StagedEntry>, host: ApplyHost): AppliedEntries {
  const changes = new Map([...entries].map((entry) => [entry.key, entry]));
  return applyChanges(NOTHING_APPLIED, { changes, isWhole: true }, host);
}

/** What `tableFromEntries` gives for the whole set, at the cost of what changed and of what depends on that. */
export function applyChanges(before: AppliedEntries, staged: StagedChanges, host: ApplyHost): AppliedEntries {
  const { basis } = before;
  const parsed = parseChanges(basis.parsed, staged, host);
  const candidates = new Map<string, Candidate | undefined>();
  for (const [key, entry] of parsed) {
    const choices = entry?.choices ?? [];
    candidates.set(key, choices.length === 0 ? undefined : { key, choices });
  }
  const next = basis.parsed.with(parsed);
  const chosen = compileChanges(basis.chosen, candidates, host.compile);
  const touched = [...parsed.keys(), ...chosen.outcomes.changedSince(basis.chosen.outcomes)];
  const rejections = basis.rejections.with(
    touched.map((key) => [key, rejectionOf(key, next.get(key), chosen.outcomes.get(key)?.refusals)] as const),
  );
  const rejected = rejections === basis.rejections ? before.rejected : [...rejections.values()];
  return { table: chosen.table, rejected, basis: { parsed: next, rejections, chosen } };
}

function parseChanges(
  before: LayeredMap<ParsedEntry>,
  { changes, isWhole }: StagedChanges,
  host: ApplyHost,
): ReadonlyMap<string, ParsedEntry | undefined> {
  const parsed = new Map<string, ParsedEntry | undefined>();
  if (isWhole) for (const key of before.keys()) if (!changes.has(key)) parsed.set(key, undefined);
  for (const [key, entry] of changes) {
    const known = before.get(key);
    if (entry === undefined) {
      if (known !== undefined) parsed.set(key, undefined);
    } else if (known === undefined || !sameBytes(known.value, entry.value)) {
      parsed.set(key, parse(host, key, entry.value));
    }
  }
  return parsed;
}

function rejectionOf(
  key: string,
  parsed: ParsedEntry | undefined,
  refusals: readonly CompileProblem[] = [],
): RejectedEntry | undefined {
  if (parsed === undefined || parsed.rejection !== undefined) return parsed?.rejection;
  const [first] = refusals;
  if (first === undefined) return undefined;
  return { key, uid: parsed.uid, generation: parsed.generation, reason: `${first.reason}: ${first.message}` };
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

function parse({ codec, router }: ApplyHost, key: string, value: Uint8Array): ParsedEntry {
  const parsedKey = parseConfigKey(router, key);
  const entry = parsedKey === undefined ? undefined : parseEntry(codec, parsedKey, value);
  if (entry === undefined) {
    const rejection = { key, uid: "", generation: 0, reason: "the entry cannot be read" };
    return { value, uid: "", generation: 0, choices: [], rejection };
  }
  const { uid, generation } = entry;
  const meta = entryMeta(entry);
  const current = parseSpec(entry.kind, meta, entry.current, router);
  const lastGood = lastGoodOf(entry, meta, router);
  const choices = [current, lastGood].flatMap((result) => (result.ok ? [result.value] : []));
  if (current.ok) return { value, uid, generation, choices, rejection: undefined };
  const first = current.error[0];
  const reason = first === undefined ? "invalid" : `${first.path}: ${first.message}`;
  return { value, uid, generation, choices, rejection: { key, uid, generation, reason } };
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

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index++) if (left[index] !== right[index]) return false;
  return true;
}
