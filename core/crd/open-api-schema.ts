// A schema of `core/policy` -> the OpenAPI v3 schema that a CRD carries.
import type { ArraySchema, MapSchema, ObjectSchema, Schema, SchemaDefault, SchemaRule } from "../policy/schema.ts";

/** The part of `JSONSchemaProps` (apiextensions.k8s.io/v1) that our CRDs use. */
export interface OpenApiSchema {
  readonly type?: "object" | "array" | "string" | "integer" | "boolean";
  readonly format?: "int32" | "int64" | "date-time";
  readonly description?: string;
  readonly default?: SchemaDefault;
  readonly required?: readonly string[];
  readonly properties?: { readonly [name: string]: OpenApiSchema };
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly additionalProperties?: OpenApiSchema;
  readonly items?: OpenApiSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly "x-kubernetes-int-or-string"?: true;
  readonly "x-kubernetes-list-type"?: ArraySchema["x-kubernetes-list-type"];
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly SchemaRule[];
}

/** The same schema; only the containers have to be walked, since every leaf is written as OpenAPI writes it. */
export function toOpenApiSchema(schema: Schema): OpenApiSchema {
  if (!("type" in schema)) return schema;
  if (schema.type === "array") return { ...schema, items: toOpenApiSchema(schema.items) };
  return schema.type === "object" ? toContainer(schema) : schema;
}

function toContainer(schema: ObjectSchema | MapSchema): OpenApiSchema {
  if ("additionalProperties" in schema)
    return { ...schema, additionalProperties: toOpenApiSchema(schema.additionalProperties) };
  const { properties, ...rest } = schema;
  if (properties === undefined) return rest;
  const entries = Object.entries(properties).map(([name, property]) => [name, toOpenApiSchema(property)] as const);
  return { ...rest, properties: Object.fromEntries(entries) };
}
