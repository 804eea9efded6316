// One kind -> its CustomResourceDefinition, from the same schema that `core/policy/parse.ts` holds files to.
import { objectDefinitions } from "../policy/object-definitions.ts";
import { API_GROUP, API_VERSION } from "../policy/schema.ts";
import type { ObjectKind } from "../policy/spec.ts";
import { type OpenApiSchema, toOpenApiSchema } from "./open-api-schema.ts";
import { type PrinterColumn, printerColumns } from "./printer-columns.ts";
import { policyReferenceRules } from "./reference-rules.ts";
import { statusSchema } from "./status-schema.ts";

/** Release that a CRD comes from; an operator leaves a CRD of a later one alone. */
export const VERSION_ANNOTATION = `${API_GROUP}/version`;

/** The part of apiextensions.k8s.io/v1 that our CRDs use. */
export interface CustomResourceDefinition {
  readonly apiVersion: "apiextensions.k8s.io/v1";
  readonly kind: "CustomResourceDefinition";
  readonly metadata: {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly group: string;
    readonly scope: "Namespaced" | "Cluster";
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
      readonly shortNames: readonly string[];
      readonly categories: readonly string[];
    };
    readonly versions: readonly CustomResourceVersion[];
  };
}

interface CustomResourceVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly additionalPrinterColumns: readonly PrinterColumn[];
  readonly subresources: { readonly status: object; readonly scale?: ScaleSubresource };
  readonly schema: { readonly openAPIV3Schema: OpenApiSchema };
}

interface ScaleSubresource {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath: string;
}

const routerScale: ScaleSubresource = {
  specReplicasPath: ".spec.replicas",
  statusReplicasPath: ".status.replicas",
  labelSelectorPath: ".status.selector",
};

/** `<plural>.<group>`: the name of a kind's CRD. */
export function crdName(kind: ObjectKind): string {
  return `${objectDefinitions[kind].plural}.${API_GROUP}`;
}

/** The CRD of a kind; `version` is the release (semantic version) that it is stamped with. */
export function customResourceDefinition(kind: ObjectKind, version: string): CustomResourceDefinition {
  const { scope, plural, shortNames } = objectDefinitions[kind];
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: {
      name: crdName(kind),
      annotations: { [VERSION_ANNOTATION]: version },
      labels: { "app.kubernetes.io/name": "beamline", "app.kubernetes.io/part-of": "beamline" },
    },
    spec: {
      group: API_GROUP,
      scope,
      names: {
        kind,
        listKind: `${kind}List`,
        plural,
        singular: kind.toLowerCase(),
        shortNames,
        categories: ["beamline"],
      },
      versions: [
        {
          name: API_VERSION.slice(API_GROUP.length + 1),
          served: true,
          storage: true,
          additionalPrinterColumns: printerColumns[kind],
          subresources: { status: {}, ...(kind === "Router" ? { scale: routerScale } : {}) },
          schema: { openAPIV3Schema: wholeObject(kind) },
        },
      ],
    },
  };
}

/** Rules can only speak of a field that the schema declares. */
const metadata: OpenApiSchema = { type: "object", properties: { name: { type: "string" } } };

function wholeObject(kind: ObjectKind): OpenApiSchema {
  const object = toOpenApiSchema(objectDefinitions[kind].schema);
  const spec = object.properties?.spec;
  if (spec === undefined) throw new Error(`${kind} has no spec`);
  return {
    ...object,
    properties: {
      ...object.properties,
      metadata,
      spec: withReferenceRules(kind, spec),
      status: statusSchema(kind),
    },
  };
}

function withReferenceRules(kind: ObjectKind, spec: OpenApiSchema): OpenApiSchema {
  if (kind !== "RoutingPolicy") return spec;
  const key = "x-kubernetes-validations";
  return { ...spec, [key]: [...(spec[key] ?? []), ...policyReferenceRules] };
}
