// The shape of the descriptor table that the readers walk; `proto/gen/messages/schema.ts` holds the generated table.

/** Scalar types of proto3, by the names of descriptor.proto. */
export type ScalarType =
  | "double"
  | "float"
  | "int64"
  | "uint64"
  | "int32"
  | "uint32"
  | "sint32"
  | "sint64"
  | "fixed32"
  | "fixed64"
  | "sfixed32"
  | "sfixed64"
  | "bool"
  | "string"
  | "bytes";

/** One field of one message. `message` is the full name of a message-typed field or map value. */
export interface FieldSchema {
  readonly number: number;
  /** Name as written in the .proto file (snake_case); decoded values are keyed by it. */
  readonly name: string;
  /** lowerCamelCase name of proto3 JSON. */
  readonly jsonName: string;
  readonly type: ScalarType | "message" | "enum" | "map";
  readonly repeated: boolean;
  readonly message?: string;
  readonly mapKey?: ScalarType;
  readonly mapValue?: ScalarType | "message" | "enum";
}

export interface MessageSchema {
  readonly name: string;
  readonly fields: readonly FieldSchema[];
}

/** Messages by full name, such as `beamline.flow.v1.RouteRequest`. */
export type SchemaTable = Readonly<Record<string, MessageSchema>>;

/** A decoded message: values by proto name; absent fields are absent. 64-bit integers are bigint, bytes are views of the input. */
export type PlainMessage = { readonly [field: string]: unknown };
