// Tables of the settings that processes read from their environment.
import type { ConfigDefinition, Setting } from "../../runtime/config.ts";
import { type Cell, code, codes, count, duration, table } from "./markdown.ts";

const BINARY_UNITS: readonly (readonly [bytes: number, name: string])[] = [
  [1024 ** 3, "GiB"],
  [1024 ** 2, "MiB"],
  [1024, "KiB"],
];

function size(bytes: number): Cell {
  for (const [unit, name] of BINARY_UNITS) if (bytes >= unit && bytes % unit === 0) return `${bytes / unit} ${name}`;
  return `${bytes} B`;
}

function showNumber(setting: Setting, value: number): Cell {
  if (setting.kind === "duration") return duration(value);
  return setting.kind === "bytes" ? size(value) : count(value);
}

function describeKind(setting: Setting): Cell {
  if (setting.kind === "choice") return codes(setting.values);
  if (!("min" in setting) && !("max" in setting)) return setting.kind;
  const { min, max } = setting;
  const from = min === undefined ? "" : ` from ${showNumber(setting, min)}`;
  const to = max === undefined ? "" : ` to ${showNumber(setting, max)}`;
  return `${setting.kind}${from}${to}`;
}

function describeDefault(setting: Setting): Cell {
  const value = setting.default;
  if (value === undefined) return setting.optional === true ? "" : "required";
  if (typeof value === "number")
    return setting.kind === "integer" || setting.kind === "number" ? code(String(value)) : showNumber(setting, value);
  if (typeof value === "object") return value.length === 0 ? "" : codes(value);
  return code(String(value));
}

/** One row a setting, in the order of the definition. */
export function settingTable(definition: ConfigDefinition): string {
  return table(
    ["Variable", "Kind", "Default", "Meaning"],
    Object.values(definition).map((setting) => [
      code(setting.env),
      describeKind(setting),
      describeDefault(setting),
      setting.description,
    ]),
  );
}
