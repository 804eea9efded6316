// One environment variable's text -> its value, by the kind of the setting.
import { err, ok, type Result } from "../core/result.ts";
import type { Setting } from "./config.ts";

const INTEGER = /^[+-]?\d{1,15}$/;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/;
const BYTES = /^(\d{1,15})(B|KiB|MiB|GiB)?$/;
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^:\s]*):(\d{1,5})$/;

const MS_PER_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const BYTES_PER_UNIT: Readonly<Record<string, number>> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };
const MAX_PORT = 65_535;
const MAX_LIST_ITEMS = 256;

const TRUE = new Set(["true", "1", "yes", "on"]);
const FALSE = new Set(["false", "0", "no", "off"]);

/** The value, or what is wrong with the text as the rest of a sentence that begins with it. */
export function parseSettingValue(setting: Setting, text: string): Result<unknown, string> {
  switch (setting.kind) {
    case "string":
      return ok(text);
    case "url":
      return parseUrls(text);
    case "address":
      return parseAddress(text);
    case "integer":
      return INTEGER.test(text) ? checkBounds(setting, Number(text)) : err("is not a whole number");
    case "number":
      return DECIMAL.test(text) ? checkBounds(setting, Number(text)) : err("is not a number");
    case "duration":
      return parseUnits(setting, DURATION.exec(text), MS_PER_UNIT, "is not a duration such as 250ms, 10s, 15m or 1h");
    case "bytes":
      return parseUnits(setting, BYTES.exec(text), BYTES_PER_UNIT, "is not a size such as 512, 64KiB or 1MiB");
    case "boolean":
      return parseBoolean(text);
    case "list":
      return parseList(text);
    case "choice":
      return setting.values.includes(text) ? ok(text) : err(`is not one of ${setting.values.join(", ")}`);
  }
}

function parseBoolean(text: string): Result<boolean, string> {
  const word = text.toLowerCase();
  if (TRUE.has(word)) return ok(true);
  return FALSE.has(word) ? ok(false) : err("is not true or false");
}

function parseList(text: string): Result<readonly string[], string> {
  const items = text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
  return items.length > MAX_LIST_ITEMS ? err(`has more than ${MAX_LIST_ITEMS} items`) : ok(items);
}

/** One URL, or several of one cluster with commas between them, as NATS clients take them. */
function parseUrls(text: string): Result<string, string> {
  for (const part of text.split(",")) {
    const url = part.trim();
    if (!url.includes("://") || !URL.canParse(url)) return err("is not a URL such as nats://127.0.0.1:4222");
  }
  return ok(text);
}

function parseAddress(text: string): Result<string, string> {
  const match = ADDRESS.exec(text);
  return match !== null && Number(match[2]) <= MAX_PORT ? ok(text) : err("is not an address such as 127.0.0.1:8080");
}

function parseUnits(
  setting: Extract<Setting, { kind: "duration" | "bytes" }>,
  match: RegExpExecArray | null,
  units: Readonly<Record<string, number>>,
  rule: string,
): Result<number, string> {
  if (match === null) return err(rule);
  const value = Number(match[1]) * (units[match[2] ?? "B"] ?? 1);
  return checkBounds(setting, Math.round(value));
}

function checkBounds(
  setting: Extract<Setting, { kind: "integer" | "number" | "duration" | "bytes" }>,
  value: number,
): Result<number, string> {
  const unit = setting.kind === "duration" ? " ms" : setting.kind === "bytes" ? " bytes" : "";
  if (setting.min !== undefined && value < setting.min) return err(`is less than ${setting.min}${unit}`);
  if (setting.max !== undefined && value > setting.max) return err(`is more than ${setting.max}${unit}`);
  return ok(value);
}
