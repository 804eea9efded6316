// Semantic versions and which of two is newer, pre-releases included (semver.org, version 2.0.0, section 11).

export interface SemanticVersion {
  /** Major, minor, patch. */
  readonly release: readonly string[];
  /** Empty for a release, which is newer than its pre-releases. */
  readonly preRelease: readonly string[];
}

const NUMBER = "(?:0|[1-9]\\d*)";
const IDENTIFIER = `(?:${NUMBER}|\\d*[A-Za-z-][0-9A-Za-z-]*)`;
const VERSION = new RegExp(
  `^(${NUMBER})\\.(${NUMBER})\\.(${NUMBER})(?:-(${IDENTIFIER}(?:\\.${IDENTIFIER})*))?(?:\\+[0-9A-Za-z.-]+)?$`,
);
const NUMERIC = /^\d+$/;
const MAX_LENGTH = 256;

/** Undefined for a text that is none. Build metadata is read and says nothing. */
export function parseSemanticVersion(text: string): SemanticVersion | undefined {
  const match = text.length > MAX_LENGTH ? null : VERSION.exec(text);
  if (match === null) return undefined;
  const [, major = "", minor = "", patch = "", preRelease] = match;
  return { release: [major, minor, patch], preRelease: preRelease?.split(".") ?? [] };
}

/** Negative when `left` is older, 0 when neither is, positive when it is newer. */
export function compareSemanticVersions(left: SemanticVersion, right: SemanticVersion): number {
  const byRelease = compareLists(left.release, right.release);
  if (byRelease !== 0) return byRelease;
  if (left.preRelease.length === 0 || right.preRelease.length === 0) {
    return right.preRelease.length - left.preRelease.length;
  }
  return compareLists(left.preRelease, right.preRelease);
}

/** Of two lists of which one begins with the other, the longer is newer. */
function compareLists(left: readonly string[], right: readonly string[]): number {
  for (const [index, identifier] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    const order = compareIdentifiers(identifier, other);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

/** Numbers by value and before words; without leading zeros the longer number is the larger one, however large. */
function compareIdentifiers(left: string, right: string): number {
  const numeric = NUMERIC.test(left);
  if (numeric !== NUMERIC.test(right)) return numeric ? -1 : 1;
  if (numeric && left.length !== right.length) return left.length - right.length;
  return left < right ? -1 : left > right ? 1 : 0;
}
