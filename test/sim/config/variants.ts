// The protocol as it is, and wrong orders of it that are kept to prove that the checker sees what they do.

export interface Variant {
  readonly name: string;
  /** What a router acknowledges: the head it applied, or the highest sequence its watch has shown. */
  readonly acknowledge: "applied" | "highest-seen";
  /** When a router takes a head's set into force: when count and digest match, or at any head. */
  readonly swap: "verified" | "unverified";
  /** Whether acknowledgements of another bucket than the target's count. */
  readonly epoch: "compared" | "ignored";
  /** Whether the operator gives up what it was writing when the bucket may be another one. */
  readonly bucket: "followed" | "assumed";
}

export const PROTOCOL: Variant = {
  name: "protocol",
  acknowledge: "applied",
  swap: "verified",
  epoch: "compared",
  bucket: "followed",
};

export const WRONG_ORDERS: readonly Variant[] = [
  { ...PROTOCOL, name: "applied = highest revision seen", acknowledge: "highest-seen" },
  { ...PROTOCOL, name: "swap at any head, without comparing the digest", swap: "unverified" },
  { ...PROTOCOL, name: "acknowledgements of another epoch count", epoch: "ignored" },
];

/** Shown to be wrong by a history instead of by chance: it takes a coincidence that seeds seldom have. */
export const STALE_BUCKET: Variant = {
  ...PROTOCOL,
  name: "a head is written into a bucket that may be another one",
  bucket: "assumed",
};
