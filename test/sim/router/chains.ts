// What was stored about each effect, as chains: a claim and what took its place, message by message.
import { readExisting } from "../../../core/handover/existing.ts";
import type { ExistingEffect } from "../../../core/handover/record.ts";
import type { ModelMessage } from "./model-stream.ts";
import { DECIDED_TTL_MS, RETENTION_MS } from "./tables.ts";

export interface Link {
  readonly message: ModelMessage;
  readonly existing: ExistingEffect;
}

/**
 * Links in the order in which they were stored; the next chain of the same effect may begin when this one has expired.
 */
export type Chain = Link[];

export interface Chains {
  readonly byEffect: ReadonlyMap<string, readonly Chain[]>;
  readonly violations: readonly string[];
}

/** Builds the chains from the journal; whatever does not fit into one is a violation. */
export function buildChains(journal: readonly ModelMessage[], keyed: ReadonlySet<string>): Chains {
  const byEffect = new Map<string, Chain[]>();
  const violations: string[] = [];
  for (const message of journal) {
    const existing = readExisting(message);
    if (existing === undefined) {
      violations.push(`message ${message.sequence} on ${message.subject} cannot be read`);
      continue;
    }
    const chains = byEffect.get(existing.effectId) ?? [];
    byEffect.set(existing.effectId, chains);
    const link = { message, existing };
    const last = chains.at(-1)?.at(-1);
    const problem = existing.supersedes === undefined ? beginProblem(last, link, keyed) : successionProblem(last, link);
    if (problem !== undefined) violations.push(`effect ${existing.effectId.slice(0, 6)}: ${problem}`);
    if (existing.supersedes === undefined) chains.push([link]);
    else chains.at(-1)?.push(link);
  }
  return { byEffect, violations };
}

/** How long a message proves its effect, whatever TTL it was stored with. */
function provesUntilMs({ message, existing }: Link): number {
  const isBare = existing.stage === "decided" && existing.legacySubject === undefined;
  return message.timestampMs + (isBare ? DECIDED_TTL_MS : RETENTION_MS);
}

/** A claim out of nothing: the only one, or, for a key, one after the last has served its time. */
function beginProblem(last: Link | undefined, link: Link, keyed: ReadonlySet<string>): string | undefined {
  if (last === undefined) return undefined;
  const what = `${link.existing.stage} ${link.existing.attempt} begins anew after ${last.existing.stage} ${last.existing.attempt}`;
  if (!keyed.has(link.existing.effectId) && last.existing.stage !== "decided") return `${what}: done twice`;
  return link.message.timestampMs < provesUntilMs(last) ? `${what} within its window: done twice` : undefined;
}

function successionProblem(last: Link | undefined, link: Link): string | undefined {
  const { existing } = link;
  if (last === undefined || last.existing.sequence !== existing.supersedes)
    return "follows what was not the last message";
  if (last.existing.stage === "end") return `${existing.stage} after the end`;
  if (existing.stage === "end") return undefined;
  if (existing.legacyPublished) return markProblem(last.existing, existing);
  if (existing.stage === "decided" && existing.legacySubject === undefined)
    return "a bare decision takes the place of another message";
  if (existing.attempt !== last.existing.attempt + 1)
    return `attempt ${existing.attempt} after ${last.existing.attempt}`;
  if (last.existing.stage === "decided") return pushProblem(last.existing, existing);
  return undefined;
}

/** The mark of a published legacy assignment takes the place of its claim, once. */
function markProblem(claim: ExistingEffect, mark: ExistingEffect): string | undefined {
  const isClaim = claim.legacySubject === mark.legacySubject && !claim.legacyPublished;
  return isClaim && claim.attempt === mark.attempt && claim.attemptToken === mark.attemptToken
    ? undefined
    : `a mark of ${mark.legacySubject} stands after a ${claim.stage} that is not its claim`;
}

/** A later push changes neither provider nor answer. */
function pushProblem(decided: ExistingEffect, pushed: ExistingEffect): string | undefined {
  const same = JSON.stringify(pushed.provider) === JSON.stringify(decided.provider);
  return same && pushed.decision.provider_id === decided.decision.provider_id
    ? undefined
    : `pushed to ${pushed.decision.provider_id}, decided for ${decided.decision.provider_id}`;
}
