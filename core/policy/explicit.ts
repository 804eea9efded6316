// Which fields a user wrote, so that a status can name exactly those.
import { isRecord, joinPath } from "./problems.ts";

/** Levels below `spec` that are told apart; no schema nests deeper. */
const MAX_DEPTH = 8;

/** Paths of every field that is set in a spec that passed its schema, without list positions, sorted: `spec.sticky.ttl`. */
export function listExplicitFields(spec: unknown): readonly string[] {
  const paths = new Set<string>();
  collect(spec, "spec", 0, paths);
  return [...paths].sort();
}

function collect(value: unknown, path: string, depth: number, paths: Set<string>): void {
  if (depth > MAX_DEPTH) return;
  if (Array.isArray(value)) {
    for (const item of value) collect(item, path, depth, paths);
  } else if (isRecord(value)) {
    for (const [name, field] of Object.entries(value)) {
      if (field === undefined) continue;
      const at = joinPath(path, name);
      paths.add(at);
      collect(field, at, depth + 1, paths);
    }
  }
}
