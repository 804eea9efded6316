// What an expression may be: which functions it may call and how large, deep and costly it may get.
import { type ASTNode, TypeError as CelTypeError, EvaluationError, ParseError } from "@marcbachmann/cel-js";

/** Bounds of policy.md "RoutingPolicy"; nodes are counted by the parser. */
const MAX_DEPTH = 16;
const MAX_MACRO_NESTING = 2;
/** Entries that a map may have to be iterated: part of the bound on the cost, enforced on every input. */
export const MAX_MAP_ENTRIES = 64;
/** Node evaluations that the worst input may cause: a few milliseconds. */
const MAX_COST = 100_000;

/**
 * Functions that a rule may call. `matches` is left out because there is no linear engine for it, `cel.bind` and the
 * time functions because nothing here needs them, `split` and `join` because they make large values from small ones.
 */
const allowedFunctions: ReadonlySet<string> = new Set([
  "bool",
  "contains",
  "double",
  "endsWith",
  "has",
  "indexOf",
  "int",
  "lastIndexOf",
  "lowerAscii",
  "size",
  "startsWith",
  "string",
  "substring",
  "trim",
  "upperAscii",
]);

/** Macros that iterate over their receiver. */
export const iteratingMacros: ReadonlySet<string> = new Set(["all", "exists", "exists_one", "filter", "map"]);

export interface ExpressionFault {
  readonly message: string;
  /** Offset in the text. */
  readonly position: number;
}

/** The first bound that an expression exceeds, if any. */
export function checkBounds(ast: ASTNode): ExpressionFault | undefined {
  const fault = findFault(ast, 1, 0);
  if (fault !== undefined) return fault;
  const cost = estimateCost(ast);
  if (cost <= MAX_COST) return undefined;
  return { message: `may take ${cost} steps on the largest input; at most ${MAX_COST} are allowed`, position: 0 };
}

function findFault(node: ASTNode, depth: number, nesting: number): ExpressionFault | undefined {
  if (depth > MAX_DEPTH) return { message: `is nested deeper than ${MAX_DEPTH}`, position: node.start };
  const name = calledName(node);
  if (name !== undefined && !allowedFunctions.has(name) && !iteratingMacros.has(name)) {
    const why = name === "matches" ? "regular expressions are not available: use contains, startsWith or endsWith" : "";
    return {
      message: `function ${name} is not available in rules${why === "" ? "" : `; ${why}`}`,
      position: node.start,
    };
  }
  const inner = nesting + (name !== undefined && iteratingMacros.has(name) ? 1 : 0);
  if (inner > MAX_MACRO_NESTING) {
    return { message: `macros are nested more than ${MAX_MACRO_NESTING} times`, position: node.start };
  }
  for (const child of children(node)) {
    // A receiver is evaluated once, before the macro: only its arguments are nested in it.
    const within = node.op === "rcall" && child === node.args[1] ? nesting : inner;
    // A chain of one operator reads as one level, however the parser nests it.
    const sameLevel = child.op === node.op && (node.op === "&&" || node.op === "||" || node.op === "+");
    const fault = findFault(child, sameLevel ? depth : depth + 1, within);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** Node evaluations on the largest input: an iterating macro repeats its arguments for every element of its receiver. */
function estimateCost(node: ASTNode): number {
  const name = calledName(node);
  if (node.op === "rcall" && name !== undefined && iteratingMacros.has(name)) {
    const [, receiver, args] = node.args;
    const body = args.reduce((sum, argument) => sum + estimateCost(argument), 0);
    return 1 + estimateCost(receiver) + estimateElements(receiver) * body;
  }
  return children(node).reduce((sum, child) => sum + estimateCost(child), 1);
}

/** Elements that a value can have at most. */
function estimateElements(node: ASTNode): number {
  switch (node.op) {
    case "list":
    case "map":
      return node.args.length;
    case "+":
      return estimateElements(node.args[0]) + estimateElements(node.args[1]);
    case "?:":
      return Math.max(estimateElements(node.args[1]), estimateElements(node.args[2]));
    case "rcall":
      return node.args[0] === "map" || node.args[0] === "filter" ? estimateElements(node.args[1]) : MAX_MAP_ENTRIES;
    default:
      return MAX_MAP_ENTRIES;
  }
}

function calledName(node: ASTNode): string | undefined {
  return node.op === "call" || node.op === "rcall" ? node.args[0] : undefined;
}

/** Operands of a node, in the order written. */
export function children(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [node.args[0]];
    case "call":
      return node.args[1];
    case "rcall":
      return [node.args[1], ...node.args[2]];
    case "list":
      return node.args;
    case "map":
      return node.args.flat();
    case "!_":
    case "-_":
      return [node.args];
    default:
      return node.args;
  }
}

/** The library's own errors; all of them carry a summary and usually a place. */
export function isExpressionError(error: unknown): error is ParseError | CelTypeError | EvaluationError {
  return error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError;
}

/** Line and column, from 1, of an offset in a text. */
export function locate(text: string, position: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, position);
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line: before.split("\n").length, column: before.length - lineStart + 1 };
}
