// The status that a component reports: the names of the enum HealthStatus in any case, and any other text as UNKNOWN.

export const HEALTH_STATUSES = ["UNKNOWN", "STARTING", "HEALTHY", "UNHEALTHY", "STOPPING"] as const;
export type HealthStatus = (typeof HEALTH_STATUSES)[number];

const NAMES: ReadonlyMap<string, HealthStatus> = new Map(HEALTH_STATUSES.map((name) => [name, name]));
/** Generated enums of the later protocol carry it; clients send the text of either. */
const ENUM_PREFIX = "HEALTH_STATUS_";

export function readHealthStatus(text: string): HealthStatus {
  const exact = NAMES.get(text);
  if (exact !== undefined) return exact;
  const upper = text.trim().toUpperCase();
  return NAMES.get(upper.startsWith(ENUM_PREFIX) ? upper.slice(ENUM_PREFIX.length) : upper) ?? "UNKNOWN";
}
