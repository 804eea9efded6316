// What must hold after every run: nothing lost, no effect twice, every answer what was stored.
import { RouteDecision } from "../../../proto/gen/messages/beamline/flow/v1/flow.ts";
import { buildChains, type Chain, type Link } from "./chains.ts";
import { checkSteps } from "./check-steps.ts";
import { isThere } from "./model-stream.ts";
import { STALE_MS } from "./network.ts";
import type { AnswerRecord, Handling } from "./records.ts";
import type { Submitted } from "./submit-queue.ts";
import type { World } from "./world.ts";

/** Table 4 never pushes: its durable messages are decided and answered, and an unkeyed one leaves nothing behind. */
const NEVER_PUSHES = 4;

/** Everything that is wrong with a finished run; empty when it is right. */
export function checkWorld(world: World): string[] {
  const keyed = new Set<string>();
  for (const { input, effectId } of world.handlings) if (input.key !== undefined && effectId) keyed.add(effectId);
  const { byEffect, violations } = buildChains(world.network.assignments.journal, keyed);
  return [
    ...violations,
    ...world.queue.messages.flatMap((message) => checkSettled(world, message, byEffect)),
    ...world.answers.flatMap((answer) => checkAnswer(answer, byEffect)),
    ...[...byEffect.values()].flat().flatMap((chain) => checkChain(world, chain)),
    ...checkSteps(world.handlings, world.assignments),
  ];
}

type ChainMap = ReadonlyMap<string, readonly Chain[]>;

function checkSettled(world: World, message: Submitted, chains: ChainMap): string[] {
  const name = `message ${message.sequence}`;
  const { settled } = message;
  if (settled === undefined) return [`${name} was never settled`];
  const letters = world.deadLetters.filter(({ handling }) => handling?.sequence === message.sequence);
  const storedLetter = letters.some((letter) => letter.message.timestampMs <= settled.timeMs);
  if (letters.length > 1) return [`${name} has ${letters.length} dead letters`];
  const handlings = world.handlings.filter(({ sequence }) => sequence === message.sequence);
  if (message.input.invalid) {
    const dispatched = handlings.some(({ effectId }) => effectId !== undefined);
    if (dispatched || settled.disposition.kind !== "term") return [`${name} is invalid, and was not refused`];
  }
  if (settled.disposition.kind === "term")
    return storedLetter ? [] : [`${name} was refused without a dead letter: lost`];
  if (isEffectStored(world, handlings, chains, settled.timeMs)) return [];
  const later = isEffectStored(world, handlings, chains, world.nowMs);
  return [`${name} was acknowledged ${later ? "before its effect was stored" : "and its effect never stored: lost"}`];
}

function isEffectStored(world: World, handlings: readonly Handling[], chains: ChainMap, atMs: number): boolean {
  if (handlings.some(({ table, input }) => table === NEVER_PUSHES && input.key === undefined)) return true;
  const { effectId, fingerprint } = handlings.find((handling) => handling.effectId !== undefined) ?? {};
  const links = (effectId === undefined ? [] : (chains.get(effectId) ?? [])).flat();
  return links.some(({ message, existing }) => {
    if (message.timestampMs > atMs || existing.fingerprint !== fingerprint) return false;
    if (existing.stage === "assignment" || existing.stage === "end") return true;
    if (existing.legacySubject !== undefined) return isLegacyStored(world, existing.effectId, atMs);
    return handlings.some(({ table }) => table === NEVER_PUSHES);
  });
}

function isLegacyStored(world: World, effectId: string, atMs: number): boolean {
  const { journal } = world.network.legacy;
  return journal.some(({ msgId, timestampMs }) => msgId.startsWith(effectId) && timestampMs <= atMs);
}

/** An answer with a decision repeats what stood for its effect at some moment between question and answer. */
function checkAnswer(answer: AnswerRecord, chains: ChainMap): string[] {
  if (answer.headers.has("Nats-Service-Error-Code")) return [];
  const { handling, timeMs } = answer;
  if (handling.table === NEVER_PUSHES && handling.input.key === undefined) return [];
  const given = decisionOf(answer);
  const name = `the answer to ${handling.input.key ?? "an unkeyed message"} (${given.provider}, attempt ${given.attempt})`;
  const all = (handling.effectId === undefined ? [] : (chains.get(handling.effectId) ?? [])).flat();
  if (all.length === 0) {
    return handling.input.key === undefined && handling.handled?.outcome.kind !== "rejected"
      ? []
      : [`${name} is stored nowhere`];
  }
  const stood = all.filter((link, index) => {
    const nextMs = all[index + 1]?.message.timestampMs ?? Number.POSITIVE_INFINITY;
    const endMs = Math.min(nextMs, link.message.expiresMs) + STALE_MS;
    return link.message.timestampMs <= timeMs && endMs >= handling.startedMs;
  });
  const same = stood.some(({ existing }) => {
    if (existing.fingerprint !== handling.fingerprint) return false;
    const { provider_id, metadata } = existing.decision;
    return (
      provider_id === given.provider &&
      metadata.attempt === given.attempt &&
      metadata.config_revision === given.revision
    );
  });
  return same ? [] : [`${name} is not what stood: ${describe(stood)}`];
}

function decisionOf({ handling, body }: AnswerRecord) {
  if (handling.input.encoding === "protobuf") {
    const { providerId, metadata } = RouteDecision.decode(body);
    return { provider: providerId, attempt: metadata.attempt, revision: metadata.config_revision };
  }
  const json = JSON.parse(Buffer.from(body).toString("utf8"));
  const decision = json.decision ?? json;
  const { attempt, config_revision: revision } = decision.metadata;
  return { provider: decision.providerId ?? decision.provider_id, attempt, revision };
}

function describe(links: readonly Link[]): string {
  return (
    links.map(({ existing }) => `${existing.stage} ${existing.decision.provider_id} ${existing.attempt}`).join(", ") ||
    "nothing"
  );
}

/** One body only was answered under a key, and never is what is not the last message left alone at the end. */
function checkChain(world: World, chain: Chain): string[] {
  const [first] = chain;
  const last = chain.at(-1);
  if (first === undefined || last === undefined) return [];
  const { effectId } = first.existing;
  const violations: string[] = [];
  const prints = new Set(chain.map(({ existing }) => existing.fingerprint));
  if (prints.size > 1) violations.push(`effect ${effectId.slice(0, 6)} changed its fingerprint`);
  if (last.message.removedMs < Number.POSITIVE_INFINITY)
    violations.push(`effect ${effectId.slice(0, 6)}: its last message was removed`);
  const works = world.network.legacy.journal.filter(({ msgId }) => msgId.startsWith(effectId));
  if (works.length > 1) violations.push(`effect ${effectId.slice(0, 6)} has ${works.length} legacy assignments`);
  const early = chain.find((link, index) => {
    const nextMs = chain[index + 1]?.message.timestampMs ?? Number.POSITIVE_INFINITY;
    return link.message.removedMs < nextMs && isThere(link.message, link.message.timestampMs);
  });
  if (early !== undefined && early !== last)
    violations.push(`effect ${effectId.slice(0, 6)}: withdrawn before the next was stored`);
  return violations;
}
