// Why bytes or JSON do not match their schema.

/**
 * Rules that an encoded message can break. Wire format: `truncated` (the input ends inside a value), `overrun` (a value goes
 * beyond the message that encloses it), `tag` (field number 0, or wire type 6 or 7), `varint` (more bits than its type can
 * hold), `group` (an end-group without its start), `utf8`. JSON: `type`, `range`, `base64`, `unicode` (a surrogate without its
 * other half), `duplicate` (one field under both of its names). Both: `depth`.
 */
export type SchemaRule =
  | "truncated"
  | "overrun"
  | "tag"
  | "varint"
  | "group"
  | "utf8"
  | "type"
  | "range"
  | "base64"
  | "unicode"
  | "duplicate"
  | "depth";

/** The first thing that does not match. */
export interface SchemaProblem {
  /** Proto names joined by dots, `[n]` in lists, `["key"]` in maps; empty for the message itself. */
  readonly path: string;
  readonly rule: SchemaRule;
  /** What the schema asks for at `path`, such as `string` or `message beamline.flow.v1.Message`. */
  readonly expected: string;
}

/** Path, rule and expectation in one sentence for people. */
export function describeProblem(problem: SchemaProblem): string {
  const where = problem.path === "" ? "" : `${problem.path}: `;
  return `${where}expected ${problem.expected} (${problem.rule})`;
}

/** Joins a path; list and map segments, which begin with `[`, take no dot. */
export function joinPath(parent: string, child: string): string {
  if (parent === "") return child;
  if (child === "") return parent;
  return child.startsWith("[") ? parent + child : `${parent}.${child}`;
}
