// Typed readings of flags. Each names flag, value, rule and way out when the value does not fit.
import { parseDurationMs } from "../core/policy/duration.ts";
import { BeamlineError } from "../runtime/errors.ts";
import type { OptionValues } from "./command.ts";

/** Most values that one repeatable flag may have. */
const MAX_REPEATS = 100;

export function textOption(values: OptionValues, name: string): string | undefined {
  const value = values[name];
  return typeof value === "string" ? value : undefined;
}

/** Throws USAGE_INVALID when the flag is absent or empty. */
export function requiredOption(values: OptionValues, name: string, example: string): string {
  const value = textOption(values, name);
  if (value !== undefined && value !== "") return value;
  throw new BeamlineError("USAGE_INVALID", `--${name} is required`, { hint: `For example: --${name} ${example}` });
}

export function flagOption(values: OptionValues, name: string): boolean {
  return values[name] === true;
}

/** A whole number within [min, max]. */
export function integerOption(
  values: OptionValues,
  name: string,
  bounds: { readonly min: number; readonly max: number; readonly fallback: number },
): number {
  const text = textOption(values, name);
  if (text === undefined) return bounds.fallback;
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= bounds.min && value <= bounds.max) return value;
  throw new BeamlineError(
    "USAGE_INVALID",
    `--${name} is "${text}": it must be a whole number from ${bounds.min} to ${bounds.max}`,
  );
}

export function choiceOption<T extends string>(
  values: OptionValues,
  name: string,
  choices: readonly T[],
  fallback: T,
): T {
  const text = textOption(values, name);
  if (text === undefined) return fallback;
  const choice = choices.find((candidate) => candidate === text);
  if (choice !== undefined) return choice;
  throw new BeamlineError("USAGE_INVALID", `--${name} is "${text}": it must be one of ${choices.join(", ")}`);
}

/** A length of time such as `500ms`, `2s`, `1m30s` or `1h`, in milliseconds. */
export function durationOption(values: OptionValues, name: string, fallbackMs: number): number {
  const text = textOption(values, name);
  if (text === undefined) return fallbackMs;
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  throw new BeamlineError(
    "USAGE_INVALID",
    `--${name} is "${text}": it must be a length of time such as 500ms, 2s or 1m30s`,
  );
}

/** The values of a flag that may be repeated. */
export function listOption(values: OptionValues, name: string): readonly string[] {
  const given = values[name];
  const texts = Array.isArray(given) ? given.map(String) : [];
  if (texts.length > MAX_REPEATS) {
    throw new BeamlineError(
      "USAGE_INVALID",
      `--${name} is given ${texts.length} times: at most ${MAX_REPEATS} are taken`,
    );
  }
  return texts;
}

/** Tokens without wildcards: a wildcard would open more than one subject. */
const PLAIN_SUBJECT = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/;

/** Subjects without wildcards. */
export function subjectsOption(values: OptionValues, name: string): readonly string[] {
  return listOption(values, name).map((subject) => {
    if (PLAIN_SUBJECT.test(subject)) return subject;
    const rule = "it must be tokens of letters, digits, _ and -, joined by dots";
    throw new BeamlineError("USAGE_INVALID", `--${name} is "${subject}": ${rule}`);
  });
}

/** Repeated `key=value` flags as a record; the value may hold further equals signs. */
export function pairsOption(values: OptionValues, name: string): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const text of listOption(values, name)) {
    const at = text.indexOf("=");
    if (at < 1) throw new BeamlineError("USAGE_INVALID", `--${name} is "${text}": it must be key=value`);
    pairs.push([text.slice(0, at), text.slice(at + 1)]);
  }
  return Object.fromEntries(pairs);
}
