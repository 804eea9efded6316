// What stands for an effect: read from the last stored message of its id, and compared with the request that met it.
import { decodeDecision } from "./decision-record.ts";
import type { StoredMessage } from "./effects.ts";
import { HEADER } from "./header.ts";
import type { ExistingEffect, ProviderKey } from "./record.ts";
import { parseEffectSubject } from "./subjects.ts";

const DECIMAL = /^[0-9]{1,15}$/;

/**
 * The effect that a stored message tells of, or undefined when it is not a message that a router wrote (a foreign
 * publisher, or one of a later schema): the caller then knows that something stands, but not what.
 */
export function readExisting(stored: StoredMessage): ExistingEffect | undefined {
  const subject = parseEffectSubject(stored.subject);
  const decision = decodeDecision(stored.headers.get(HEADER.decision) ?? "");
  const provider =
    subject?.stage === "assignment" ? subject.provider : parseProvider(stored.headers.get(HEADER.provider));
  const fingerprint = stored.headers.get(HEADER.fingerprint);
  const attempt = decimalOf(stored.headers.get(HEADER.attempt));
  if (!subject || !decision || !provider || !fingerprint || attempt === undefined) return undefined;
  return {
    stage: subject.stage,
    effectId: subject.effectId,
    sequence: stored.sequence,
    attempt,
    provider,
    fingerprint,
    decision,
    attemptToken: stored.headers.get(HEADER.attemptToken),
    deadlineMs: decimalOf(stored.headers.get(HEADER.deadline)),
    legacySubject: stored.headers.get(HEADER.legacySubject),
    legacyPublished: stored.headers.get(HEADER.legacyPublished) === "true",
    supersedes: decimalOf(stored.headers.get(HEADER.supersedes)),
  };
}

/** `same`: the request is a repeat, the standing decision answers it. `violation`: one key, two different requests. */
export function compareExisting(existing: ExistingEffect, fingerprint: string): "same" | "violation" {
  return existing.fingerprint === fingerprint ? "same" : "violation";
}

/** `<namespace>/<name>`, the value of `Beamline-Provider`. */
export function formatProvider(provider: ProviderKey): string {
  return `${provider.namespace}/${provider.name}`;
}

function parseProvider(text: string | undefined): ProviderKey | undefined {
  const [namespace, name, more] = text?.split("/") ?? [];
  return namespace && name && more === undefined ? { namespace, name } : undefined;
}

function decimalOf(text: string | undefined): number | undefined {
  return text !== undefined && DECIMAL.test(text) ? Number(text) : undefined;
}
