// CEL expressions of rules: compiled and type-checked once, bounded in what they may cost, evaluated to a bool or an
// error that is a value.
import { Environment, EvaluationError } from "@marcbachmann/cel-js";
import { err, ok, type Result } from "../result.ts";
import { checkBounds, type ExpressionFault, isExpressionError, locate } from "./expression-bounds.ts";
import { checkInputs, listReads } from "./expression-inputs.ts";
import type { ExpressionInput, ExpressionResult } from "./table.ts";

/** Bounds of policy.md "RoutingPolicy". */
const MAX_NODES = 256;
/** The library counts member accesses as depth; ours (expression-bounds.ts) is the tighter one for everything else. */
const MAX_PARSER_DEPTH = 64;

/** What is wrong with an expression, and where: line and column count from 1. */
export interface ExpressionProblem {
  readonly message: string;
  readonly line: number;
  readonly column: number;
}

/** An expression ready to be evaluated any number of times. */
export interface CompiledExpression {
  evaluate(input: ExpressionInput): ExpressionResult;
}

/** `message` as expressions see it: CEL knows objects by their constructor, and integers as bigint. */
class MessageView {
  readonly id: string;
  readonly type: string;
  readonly metadata: ExpressionMap;
  readonly payload_size: bigint;

  constructor(message: ExpressionInput["message"]) {
    this.id = message.id;
    this.type = message.type;
    this.metadata = toExpressionMap(message.metadata);
    this.payload_size = BigInt(message.payload_size);
  }
}

class TenantView {
  readonly id: string;

  constructor(id: string) {
    this.id = id;
  }
}

type ExpressionMap = Readonly<Record<string, string>> | ReadonlyMap<string, string>;

const environment = new Environment({ limits: { maxAstNodes: MAX_NODES, maxDepth: MAX_PARSER_DEPTH } })
  .registerType("Message", {
    ctor: MessageView,
    fields: { id: "string", type: "string", metadata: "map<string, string>", payload_size: "int" },
  })
  .registerType("Tenant", { ctor: TenantView, fields: { id: "string" } })
  .registerVariable("message", "Message")
  .registerVariable("context", "map<string, string>")
  .registerVariable("tenant", "Tenant");

/**
 * Compiles a rule's `when`. Refused, with the position: what does not parse or type-check, does not yield a bool, calls a
 * function outside the closed list, or exceeds a bound (256 nodes, depth 16, macros nested twice, an estimated cost).
 * Never throws.
 */
export function compileExpression(text: string): Result<CompiledExpression, ExpressionProblem> {
  try {
    const program = environment.parse(text);
    const fault = checkBounds(program.ast);
    if (fault !== undefined) return err(describe(text, fault));
    const checked = program.check();
    if (!checked.valid) return err(describeError(text, checked.error));
    if (checked.type !== "bool") return err({ message: `must yield a bool, not ${checked.type}`, line: 1, column: 1 });
    const reads = listReads(program.ast);
    return ok({ evaluate: (input) => checkInputs(reads, input) ?? run(program, input) });
  } catch (error) {
    return err(describeError(text, error));
  }
}

function run(program: (variables: Record<string, unknown>) => unknown, input: ExpressionInput): ExpressionResult {
  try {
    const value = program({
      message: new MessageView(input.message),
      context: toExpressionMap(input.context),
      tenant: new TenantView(input.tenant.id),
    });
    return typeof value === "boolean" ? { ok: true, value } : { ok: false, error: "did not yield a bool" };
  } catch (error) {
    // Whatever the library throws is about this expression on this input: one message must not end the router.
    return { ok: false, error: error instanceof EvaluationError ? error.summary : String(error) };
  }
}

/** The library knows a map by its constructor, which a key of that name would hide. */
function toExpressionMap(record: Readonly<Record<string, string>>): ExpressionMap {
  return Object.hasOwn(record, "constructor") ? new Map(Object.entries(record)) : record;
}

function describeError(text: string, error: unknown): ExpressionProblem {
  if (isExpressionError(error)) return describe(text, { message: error.summary, position: error.range?.start ?? 0 });
  return { message: `cannot be compiled: ${String(error)}`, line: 1, column: 1 };
}

function describe(text: string, { message, position }: ExpressionFault): ExpressionProblem {
  return { message, ...locate(text, position) };
}

/** Expressions compiled at a time; a cache that is full starts again. */
const MAX_CACHED_EXPRESSIONS = 20_000;
/** What may be kept for each rule in use, and on top of that. */
const SPARE_FACTOR = 2;
const SPARE_EXPRESSIONS = 256;

/** Compiles each text once: many policies share their expressions, and a table is compiled again at every change. */
export class ExpressionCache {
  readonly #compiled = new Map<string, Result<CompiledExpression, ExpressionProblem>>();

  compile(text: string): Result<CompiledExpression, ExpressionProblem> {
    const known = this.#compiled.get(text);
    if (known !== undefined) return known;
    if (this.#compiled.size >= MAX_CACHED_EXPRESSIONS) this.#compiled.clear();
    const compiled = compileExpression(text);
    this.#compiled.set(text, compiled);
    return compiled;
  }

  /** Starts again when far more is kept than the `inUse` rules of a table can need: policies that are gone leave nothing. */
  trim(inUse: number): void {
    if (this.#compiled.size > SPARE_FACTOR * inUse + SPARE_EXPRESSIONS) this.#compiled.clear();
  }
}
