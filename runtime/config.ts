// The configuration of a process from its environment: typed by its definition, every problem said at once.
import { err, ok, type Result } from "../core/result.ts";
import { parseSettingValue } from "./config-values.ts";

interface SettingBase<Kind extends string, Value> {
  readonly kind: Kind;
  /** Name of the environment variable; begins with BEAMLINE_ but for names that other tools have fixed. */
  readonly env: string;
  readonly description: string;
  /** Without a default a value is required, unless `optional`. */
  readonly default?: Value;
  readonly optional?: true;
  /** Printed as [redacted]. */
  readonly secret?: true;
}

interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

export type Setting =
  | SettingBase<"string", string>
  | SettingBase<"url", string>
  /** `host:port`, the host may be empty or in brackets. */
  | SettingBase<"address", string>
  | (SettingBase<"integer", number> & Bounds)
  | (SettingBase<"number", number> & Bounds)
  /** `250ms`, `10s`, `15m`, `1h`; value and bounds in milliseconds. */
  | (SettingBase<"duration", number> & Bounds)
  /** `512`, `64KiB`, `1MiB`, `2GiB`; value and bounds in bytes. */
  | (SettingBase<"bytes", number> & Bounds)
  | SettingBase<"boolean", boolean>
  /** Comma-separated. */
  | SettingBase<"list", readonly string[]>
  | (SettingBase<"choice", string> & { readonly values: readonly string[] });

export type ConfigDefinition = Readonly<Record<string, Setting>>;

type ValueOf<S extends Setting> = S["kind"] extends "integer" | "number" | "duration" | "bytes"
  ? number
  : S["kind"] extends "boolean"
    ? boolean
    : S["kind"] extends "list"
      ? readonly string[]
      : S extends { readonly values: readonly (infer Choice)[] }
        ? Choice
        : string;

/** The values of a definition, by its keys. */
export type Config<D extends ConfigDefinition> = {
  readonly [Key in keyof D]: D[Key] extends { readonly optional: true } ? ValueOf<D[Key]> | undefined : ValueOf<D[Key]>;
};

/** One thing that is wrong in the environment. */
export interface ConfigProblem {
  /** Name of the variable. */
  readonly env: string;
  /** A sentence with the value, the rule and, where there is one, the way out. */
  readonly message: string;
}

/** The environment as Node gives it. */
export type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = "BEAMLINE_";
/** Kubernetes puts the addresses of Services named beamline-* into every pod: those names are not settings. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_[A-Z0-9_]+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?$/;
/** A name with more edits than this is not what was meant. */
const MAX_EDITS = 4;
const MAX_SHOWN = 120;

/** Fixes the types of a definition's literals. */
export function defineConfig<const D extends ConfigDefinition>(definition: D): D {
  return definition;
}

/**
 * Reads a configuration. All problems are returned at once: missing, malformed and out-of-range values, and BEAMLINE_ names
 * that nothing knows. `alsoKnown` names the variables that belong to another part of the same process.
 */
export function parseConfig<D extends ConfigDefinition>(
  definition: D,
  environment: Environment,
  alsoKnown: readonly string[] = [],
): Result<Config<D>, ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(definition)) {
    const parsed = readSetting(setting, environment[setting.env]);
    if (parsed.ok) values[key] = parsed.value;
    else problems.push({ env: setting.env, message: parsed.error });
  }
  const known = [...Object.values(definition).map((setting) => setting.env), ...alsoKnown];
  problems.push(...findUnknown(environment, known));
  // The loop above has set each key of the definition to a value of its kind.
  return problems.length > 0 ? err(problems) : ok(values as Config<D>);
}

/** The values for a log line or a `--print-config`: secrets are not shown. */
export function redactConfig<D extends ConfigDefinition>(definition: D, config: Config<D>): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(definition)) {
    const value = config[key];
    if (value === undefined) continue;
    if (setting.secret) shown[key] = "[redacted]";
    else shown[key] = setting.kind === "url" ? withoutPassword(String(value)) : value;
  }
  return shown;
}

/** All problems as one text, a line each. */
export function formatConfigProblems(problems: readonly ConfigProblem[]): string {
  return problems.map((problem) => `${problem.env}: ${problem.message}`).join("\n");
}

function readSetting(setting: Setting, text: string | undefined): Result<unknown, string> {
  // An empty variable is how a shell or a manifest writes "not set".
  if (text === undefined || text === "") {
    if (setting.default !== undefined || setting.optional) return ok(setting.default);
    return err(`is required: ${setting.description}`);
  }
  const parsed = parseSettingValue(setting, text.trim());
  if (parsed.ok) return parsed;
  const shown = setting.secret ? "the value" : JSON.stringify(text.slice(0, MAX_SHOWN));
  return err(`${shown} ${parsed.error}`);
}

function findUnknown(environment: Environment, known: readonly string[]): ConfigProblem[] {
  const names = new Set(known);
  return Object.keys(environment)
    .filter((name) => name.startsWith(PREFIX) && !names.has(name) && !SERVICE_LINK.test(name))
    .sort()
    .map((env) => {
      const near = nearest(env, known);
      return { env, message: `is not a setting of this process${near === undefined ? "" : `; did you mean ${near}?`}` };
    });
}

function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestEdits = MAX_EDITS + 1;
  for (const candidate of known) {
    const edits = countEdits(name, candidate);
    if (edits < bestEdits) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** Levenshtein distance. */
function countEdits(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const change = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(change, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

function withoutPassword(url: string): string {
  return url.replaceAll(/\/\/[^/,]*@/g, "//[redacted]@");
}
