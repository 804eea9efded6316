// Collecting what is wrong with an object: bounded, with paths, and with the value as it was written.
import type { SpecProblem } from "./spec.ts";

/** Problems reported of one object; more are counted in a last one. */
export const MAX_PROBLEMS = 100;
/** Characters of a value that a problem repeats. */
const MAX_VALUE_CHARS = 200;
/** Nesting of a value that a problem repeats; YAML aliases can make cycles. */
const MAX_VALUE_DEPTH = 4;
/** Members of a list or object that a problem repeats. */
const MAX_VALUE_MEMBERS = 10;

/** A growing list of problems with a bound. */
export class ProblemList {
  readonly #problems: SpecProblem[] = [];
  #omitted = 0;

  /** `value` is left out of the problem when it is undefined. */
  add(path: string, rule: string, message: string, value?: unknown): void {
    if (this.#problems.length >= MAX_PROBLEMS) {
      this.#omitted += 1;
      return;
    }
    this.#problems.push({ path, rule, message, ...(value === undefined ? {} : { value: renderValue(value) }) });
  }

  /** How many were added, omitted ones included. */
  get size(): number {
    return this.#problems.length + this.#omitted;
  }

  toArray(): readonly SpecProblem[] {
    if (this.#omitted === 0) return this.#problems;
    const message = `${this.#omitted} more problems are not listed; correct these first`;
    return [...this.#problems, { path: "", rule: "too_many_problems", message }];
  }
}

/** JSON of any value, shortened to 200 characters; what JSON cannot say is named by its type. */
export function renderValue(value: unknown): string {
  const text = render(value, 0);
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS - 1)}…`;
}

function render(value: unknown, depth: number): string {
  if (value === null) return "null";
  if (typeof value === "string") return JSON.stringify(value.slice(0, MAX_VALUE_CHARS));
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value !== "object") return typeof value;
  if (depth >= MAX_VALUE_DEPTH) return "…";
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_VALUE_MEMBERS).map((item) => render(item, depth + 1));
    return `[${items.join(",")}]`;
  }
  const members = Object.entries(value).slice(0, MAX_VALUE_MEMBERS);
  return `{${members.map(([key, member]) => `${JSON.stringify(key.slice(0, MAX_VALUE_CHARS))}:${render(member, depth + 1)}`).join(",")}}`;
}

/** What a value is, in words of JSON. */
export function nameType(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  switch (typeof value) {
    case "string":
      return "a string";
    case "number":
      return Number.isInteger(value) ? "an integer" : "a number";
    case "boolean":
      return "a boolean";
    case "object":
      return "an object";
    case "undefined":
      return "nothing";
    default:
      return `a ${typeof value}`;
  }
}

/** Whether a value is a plain object: what JSON and YAML call an object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** `parent.name`, or `parent["odd name"]`. */
export function joinPath(parent: string, name: string): string {
  if (!/^[A-Za-z_][A-Za-z0-9_-]{0,62}$/.test(name))
    return `${parent}[${JSON.stringify(name.slice(0, MAX_VALUE_CHARS))}]`;
  return parent === "" ? name : `${parent}.${name}`;
}
