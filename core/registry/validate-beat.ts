// A heartbeat as it came in becomes one that the registry takes, or all that is wrong with it.
import { err, ok, type Result } from "../result.ts";
import type { ComponentKind } from "./component.ts";
import type { Beat } from "./event.ts";
import { type FieldProblem, FieldProblems, memberPath } from "./field-problem.ts";
import { readHealthStatus } from "./health-status.ts";
import { MAX_METRIC_KEY_CHARS, MAX_METRICS, MAX_STATUS_CHARS } from "./limits.ts";
import { validateId } from "./validate-registration.ts";

export interface BeatRequest {
  readonly kind: ComponentKind;
  readonly id: string;
  readonly instance?: string | undefined;
  readonly status: string;
  readonly metrics: Readonly<Record<string, number>>;
  readonly configurationRevision?: number | undefined;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: what must not reach a terminal
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const NO_METRICS: ReadonlyMap<string, number> = new Map();

export function validateBeat(request: BeatRequest): Result<Beat, readonly FieldProblem[]> {
  const problems = new FieldProblems();
  problems.list.push(...validateId(request.id));
  const { status } = request;
  if (status.length > MAX_STATUS_CHARS || CONTROL.test(status))
    problems.add("status", "status", `must hold at most ${MAX_STATUS_CHARS} characters that can be shown`, status);
  const metrics = readMetrics(request.metrics, problems);
  const { kind, id, instance, configurationRevision } = request;
  if (
    configurationRevision !== undefined &&
    !(Number.isSafeInteger(configurationRevision) && configurationRevision >= 0)
  )
    problems.add("configuration_revision", "revision", "must be a whole number", configurationRevision);
  if (problems.list.length > 0) return err(problems.list);
  return ok({
    kind,
    id,
    report: { status: readHealthStatus(status), text: status, metrics },
    ...(instance === undefined || instance === "" ? {} : { instance }),
    ...(configurationRevision === undefined ? {} : { configurationRevision }),
  });
}

function readMetrics(given: Readonly<Record<string, number>>, problems: FieldProblems): ReadonlyMap<string, number> {
  const entries = Object.entries(given);
  if (entries.length === 0) return NO_METRICS;
  if (entries.length > MAX_METRICS) {
    problems.add("metrics", "too_many", `has ${entries.length} metrics; at most ${MAX_METRICS} are allowed`);
    return NO_METRICS;
  }
  for (const [key, value] of entries) {
    const path = memberPath("metrics", key);
    if (key === "" || key.length > MAX_METRIC_KEY_CHARS || CONTROL.test(key))
      problems.add(path, "metric_key", `must hold 1 to ${MAX_METRIC_KEY_CHARS} characters that can be shown`, key);
    if (!Number.isFinite(value)) problems.add(path, "finite", "must be a finite number", String(value));
  }
  return new Map(entries);
}
