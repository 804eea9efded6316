// A registration as it came in becomes one that the registry takes, or all that is wrong with it.
import { parseDurationMs } from "../policy/duration.ts";
import { err, ok, type Result } from "../result.ts";
import type { ComponentKind } from "./component.ts";
import { endpointProblem } from "./endpoint.ts";
import type { NewRegistration } from "./event.ts";
import { capabilitiesFromMetadata } from "./event-types.ts";
import { type FieldProblem, FieldProblems, memberPath } from "./field-problem.ts";
import {
  DEFAULT_TTL_MS,
  MAX_ENDPOINT_CHARS,
  MAX_ID_CHARS,
  MAX_INSTANCE_CHARS,
  MAX_METADATA_BYTES,
  MAX_METADATA_ENTRIES,
  MAX_METADATA_KEY_CHARS,
  MAX_METADATA_VALUE_BYTES,
  MAX_TTL_MS,
  MIN_TTL_MS,
} from "./limits.ts";

/** Metadata by which a client of the older protocols says which process it is. */
export const INSTANCE_KEY = "instance_id";
/** Metadata by which a client asks for another time to live than the usual one: a duration such as `45s`. */
export const TTL_KEY = "heartbeat_ttl";

export interface RegistrationRequest {
  readonly kind: ComponentKind;
  /** Empty = one is made up. */
  readonly id: string;
  readonly endpoint: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Undefined = as metadata says, or made up. */
  readonly instance?: string | undefined;
  readonly ttlMs?: number | undefined;
}

export interface RegistrationDefaults {
  /** Random text of at least 16 characters that an id may hold: becomes the id and the instance of whoever has none. */
  readonly chance: string;
  readonly ttlMs?: number;
}

const ID = /^[A-Za-z0-9._:-]+$/;
const METADATA_KEY = /^[A-Za-z0-9._/:-]+$/;
const ID_RULE = `must hold 1 to ${MAX_ID_CHARS} of letters, digits and . _ : -`;

export function validateRegistration(
  request: RegistrationRequest,
  defaults: RegistrationDefaults,
): Result<NewRegistration, readonly FieldProblem[]> {
  const problems = new FieldProblems();
  const { kind, endpoint } = request;
  const id = request.id === "" ? `${kind}-${defaults.chance}` : request.id;
  checkId(id, problems);
  checkEndpoint(kind, endpoint, problems);
  const metadata = readMetadata(request.metadata, problems);
  const instance = request.instance || metadata.get(INSTANCE_KEY) || defaults.chance;
  if (instance.length > MAX_INSTANCE_CHARS || !ID.test(instance))
    problems.add(request.instance ? "instance" : memberPath("metadata", INSTANCE_KEY), "instance", ID_RULE, instance);
  const ttlMs = readTtl(request, metadata, defaults, problems);
  const capabilities = capabilitiesFromMetadata(metadata, problems);
  return problems.list.length > 0
    ? err(problems.list)
    : ok({ kind, id, instance, endpoint, metadata, ttlMs, capabilities });
}

/** For requests that only name a component. */
export function validateId(id: string): readonly FieldProblem[] {
  const problems = new FieldProblems();
  checkId(id, problems);
  return problems.list;
}

function checkId(id: string, problems: FieldProblems): void {
  if (id.length > MAX_ID_CHARS || !ID.test(id)) problems.add("id", "id", ID_RULE, id);
}

function checkEndpoint(kind: ComponentKind, endpoint: string, problems: FieldProblems): void {
  if (endpoint.length > MAX_ENDPOINT_CHARS) {
    problems.add(
      "endpoint",
      "too_long",
      `has ${endpoint.length} characters; at most ${MAX_ENDPOINT_CHARS} are allowed`,
    );
  } else if (endpoint !== "") {
    const problem = endpointProblem(endpoint);
    if (problem !== undefined) problems.add("endpoint", problem.rule, problem.message, endpoint);
  } else if (kind === "processor") problems.add("endpoint", "required", "must say where the processor is called");
}

function readMetadata(given: Readonly<Record<string, string>>, problems: FieldProblems): ReadonlyMap<string, string> {
  const entries = Object.entries(given);
  if (entries.length > MAX_METADATA_ENTRIES) {
    problems.add("metadata", "too_many", `has ${entries.length} entries; at most ${MAX_METADATA_ENTRIES} are allowed`);
    return new Map();
  }
  let total = 0;
  for (const [key, value] of entries) {
    const path = memberPath("metadata", key);
    const bytes = utf8Length(value);
    total += key.length + bytes;
    if (key.length > MAX_METADATA_KEY_CHARS || !METADATA_KEY.test(key))
      problems.add(
        path,
        "metadata_key",
        `must hold 1 to ${MAX_METADATA_KEY_CHARS} of letters, digits and . _ / : -`,
        key,
      );
    if (bytes > MAX_METADATA_VALUE_BYTES)
      problems.add(path, "too_long", `has ${bytes} bytes; at most ${MAX_METADATA_VALUE_BYTES} are allowed`, value);
  }
  if (total > MAX_METADATA_BYTES)
    problems.add("metadata", "too_long", `has ${total} bytes in all; at most ${MAX_METADATA_BYTES} are allowed`);
  return new Map(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

function readTtl(
  request: RegistrationRequest,
  metadata: ReadonlyMap<string, string>,
  defaults: RegistrationDefaults,
  problems: FieldProblems,
): number {
  const written = metadata.get(TTL_KEY);
  const ttlMs =
    request.ttlMs ?? (written === undefined ? (defaults.ttlMs ?? DEFAULT_TTL_MS) : parseDurationMs(written));
  const field = request.ttlMs === undefined ? memberPath("metadata", TTL_KEY) : "ttl";
  if (ttlMs !== undefined && Number.isFinite(ttlMs) && ttlMs >= MIN_TTL_MS && ttlMs <= MAX_TTL_MS) return ttlMs;
  problems.add(field, "ttl", `must be a duration from ${MIN_TTL_MS} to ${MAX_TTL_MS} ms`, written ?? request.ttlMs);
  return DEFAULT_TTL_MS;
}

/** Bytes of a text in UTF-8; a surrogate without its other half counts as the three that replace it. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_0000 ? 3 : 4;
  }
  return bytes;
}
