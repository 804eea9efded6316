// What a stored assignment or decision says about itself: the one record that answers, retries and duplicates read.

/**
 * The decision as it was stored and as every answer repeats it. Names are those of `beamline.flow.v1.RouteDecision`.
 */
export interface DecisionRecord {
  readonly provider_id: string;
  readonly reason: string;
  readonly priority: number;
  readonly expected_latency_ms: number;
  readonly expected_cost: number;
  /** policy_id, policy_generation, config_revision, snapshot_version, rule, attempt (contracts.md "Protos"). */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Key of a Provider object. */
export interface ProviderKey {
  readonly namespace: string;
  readonly name: string;
}

/** An effect as the last stored message of its id tells it. */
export interface ExistingEffect {
  /** assignment: work was dispatched; decided: a keyed decision only; end: given up. */
  readonly stage: "assignment" | "decided" | "end";
  readonly effectId: string;
  readonly sequence: number;
  readonly attempt: number;
  readonly provider: ProviderKey;
  readonly fingerprint: string;
  readonly decision: DecisionRecord;
  readonly attemptToken: string | undefined;
  readonly deadlineMs: number | undefined;
  /** Set when the provider is fed by a fixed subject: a duplicate repeats that publish under the same message id. */
  readonly legacySubject: string | undefined;
  /** Whether the publish on that subject is known to be stored. */
  readonly legacyPublished: boolean;
  /** Sequence of the message that this one took the place of: whoever reads it may finish that message's withdrawal. */
  readonly supersedes: number | undefined;
}
