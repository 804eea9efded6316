// Where the API server serves a kind of ours, from the definition that its CRD is generated from.
import { objectDefinitions } from "../core/policy/object-definitions.ts";
import { API_GROUP, API_VERSION } from "../core/policy/schema.ts";
import type { ObjectKind } from "../core/policy/spec.ts";
import type { ResourceType } from "./object.ts";

export function customResourceType(kind: ObjectKind): ResourceType {
  const { plural, scope } = objectDefinitions[kind];
  const version = API_VERSION.slice(API_GROUP.length + 1);
  return { group: API_GROUP, version, kind, plural, namespaced: scope === "Namespaced" };
}
