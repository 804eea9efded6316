// An API server's answer to an object -> what it objects to, in the terms of `core/policy/problems.ts`.
import assert from "node:assert/strict";
import type { ApiResponse } from "../api-request.ts";

/** One objection: where, of which kind, in which words. */
export interface Cause {
  readonly path: string;
  readonly reason: string;
  readonly message: string;
}

interface Status {
  readonly message?: string;
  readonly details?: { readonly causes?: readonly { field?: string; reason?: string; message?: string }[] };
}

/** Said beside other causes when rules could not be looked at. */
const NOT_CHECKED = /some validation rules were not checked/;

/** What an API server says of each rule of the schemas: the reason of the cause, and the words that tell rules apart. */
const expectedByRule: Readonly<Record<string, { readonly reason: string; readonly message: RegExp }>> = {
  required: { reason: "FieldValueRequired", message: /Required value/ },
  type: { reason: "FieldValueTypeInvalid", message: /must be of type|must be an? (?:integer|string|object|array)/ },
  enum: { reason: "FieldValueNotSupported", message: /Unsupported value/ },
  unknown_field: { reason: "UnknownField", message: /unknown field/ },
  minimum: { reason: "FieldValueInvalid", message: /should be greater than or equal to/ },
  maximum: { reason: "FieldValueInvalid", message: /should be less than or equal to/ },
  min_length: { reason: "FieldValueInvalid", message: /should be at least 1 chars long/ },
  max_length: { reason: "FieldValueTooLong", message: /may not be more than \d+ bytes|Too long/ },
  min_items: { reason: "FieldValueInvalid", message: /should have at least 1 items/ },
  max_items: { reason: "FieldValueTooMany", message: /must have at most \d+ items/ },
  max_properties: { reason: "FieldValueTooMany", message: /must have at most \d+ (?:items|properties)/ },
  min_properties: { reason: "FieldValueInvalid", message: /should have at least 1 properties/ },
  duplicate: { reason: "FieldValueDuplicate", message: /Duplicate value/ },
  invalid: { reason: "FieldValueInvalid", message: /Invalid value/ },
  forbidden: { reason: "FieldValueForbidden", message: /Forbidden/ },
  unknown_provider: { reason: "FieldValueInvalid", message: /must name providers of this policy/ },
};
/** Every other rule is a named format. */
const FORMAT = { reason: "FieldValueInvalid", message: /should match/ };
/** Formats of names, which Kubernetes also has rules of its own for. */
const NAME = { reason: "FieldValueInvalid", message: /Invalid value/ };

/** The reason and words by which an API server refuses what breaks a rule. */
export function expectedOf(rule: string, path: string): { readonly reason: string; readonly message: RegExp } {
  if (path === "metadata.name") return NAME;
  return expectedByRule[rule] ?? FORMAT;
}

/** Everything that a response objects to; empty when the object was taken. */
export function readCauses({ status, body }: ApiResponse): readonly Cause[] {
  if (status === 200 || status === 201) return [];
  const { message = "", details } = body as Status;
  if (status === 400) {
    const fields = [...message.matchAll(/unknown field "([^"]+)"/g)].map(([text, path = ""]) => ({
      path,
      reason: "UnknownField",
      message: text,
    }));
    if (fields.length > 0) return fields;
  }
  assert.equal(status, 422, JSON.stringify(body));
  return (
    (details?.causes ?? [])
      // Fields of subresources are given with a point before them.
      .map(({ field = "", reason = "", message: text = "" }) => ({
        path: field.replace(/^\./, ""),
        reason,
        message: text,
      }))
      .filter(({ message: text }) => !NOT_CHECKED.test(text))
  );
}
