// The file of API keys: one line a key with its name, its role and the digest of its text, which is nowhere kept.
import { err, ok, type Result } from "../result.ts";

export const API_KEY_ROLES = ["viewer", "operator", "admin", "component"] as const;
export type ApiKeyRole = (typeof API_KEY_ROLES)[number];

export interface ApiKey {
  readonly name: string;
  readonly role: ApiKeyRole;
  /** SHA-256 of the key's text, 64 hexadecimal digits. */
  readonly digest: string;
}

/** What the text of every key begins with, so that tools which look for leaked secrets find it. */
export const API_KEY_PREFIX = "beamline_";
export const MAX_API_KEYS = 1_000;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const DIGEST = /^sha256:([0-9a-f]{64})$/;
const HEADER = "# API keys of a Beamline control plane: name, role, digest. `beamline api-key` writes this file.";

/** Why a name cannot be that of a key; undefined when it can. */
export function apiKeyNameProblem(name: string): string | undefined {
  return NAME.test(name) ? undefined : "must be 1 to 63 letters, digits and . _ - and begin with a letter or digit";
}

export function isApiKeyRole(text: string): text is ApiKeyRole {
  return (API_KEY_ROLES as readonly string[]).includes(text);
}

/** All keys of a file, or what is wrong in its first wrong line. Names and digests are unique. */
export function parseApiKeys(text: string): Result<ApiKey[], string> {
  const keys: ApiKey[] = [];
  const taken = new Set<string>();
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim().split(/\s+/);
    if (words[0] === "" || words[0]?.startsWith("#")) continue;
    const key = parseLine(words);
    if (!key.ok) return err(`line ${index + 1} ${key.error}`);
    const { name, digest } = key.value;
    if (taken.has(name) || taken.has(digest)) return err(`line ${index + 1} has the name or digest of a line before`);
    if (keys.length === MAX_API_KEYS) return err(`has more than ${MAX_API_KEYS} keys`);
    taken.add(name).add(digest);
    keys.push(key.value);
  }
  return ok(keys);
}

/** What is wrong is said without the words of the line: somebody may have put the key itself there. */
function parseLine([name = "", role = "", digest = "", ...more]: readonly string[]): Result<ApiKey, string> {
  const nameProblem = apiKeyNameProblem(name);
  if (nameProblem !== undefined) return err(`has a name that ${nameProblem}`);
  if (!isApiKeyRole(role)) return err(`("${name}") has no role after the name: ${API_KEY_ROLES.join(", ")}`);
  const hexadecimal = DIGEST.exec(digest)?.[1];
  if (hexadecimal === undefined || more.length > 0)
    return err(`("${name}") must end with sha256: and 64 hexadecimal digits in lower case`);
  return ok({ name, role, digest: hexadecimal });
}

export function formatApiKeys(keys: readonly ApiKey[]): string {
  return [HEADER, ...keys.map(({ name, role, digest }) => `${name} ${role} sha256:${digest}`), ""].join("\n");
}
