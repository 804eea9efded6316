// Specs by chance, made from the schemas themselves: mostly right, wrong in a field or two, at the edges of every bound.
import fc from "fast-check";
import { objectDefinitions } from "../../core/policy/object-definitions.ts";
import type {
  ArraySchema,
  IntegerSchema,
  MapSchema,
  ObjectSchema,
  Schema,
  StringSchema,
} from "../../core/policy/schema.ts";
import { getFormat } from "../../core/policy/schema-formats.ts";
import type { ObjectKind } from "../../core/policy/spec.ts";

/** One value in so many is of any type, or just outside of its bounds. */
const WRONG_ONE_IN = 60;
/** Entries of a list; its bound is met by the corpus. */
const MAX_ENTRIES = 4;

/** Texts of each format: right ones, and ones that only look right. Few, so that names meet each other. */
const textsByFormat: Readonly<Record<string, readonly string[]>> = {
  duration: ["1ms", "100ms", "1s", "5s", "1m30s", "60s", "1h", "24h", "0s", "1h1h1h1h", "90000s", "500h"],
  decimal: ["0", "0.02", "12", "999999999.9", "00.10"],
  name: ["a", "b", "c", "B_2", "-x", "a-"],
  nats_url: ["nats://a:4222", "tls://a,b", "nats://[::1]:1/x", "nats://"],
  subject: ["a", "a.b", "a-b._c", "a..b"],
  subject_pattern: ["a", "a.*", "*.b", "a.>", "*", ">"],
  sticky_key: ["context.a", "message.metadata.a.b", "context.a b"],
  label_key: ["a", "example.test/a", "a.b_c-D", "a/", "-a"],
  label_value: ["", "a", "A.b_c-9", "a-"],
  quantity: ["1", "500m", "1.5Gi", "0", "1e3", "1GB"],
  message_type: ["chat", "a/b", "~!", "a b"],
  namespace_or_all: ["*", "a", "b-c", "**"],
};
const otherTexts = ["a", "b", "c1", "a-b", "A", "a.b", ""];

const anyType: fc.Arbitrary<unknown> = fc.constantFrom<unknown>("", "x", 0, -1, 2 ** 31, 0.5, true, [], {}, ["a"], {
  name: "a",
});

function value(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ arbitrary: fitting(schema), weight: WRONG_ONE_IN - 1 }, { arbitrary: anyType, weight: 1 });
}

function fitting(schema: Schema): fc.Arbitrary<unknown> {
  if (!("type" in schema)) {
    const texts = textsByFormat[getFormat(schema.pattern).name] ?? [];
    return fc.oneof(fc.constantFrom(...texts), fc.nat(100), fc.constant(-1));
  }
  switch (schema.type) {
    case "boolean":
      return fc.boolean();
    case "integer":
      return integer(schema);
    case "string":
      return text(schema);
    case "array":
      return list(schema);
    case "object":
      return "additionalProperties" in schema ? map(schema) : object(schema);
  }
}

function integer({ minimum, maximum }: IntegerSchema): fc.Arbitrary<number> {
  const right = fc.oneof(
    fc.constantFrom(minimum, maximum),
    fc.integer({ min: minimum, max: Math.min(maximum, minimum + 5) }),
  );
  return fc.oneof(
    { arbitrary: right, weight: 40 },
    { arbitrary: fc.constantFrom(minimum - 1, maximum + 1), weight: 1 },
  );
}

function text({ enum: values, pattern, maxLength }: StringSchema): fc.Arbitrary<string> {
  if (values !== undefined) return fc.constantFrom(...values);
  if (pattern !== undefined) return fc.constantFrom(...(textsByFormat[getFormat(pattern).name] ?? otherTexts));
  const long = fc
    .integer({ min: maxLength - 1, max: maxLength + 1 })
    .map((length) => [..."é🚦".repeat(length)].slice(0, length).join(""));
  return fc.oneof({ arbitrary: fc.string({ unit: "grapheme", minLength: 1, maxLength: 8 }), weight: 20 }, long);
}

function list(schema: ArraySchema): fc.Arbitrary<unknown[]> {
  const options = { minLength: schema.minItems ?? 0, maxLength: Math.min(MAX_ENTRIES, schema.maxItems) };
  const keys = schema["x-kubernetes-list-map-keys"];
  const distinct = fc.uniqueArray(value(schema.items), {
    ...options,
    selector: (entry) => JSON.stringify(keys === undefined ? entry : keys.map((key) => Object(entry)[key])),
  });
  return fc.oneof(
    { arbitrary: distinct, weight: 20 },
    { arbitrary: fc.array(value(schema.items), options), weight: 1 },
  );
}

/** Of label keys mostly, some of which are reserved where it is about labels. */
function map({ additionalProperties }: MapSchema): fc.Arbitrary<object> {
  const keys = ["a", "b.c", "example.test/d", "app.kubernetes.io/x", "beamline.dev/x", "beamline.devx/y", ""];
  return fc.dictionary(fc.constantFrom(...keys), value(additionalProperties), { maxKeys: MAX_ENTRIES });
}

function object({ properties = {}, required = [] }: ObjectSchema): fc.Arbitrary<object> {
  const fields = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, value(schema)]));
  const all = fc.record(fields, { requiredKeys: [...required] });
  // Most objects have few of their optional fields; each further one is a further chance to be wrong.
  const optional = Object.keys(fields).filter((name) => !required.includes(name));
  const few = fc.subarray(optional, { maxLength: Math.min(2, optional.length) }).chain((names) => {
    const kept = Object.fromEntries(
      Object.entries(fields).filter(([name]) => required.includes(name) || names.includes(name)),
    );
    return fc.record(kept);
  });
  return fc.oneof(
    { arbitrary: few, weight: 20 },
    { arbitrary: all, weight: 2 },
    {
      arbitrary: few.map((fits) => ({ ...fits, bogus: 1 })),
      weight: 1,
    },
  );
}

/** Specs of a kind, not all of them right. */
export function arbitrarySpec(kind: ObjectKind): fc.Arbitrary<unknown> {
  const spec = objectDefinitions[kind].schema.properties?.spec;
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  return value(spec);
}
