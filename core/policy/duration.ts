// Durations as users write them, such as `1m30s`.
import { duration, isFormat } from "./schema-formats.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds of a text of the format `duration` (`500ms`, `2s`, `1m30s`); undefined for any other text. */
export function parseDurationMs(text: string): number | undefined {
  if (!isFormat(duration, text)) return undefined;
  let total = 0;
  for (const [, count, unit] of text.matchAll(/([0-9]+)(ms|s|m|h)/g))
    total += Number(count) * (UNIT_MS[unit ?? ""] ?? 0);
  return total;
}
