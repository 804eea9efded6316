// What the bucket shall hold, encoded and digested: only what changed is encoded again.
import type { ConfigEntry, StagedEntry } from "../core/config/entry.ts";
import { encodeEntry } from "../core/config/entry-value.ts";
import { EMPTY_SET_DIGEST, type EntrySetDigest, entryDigest, replaceInSet } from "../core/config/head.ts";
import { LayeredMap } from "../core/layered-map.ts";
import { nodeCodec } from "../runtime/bytes.ts";

interface EncodedEntry extends Pick<StagedEntry, "key" | "value"> {
  readonly entry: ConfigEntry;
  readonly digest: bigint;
}

export interface DesiredSet {
  readonly entries: LayeredMap<ConfigEntry>;
  readonly encoded: LayeredMap<EncodedEntry>;
  readonly set: EntrySetDigest;
}

export const NOTHING_DESIRED: DesiredSet = {
  entries: LayeredMap.empty(),
  encoded: LayeredMap.empty(),
  set: EMPTY_SET_DIGEST,
};

export function desiredSet(before: DesiredSet, entries: LayeredMap<ConfigEntry>): DesiredSet {
  let { set } = before;
  const changes = new Map<string, EncodedEntry | undefined>();
  for (const key of entries.changedSince(before.entries)) {
    const entry = entries.get(key);
    const known = before.encoded.get(key);
    const now = entry === undefined ? undefined : encode(key, entry, known);
    set = replaceInSet(set, known?.digest, now?.digest);
    changes.set(key, now);
  }
  return { entries, encoded: before.encoded.with(changes), set };
}

function encode(key: string, entry: ConfigEntry, known: EncodedEntry | undefined): EncodedEntry {
  if (known !== undefined && isSameVersion(known.entry, entry)) return { ...known, entry };
  const value = encodeEntry(nodeCodec, entry);
  return { key, value, entry, digest: entryDigest(nodeCodec, { key, value }) };
}

function isSameVersion(left: ConfigEntry, right: ConfigEntry): boolean {
  return (
    left.uid === right.uid &&
    left.generation === right.generation &&
    left.current === right.current &&
    left.lastGood?.generation === right.lastGood?.generation
  );
}
