// Finds where a path such as `spec.providers[1].weight` stands in a YAML document.
import { isCollection, isMap, isNode, isPair, isScalar, isSeq, type LineCounter, type Node } from "yaml";
import type { SourcePosition } from "../../interfaces.ts";

/** One step of a path: a field, or a position in a list. */
type Step = string | number;

/** Steps that are followed; objects are never nested nearly as deep. */
const MAX_STEPS = 64;
const STEP = /\.?([A-Za-z_][A-Za-z0-9_-]*)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/y;

/** The steps of a path as `core/policy` writes them; what cannot be read ends it. */
export function parsePath(path: string): readonly Step[] {
  const steps: Step[] = [];
  STEP.lastIndex = 0;
  while (steps.length < MAX_STEPS && STEP.lastIndex < path.length) {
    const match = STEP.exec(path);
    if (match === null) break;
    const [, field, index, quoted] = match;
    if (field !== undefined) steps.push(field);
    else if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(JSON.parse(quoted) as string);
  }
  return steps;
}

/** Position of what `path` names; of the field's name when it is a field that should not be there; else of what is around it. */
export function locatePath(root: Node, path: string, rule: string | undefined, lines: LineCounter): SourcePosition {
  let node: Node = root;
  let offset = startOf(root);
  for (const step of parsePath(path)) {
    const found = descend(node, step);
    if (found === undefined) break;
    const { key, value } = found;
    offset = (rule === "unknown_field" ? startOf(key) : startOf(value)) ?? startOf(key) ?? offset;
    if (value === undefined) break;
    node = value;
  }
  return positionOf(offset ?? 0, lines);
}

/** Line and column of an offset in the text, from 1. */
export function positionOf(offset: number, lines: LineCounter): SourcePosition {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function descend(
  node: Node,
  step: Step,
): { readonly key: Node | undefined; readonly value: Node | undefined } | undefined {
  if (!isCollection(node)) return undefined;
  if (isSeq(node)) {
    const item = typeof step === "number" ? node.items[step] : undefined;
    return isNode(item) ? { key: undefined, value: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === String(step));
  if (pair === undefined) return undefined;
  return { key: isNode(pair.key) ? pair.key : undefined, value: isNode(pair.value) ? pair.value : undefined };
}

function startOf(node: Node | undefined): number | undefined {
  return node?.range?.[0];
}
