// What to do with a CRD that is installed: leave it, or make it the one of this release; never an older one of a newer.
import type { ObjectKind } from "../policy/spec.ts";
import {
  type CustomResourceDefinition,
  customResourceDefinition,
  VERSION_ANNOTATION,
} from "./custom-resource-definition.ts";
import { compareSemanticVersions, parseSemanticVersion, type SemanticVersion } from "./semantic-version.ts";

/** The parts of an installed CRD that are looked at; all of it was written by somebody else. */
export interface InstalledCrd {
  readonly metadata: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: unknown;
  readonly status?: { readonly conditions?: unknown };
}

export type CrdPlan =
  | { readonly action: "Leave"; readonly outcome: "UpToDate" | "NewerInstalled" | "Missing"; readonly detail: string }
  | { readonly action: "Apply"; readonly wanted: CustomResourceDefinition; readonly detail: string };

/** `version` is this release. */
export function planCrdUpgrade(kind: ObjectKind, installed: InstalledCrd, version: string): CrdPlan {
  if (installed.metadata.deletionTimestamp !== undefined) {
    return leave("Missing", "being deleted, with all objects of the kind; apply the release's crds/ when it is gone");
  }
  const wanted = customResourceDefinition(kind, version);
  const stamp = installed.metadata.annotations?.[VERSION_ANNOTATION];
  const order = compareStamp(stamp, version);
  if (order > 0) return leave("NewerInstalled", `of release ${stamp}, left as it is: a CRD is never made older`);
  if (order < 0) return { action: "Apply", wanted, detail: `from ${describeStamp(stamp)} to release ${version}` };
  if (isAsWanted(installed, wanted)) return leave("UpToDate", `of release ${version}`);
  return { action: "Apply", wanted, detail: `of release ${version}, but changed by somebody since` };
}

/** Whether the API server serves the kind by now. */
export function isEstablished(installed: InstalledCrd): boolean {
  const conditions = installed.status?.conditions;
  if (!Array.isArray(conditions)) return false;
  return conditions.some((condition) => condition?.type === "Established" && condition?.status === "True");
}

function leave(outcome: "UpToDate" | "NewerInstalled" | "Missing", detail: string): CrdPlan {
  return { action: "Leave", outcome, detail };
}

/** A CRD that does not say which release it is from was made by hand or before there were stamps: older. */
function compareStamp(stamp: string | undefined, version: string): number {
  const ours = requireVersion(version);
  const theirs = stamp === undefined ? undefined : parseSemanticVersion(stamp);
  return theirs === undefined ? -1 : compareSemanticVersions(theirs, ours);
}

function requireVersion(version: string): SemanticVersion {
  const parsed = parseSemanticVersion(version);
  if (parsed === undefined) throw new Error(`the release's own version ${version} is no semantic version`);
  return parsed;
}

function describeStamp(stamp: string | undefined): string {
  if (stamp === undefined) return "one that names no release";
  return parseSemanticVersion(stamp) === undefined ? `one that names no release but "${stamp.slice(0, 64)}"` : stamp;
}

/** What we do not say (the server's defaults, labels of others) may be anything; the versions with their schemas may not. */
function isAsWanted(installed: InstalledCrd, wanted: CustomResourceDefinition): boolean {
  const { versions, ...rest } = wanted.spec;
  const { annotations, labels } = wanted.metadata;
  const spec = installed.spec as { readonly versions?: unknown } | null | undefined;
  return (
    holds(installed.metadata, { annotations, labels }, false) &&
    holds(spec, rest, false) &&
    holds(spec?.versions, versions, true)
  );
}

/** Whether `found` has every field of `wanted` with the same value, and, when `exact`, no other field. Goes as deep as ours. */
function holds(found: unknown, wanted: unknown, exact: boolean): boolean {
  if (typeof wanted !== "object" || wanted === null) return found === wanted;
  if (typeof found !== "object" || found === null || Array.isArray(found) !== Array.isArray(wanted)) return false;
  const ours = Object.entries(wanted).filter(([, value]) => value !== undefined);
  const same = ours.every(
    ([key, value]) => Object.hasOwn(found, key) && holds((found as Record<string, unknown>)[key], value, exact),
  );
  return same && ((!exact && !Array.isArray(wanted)) || Object.keys(found).length === ours.length);
}
