// Rules for the schema version: where it is stated, which ones are served, and that no two statements differ.
import { err, ok, type Result } from "../result.ts";
import { quote, type Refusal, refuse } from "./reasons.ts";

const INTEGER = /^\d{1,9}$/;
/** The version token at its fixed place in the intake subjects; tokens of a sender come later and are never read as one. */
const SUBJECT_VERSION = /^beamline\.(?:router\.v(\d{1,9})\.(?:decide|submit)(?:\.|$)|pipeline\.v(\d{1,9})\.in\.)/;

/** The three places in which a message can state its version; the first that does counts. */
export interface StatedVersions {
  /** Header `version`. */
  readonly header: string | undefined;
  /** Field `version` of the body. */
  readonly body: string | undefined;
  readonly subject: string;
}

/** The version in the subject's own pattern, or undefined when the subject is of no such pattern. */
export function versionOfSubject(subject: string): string | undefined {
  const [, router, pipeline] = SUBJECT_VERSION.exec(subject) ?? [];
  return router ?? pipeline;
}

/**
 * The version that a message is written in, as an integer. Newer than every version served is `future_version`; served by none
 * is `unsupported_version`; two statements that differ are `version_mismatch`. Nothing is half processed (contracts.md "Intake").
 */
export function validateVersion(stated: StatedVersions, supported: readonly number[]): Result<number, Refusal> {
  const places = [
    ["header", stated.header],
    ["body", stated.body],
    ["subject", versionOfSubject(stated.subject)],
  ] as const;
  const given = places.filter((place): place is readonly [(typeof place)[0], string] => place[1] !== undefined);
  const first = given[0];
  if (first === undefined) return err(refuse("missing_schema_version", "version"));
  const known = `served: ${supported.join(", ")}`;
  if (!INTEGER.test(first[1])) return err(refuse("unsupported_version", "version", `${quote(first[1])}, ${known}`));
  const version = Number(first[1]);
  if (version > Math.max(...supported)) return err(refuse("future_version", "version", `${version}, ${known}`));
  if (!supported.includes(version)) return err(refuse("unsupported_version", "version", `${version}, ${known}`));
  if (given.every(([, text]) => INTEGER.test(text) && Number(text) === version)) return ok(version);
  const all = given.map(([place, text]) => `${place} ${quote(text)}`).join(", ");
  return err(refuse("version_mismatch", "version", all));
}
