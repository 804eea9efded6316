// The subset of Kubernetes' structural OpenAPI v3 schemas that Beamline's objects use, as plain data. The CRDs are
// generated from the same data that `validate-object.ts` interprets, so files and clusters are held to one rule set.

/** A CEL rule on `self` (and `oldSelf`, for updates); names and meaning are Kubernetes'. */
export interface SchemaRule {
  readonly rule: string;
  /** What is wrong and the way out, in words. */
  readonly message: string;
  readonly reason?: "FieldValueInvalid" | "FieldValueForbidden" | "FieldValueRequired" | "FieldValueDuplicate";
  /** Relative to the node that carries the rule, for example `.ttl`. */
  readonly fieldPath?: string;
}

/** A JSON value that may stand as a default. */
export type SchemaDefault = string | number | boolean | readonly string[] | { readonly [key: string]: SchemaDefault };

interface SchemaBase {
  readonly description?: string;
  readonly default?: SchemaDefault;
  readonly "x-kubernetes-validations"?: readonly SchemaRule[];
}

/** An object with named fields; without `properties` its contents are not looked at (metadata, status). */
export interface ObjectSchema extends SchemaBase {
  readonly type: "object";
  readonly properties?: { readonly [name: string]: Schema };
  readonly required?: readonly string[];
  readonly minProperties?: number;
}

/** A map from free names to values of one schema. */
export interface MapSchema extends SchemaBase {
  readonly type: "object";
  readonly additionalProperties: Schema;
  readonly maxProperties: number;
}

export interface ArraySchema extends SchemaBase {
  readonly type: "array";
  readonly items: Schema;
  readonly minItems?: number;
  readonly maxItems: number;
  readonly "x-kubernetes-list-type": "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

export interface StringSchema extends SchemaBase {
  readonly type: "string";
  readonly enum?: readonly string[];
  /** Anchored, and free of nested repetition: these run on input that nobody has checked yet. */
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength: number;
}

export interface IntegerSchema extends SchemaBase {
  readonly type: "integer";
  readonly minimum: number;
  readonly maximum: number;
}

export interface BooleanSchema extends SchemaBase {
  readonly type: "boolean";
}

/** An integer, or a string of the pattern: how amounts with decimals are written, since floats round. */
export interface IntOrStringSchema extends SchemaBase {
  readonly "x-kubernetes-int-or-string": true;
  readonly pattern: string;
  readonly maxLength: number;
  /** Of an integer; says what the pattern says of its digits, since an API server holds patterns only to strings. */
  readonly minimum: number;
  readonly maximum: number;
}

export type Schema =
  | ObjectSchema
  | MapSchema
  | ArraySchema
  | StringSchema
  | IntegerSchema
  | BooleanSchema
  | IntOrStringSchema;

/** What a CRD needs besides the schema. */
export interface ObjectDefinition {
  readonly scope: "Namespaced" | "Cluster";
  readonly plural: string;
  readonly shortNames: readonly string[];
  /** Of the whole object: apiVersion, kind, metadata, spec, status. */
  readonly schema: ObjectSchema;
}

export const API_GROUP = "beamline.dev";
export const API_VERSION = `${API_GROUP}/v1alpha1`;

/** Wraps the schema of a spec into that of the whole object; `rules` look at `self.metadata.name` and `self.spec`. */
export function objectSchema(description: string, spec: ObjectSchema, rules: readonly SchemaRule[]): ObjectSchema {
  return {
    type: "object",
    description,
    required: ["spec"],
    properties: {
      apiVersion: { type: "string", maxLength: 64 },
      kind: { type: "string", maxLength: 64 },
      metadata: { type: "object" },
      spec,
      status: { type: "object" },
    },
    ...(rules.length > 0 ? { "x-kubernetes-validations": rules } : {}),
  };
}
