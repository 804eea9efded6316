// The cap on what an expression looks at: strings of at most 4 KiB and, where it iterates, maps of at most 64 entries.
// Only what the expression reads counts, so a large value that no rule looks at does no harm.
import type { ASTNode } from "@marcbachmann/cel-js";
import { children, MAX_MAP_ENTRIES } from "./expression-bounds.ts";
import type { ExpressionInput, ExpressionResult } from "./table.ts";

/** Characters of a string that an expression may read (policy.md "RoutingPolicy"). */
const MAX_STRING_CHARS = 4096;

type MapName = "context" | "message.metadata";

/** What of the input an expression reads. */
export interface ExpressionReads {
  readonly messageId: boolean;
  readonly messageType: boolean;
  /** Keys named in the expression. */
  readonly keys: readonly { readonly map: MapName; readonly key: string }[];
  /** Maps read by computed keys, or as a whole. */
  readonly maps: readonly MapName[];
}

/** Finds what an expression reads; a macro variable that hides `context` or `message` only makes the answer larger. */
export function listReads(ast: ASTNode): ExpressionReads {
  const found = {
    messageId: false,
    messageType: false,
    keys: new Map<string, { map: MapName; key: string }>(),
    maps: new Set<MapName>(),
  };
  const visit = (node: ASTNode) => {
    const map = asMap(node);
    if (map !== undefined) {
      found.maps.add(map);
      return;
    }
    if (node.op === "." || node.op === "[]") {
      const owner = asMap(node.args[0]);
      const key = node.op === "." ? node.args[1] : node.args[1].op === "value" ? node.args[1].args : undefined;
      if (owner !== undefined && typeof key === "string") {
        found.keys.set(`${owner}.${key}`, { map: owner, key });
        return;
      }
      if (node.op === "." && isName(node.args[0], "message")) {
        if (key === "id") found.messageId = true;
        if (key === "type") found.messageType = true;
        return;
      }
    }
    // Whether a key is there says nothing about its value.
    const skipped = node.op === "in" && asMap(node.args[1]) !== undefined ? node.args[1] : undefined;
    for (const child of children(node)) if (child !== skipped) visit(child);
  };
  visit(ast);
  return {
    messageId: found.messageId,
    messageType: found.messageType,
    keys: [...found.keys.values()],
    maps: [...found.maps],
  };
}

function asMap(node: ASTNode): MapName | undefined {
  if (isName(node, "context")) return "context";
  if (node.op === "." && node.args[1] === "metadata" && isName(node.args[0], "message")) return "message.metadata";
  return undefined;
}

function isName(node: ASTNode, name: string): boolean {
  return node.op === "id" && node.args === name;
}

/** The error that the input is to this expression, or undefined when it is within the caps. */
export function checkInputs(reads: ExpressionReads, input: ExpressionInput): ExpressionResult | undefined {
  const { message } = input;
  if (reads.messageId && message.id.length > MAX_STRING_CHARS) return tooLong("message.id");
  if (reads.messageType && message.type.length > MAX_STRING_CHARS) return tooLong("message.type");
  for (const { map, key } of reads.keys) {
    const record = map === "context" ? input.context : message.metadata;
    const value = Object.hasOwn(record, key) ? record[key] : undefined;
    if (value !== undefined && value.length > MAX_STRING_CHARS) return tooLong(`${map}.${key}`);
  }
  for (const map of reads.maps) {
    const problem = checkMap(map, map === "context" ? input.context : message.metadata);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function checkMap(name: MapName, map: Readonly<Record<string, string>>): ExpressionResult | undefined {
  const entries = Object.entries(map);
  if (entries.length > MAX_MAP_ENTRIES) {
    return { ok: false, error: `${name} has ${entries.length} entries; a rule may look at ${MAX_MAP_ENTRIES}` };
  }
  const long = entries.find(([key, value]) => key.length > MAX_STRING_CHARS || value.length > MAX_STRING_CHARS);
  return long === undefined ? undefined : tooLong(`an entry of ${name}`);
}

function tooLong(what: string): ExpressionResult {
  return { ok: false, error: `${what} is longer than ${MAX_STRING_CHARS} characters` };
}
