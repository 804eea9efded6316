// The bounds of the registry. docs/registry.md lists them for people.

export const MAX_ID_CHARS = 128;
export const MAX_INSTANCE_CHARS = 128;
export const MAX_ENDPOINT_CHARS = 512;
export const MAX_METADATA_ENTRIES = 64;
export const MAX_METADATA_KEY_CHARS = 128;
export const MAX_METADATA_VALUE_BYTES = 4_096;
/** Keys and values together. */
export const MAX_METADATA_BYTES = 16_384;
export const MAX_EVENT_TYPES = 64;
export const MAX_EVENT_TYPE_CHARS = 128;
export const MAX_METRICS = 64;
export const MAX_METRIC_KEY_CHARS = 128;
export const MAX_STATUS_CHARS = 64;
/** Most messages in flight that a component may ask for. */
export const MAX_CONCURRENT = 100_000;

export const DEFAULT_TTL_MS = 30_000;
export const MIN_TTL_MS = 1_000;
export const MAX_TTL_MS = 3_600_000;

/** `seq` of a registration: a time in milliseconds, and the last one that a date can be. */
export const MAX_SEQ = 8_640_000_000_000_000;
/** Name of a namespace of a cluster. */
export const MAX_NAMESPACE_CHARS = 63;
/** Name of whoever registered a component. */
export const MAX_OWNER_CHARS = 1_024;
/** Name of a Provider with its namespace: two names of Kubernetes. */
export const MAX_PROVIDER_CHARS = 317;

/** Components that one registry keeps when its settings say nothing. */
export const DEFAULT_MAX_COMPONENTS = 50_000;
/** Removed components that are remembered, so that late word of them does not bring them back. */
export const MAX_REMOVALS = 10_000;
/** A lost component is forgotten after so many times to live, but not before the time below. */
export const FORGET_AFTER_TTLS = 10;
export const MIN_FORGET_AFTER_MS = 300_000;
/** Notices kept for watchers that come back. */
export const MAX_LOGGED_NOTICES = 16_384;
/** Other replicas that are remembered. */
export const MAX_PEERS = 64;

/** Share of the components that may be lost within one time to live without evidence. */
export const GUARD_SHARE = 0.15;
/** So many may be lost in that time whatever their share: one component that dies alone is no sign of a cut. */
export const GUARD_MIN_LOSSES = 1;

/** A replica whose own reports have not come back for so long cannot tell who is silent. */
export const BUS_PROOF_MS = 5_000;
/** A replica of which nothing was heard for so long does not count as one that agrees. */
export const PEER_SILENCE_MS = 15_000;
/** Time between ticks that means that this process did not run. */
export const TICK_GAP_MS = 3_000;
