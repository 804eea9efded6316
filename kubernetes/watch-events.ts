// The lines of a watch, read into what they mean.
import { type ApiFailure, failureOf } from "./failure.ts";
import { isNewerVersion, type KubernetesObject } from "./object.ts";

export type WatchEvent =
  | { readonly type: "Put" | "Deleted"; readonly object: KubernetesObject; readonly resourceVersion: string }
  | { readonly type: "Bookmark"; readonly resourceVersion: string }
  | { readonly type: "Failed"; readonly failure: ApiFailure };

const INTERNAL_ERROR = 500;

/**
 * Reads one line. `after` is the version that the watch has reached: an event of an earlier one tells of another history
 * (etcd was restored), so our version is as good as expired. A line that is no event ends the watch as a cut connection does.
 */
export function readWatchEvent(line: string, after: string): WatchEvent {
  const { type, object } = parseLine(line);
  if (type === "ERROR") {
    const code = (object as { readonly code?: unknown } | undefined)?.code;
    return { type: "Failed", failure: failureOf(typeof code === "number" ? code : INTERNAL_ERROR, object) };
  }
  const resourceVersion = object?.metadata?.resourceVersion;
  if (resourceVersion === undefined) return unreadable("an event without a version");
  if (isNewerVersion(after, resourceVersion)) {
    const message = `the watch went back from version ${after} to ${resourceVersion}`;
    return { type: "Failed", failure: { kind: "Expired", message } };
  }
  if (type === "BOOKMARK") return { type: "Bookmark", resourceVersion };
  if (typeof object?.metadata.name !== "string") return unreadable("an event without a name");
  if (type === "ADDED" || type === "MODIFIED") return { type: "Put", object, resourceVersion };
  if (type === "DELETED") return { type: "Deleted", object, resourceVersion };
  return unreadable(`an event of the type ${String(type)}`);
}

function parseLine(line: string): { readonly type?: unknown; readonly object?: KubernetesObject } {
  try {
    const event: unknown = JSON.parse(line);
    return typeof event === "object" && event !== null ? event : {};
  } catch {
    return {};
  }
}

function unreadable(what: string): WatchEvent {
  return { type: "Failed", failure: { kind: "Unreachable", message: `the watch sent ${what}` } };
}
