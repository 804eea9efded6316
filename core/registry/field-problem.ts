// What is wrong with one field of a request, said so that a client can be corrected from it.
import { renderValue } from "../policy/problems.ts";

export interface FieldProblem {
  /** Path within the request, such as `id` or `metadata["a key"]`. */
  readonly field: string;
  /** Short name of the rule that it breaks: snake_case. */
  readonly rule: string;
  readonly message: string;
  /** The value, shortened. */
  readonly value?: string;
}

/** Problems told of one request. */
const MAX_FIELD_PROBLEMS = 20;

/** A list with a bound; what is over it is not told. */
export class FieldProblems {
  readonly list: FieldProblem[] = [];

  add(field: string, rule: string, message: string, value?: unknown): void {
    if (this.list.length >= MAX_FIELD_PROBLEMS) return;
    this.list.push({ field, rule, message, ...(value === undefined ? {} : { value: renderValue(value) }) });
  }
}

/** `parent["key"]`, with a key of any length shortened. */
export function memberPath(parent: string, key: string): string {
  return `${parent}[${renderValue(key)}]`;
}
