// The part of the chart's values.schema.json that is not written by hand: router.spec is what a Router's spec is.
import { type OpenApiSchema, toOpenApiSchema } from "../core/crd/open-api-schema.ts";
import { objectDefinitions } from "../core/policy/object-definitions.ts";

type JsonSchema = Readonly<Record<string, unknown>>;

const INDENT = 2;
const DESCRIPTION = "As in `kubectl explain router.spec`.";

/** The text of the schema with router.spec as the CRD has it. Throws when there is no such place in it. */
export function fillValuesSchema(text: string): string {
  const schema = JSON.parse(text) as { properties: { router: { properties: { spec: JsonSchema } } } };
  const spec = objectDefinitions.Router.schema.properties?.spec;
  if (spec === undefined) throw new Error("Router has no spec");
  schema.properties.router.properties.spec = { ...toValuesSchema(toOpenApiSchema(spec)), description: DESCRIPTION };
  return `${JSON.stringify(schema, undefined, INDENT)}\n`;
}

/** Without what only the API server acts on, and with unknown fields refused, which there is done by pruning. */
function toValuesSchema(schema: OpenApiSchema): JsonSchema {
  const { properties, additionalProperties, items, default: _default, ...rest } = schema;
  const kept = Object.entries(rest).filter(([key]) => !key.startsWith("x-kubernetes-"));
  return {
    ...Object.fromEntries(kept),
    ...(schema["x-kubernetes-int-or-string"] === true ? { type: ["integer", "string"] } : {}),
    ...(items === undefined ? {} : { items: toValuesSchema(items) }),
    ...(additionalProperties === undefined ? {} : { additionalProperties: toValuesSchema(additionalProperties) }),
    ...(properties === undefined ? {} : { additionalProperties: false, properties: mapValues(properties) }),
  };
}

function mapValues(properties: Readonly<Record<string, OpenApiSchema>>): JsonSchema {
  return Object.fromEntries(Object.entries(properties).map(([name, property]) => [name, toValuesSchema(property)]));
}
