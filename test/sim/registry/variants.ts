// The registry as it is, and wrong ways to run it that are kept to prove that the checker sees what they do.

export interface Variant {
  readonly name: string;
  /** Whether silence counts that this process could not hear. */
  readonly pause: "forgiven" | "held against components";
  /** Whether a replica that the others cannot reach goes on calling components lost. */
  readonly cut: "noticed" | "ignored";
  /** Whether replicas tell each other of heartbeats. */
  readonly beats: "shared" | "kept";
  /** Whether replicas tell each other of silence. */
  readonly silence: "shared" | "kept";
  /** Whether beats of an instance that was taken over count for its successor. */
  readonly fence: "kept" | "open";
  /** What a watcher that comes back goes on from. */
  readonly resume: "last seen" | "newest";
  /** Whether removals are remembered. */
  readonly removals: "remembered" | "forgotten";
  /** What happens to a late write that stands over a newer one. */
  readonly store: "repaired" | "left";
}

export const REGISTRY: Variant = {
  name: "registry",
  pause: "forgiven",
  cut: "noticed",
  beats: "shared",
  silence: "shared",
  fence: "kept",
  resume: "last seen",
  removals: "remembered",
  store: "repaired",
};

export const WRONG_VARIANTS: readonly Variant[] = [
  { ...REGISTRY, name: "a pause of its own is held against components", pause: "held against components" },
  { ...REGISTRY, name: "a replica that is cut off goes on judging", cut: "ignored" },
  { ...REGISTRY, name: "replicas keep heartbeats for themselves", beats: "kept" },
  { ...REGISTRY, name: "replicas keep silence for themselves", silence: "kept" },
  { ...REGISTRY, name: "heartbeats of a fenced instance count", fence: "open" },
  { ...REGISTRY, name: "a watcher goes on from the newest notice", resume: "newest" },
  { ...REGISTRY, name: "removals are forgotten", removals: "forgotten" },
  { ...REGISTRY, name: "a late write is left to stand over a newer one", store: "left" },
];
