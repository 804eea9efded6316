// The files in crds/: their text as the schemas in core/ say, and where the ones in a folder differ from it.
import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { crdName, customResourceDefinition } from "../core/crd/custom-resource-definition.ts";
import { objectDefinitions } from "../core/policy/object-definitions.ts";
import type { ObjectKind } from "../core/policy/spec.ts";

const HEADER = "# Generated from core/crd and core/policy by `npm run generate`; do not edit.\n";
/** Same as biome's. */
const LINE_WIDTH = 120;
/** Helm and kubectl take every such file in crds/ for a CRD. */
const MANIFESTS = "crds/**/*.{yaml,yml,json}";

/** Text by path relative to the root, one file a kind; `version` is the release that they are stamped with. */
export function renderCrdFiles(version: string): ReadonlyMap<string, string> {
  const options = { lineWidth: LINE_WIDTH, aliasDuplicateObjects: false };
  const kinds = Object.keys(objectDefinitions) as ObjectKind[];
  return new Map(
    kinds.map((kind) => [
      `crds/${crdName(kind)}.yaml`,
      HEADER + stringify(customResourceDefinition(kind, version), options),
    ]),
  );
}

export interface CrdDrift {
  /** Missing, or other than the schemas say. */
  readonly outdated: readonly string[];
  /** Of no kind that there is. */
  readonly unknown: readonly string[];
}

/** Where the files below `root` differ from `wanted`, as paths relative to `root`. */
export function findCrdDrift(root: string, wanted: ReadonlyMap<string, string>): CrdDrift {
  const outdated = [...wanted].filter(([path, text]) => readIfThere(join(root, path)) !== text).map(([path]) => path);
  const unknown = globSync(MANIFESTS, { cwd: root }).filter((path) => !wanted.has(path));
  return { outdated, unknown: unknown.sort() };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
