// How it stands with what replicas share, for people, metrics and the header of answers.

/** `alone`: not asked to share. `disconnected`: no NATS. `missing`: no bucket. `reading`: it has not been read whole yet. */
export type SharingState = "alone" | "disconnected" | "missing" | "reading" | "current";

export interface SharingStatus {
  readonly state: SharingState;
  /** How old what other replicas know may be here; undefined when nothing is shared, or nothing was ever read. */
  readonly ageMs: number | undefined;
  readonly isLeading: boolean;
  readonly pendingWrites: number;
  /** Why the last write was not stored. */
  readonly failure: string | undefined;
}

export const ALONE: SharingStatus = {
  state: "alone",
  ageMs: undefined,
  isLeading: false,
  pendingWrites: 0,
  failure: undefined,
};

const MS_PER_S = 1_000;

/** One line for /readyz. */
export function describeSharing(status: SharingStatus): string {
  const { state, ageMs, isLeading, pendingWrites, failure } = status;
  if (state === "alone") return "in memory, shared with nobody";
  const age = ageMs === undefined ? "never read" : `${Math.round(ageMs / MS_PER_S)} s old`;
  const failing = failure === undefined ? "" : `, last write failed: ${failure}`;
  return `shared registry ${state}, ${age}, ${isLeading ? "leading" : "not leading"}, ${pendingWrites} writes wait${failing}`;
}
