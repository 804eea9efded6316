// Which nats-server versions Beamline runs on.
import { err, ok, type Result } from "../../core/result.ts";

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** 2.12 brought per-message TTL and message schedules, which assignments and timers are built on. */
export const MINIMUM_NATS_VERSION: Version = { major: 2, minor: 12, patch: 0 };
/** The release that the test suite runs against, and that is obtained when none is found. */
export const TESTED_NATS_VERSION: Version = { major: 2, minor: 15, patch: 2 };

const VERSION = /^v?(\d{1,6})\.(\d{1,6})\.(\d{1,6})(?:[-+].*)?$/;

/** Reads `2.15.2`, `v2.15.2` and pre-releases such as `2.12.0-RC.1`, which count as the release they precede. */
export function parseVersion(text: string): Result<Version, string> {
  const match = VERSION.exec(text.trim());
  if (match === null) return err(`"${text.slice(0, 64)}" is not a version of the form MAJOR.MINOR.PATCH`);
  return ok({ major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) });
}

/** Negative when `left` is older, 0 when equal, positive when newer. */
export function compareVersions(left: Version, right: Version): number {
  return left.major - right.major || left.minor - right.minor || left.patch - right.patch;
}

export function formatVersion(version: Version): string {
  return `${version.major}.${version.minor}.${version.patch}`;
}

/** Whether a server that calls itself `text` is new enough. A name that is no version is not trusted. */
export function isSupportedVersion(text: string): boolean {
  const version = parseVersion(text);
  return version.ok && compareVersions(version.value, MINIMUM_NATS_VERSION) >= 0;
}
