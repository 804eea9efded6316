// Where a router may publish. A producer's reply subject, a policy's subject or a header is never trusted: everything
// a router publishes to passes this one function. (Without it a producer writes into the configuration bucket through
// a reply subject: measured.)
import { err, ok, type Result } from "../result.ts";
import { isTenantToken, parseEffectSubject, REPLY_PREFIX, STEP_PREFIX } from "./subjects.ts";

/**
 * What the router wants to publish: `reply` to a request, `reply-to` for the decision of a durable message, an
 * `assignment` (or decided or end mark), an assignment on the fixed subject of a `legacy` provider, or a request to
 * the extension of a `step`. The first two are wire subjects, the others are canonical (the Router's prefix is put in front
 * afterwards).
 */
export type PublishUse = "reply" | "reply-to" | "assignment" | "legacy" | "step";

export interface PublishRules {
  /** Tenant of the message that is answered. */
  readonly tenantId: string;
  /** The Router's `allowedSubjects`: canonical subjects, with NATS wildcards. */
  readonly allowedSubjects: Iterable<string>;
  /** The Router's `subjects.prefix`. */
  readonly prefix: string | undefined;
  /** The server lets routers write to no inbox: whoever asks is in another account, where theirs do not lead. */
  readonly inboxesClosed?: boolean;
}

export type SubjectProblem =
  | "empty"
  | "too_long"
  | "invalid_character"
  | "empty_token"
  | "wildcard"
  | "forbidden"
  | "not_allowed";

/** Bytes of a subject at most. NATS has no limit of its own below the protocol line's 4 KiB. */
export const MAX_SUBJECT_BYTES = 512;

/**
 * Visible ASCII without wildcards. Other scripts are legal in NATS, but nothing that Beamline publishes to needs them.
 */
const PLAIN_SUBJECT = /^[!-~]+$/;
const INBOX_PREFIX = "_INBOX.";
/** Replies across an account's service import. */
const IMPORT_REPLY_PREFIX = "_R_.";
/** What only clients and workers publish to; at any depth, because the prefix of another Router may stand in front. */
const FORBIDDEN_TOKENS: readonly (readonly string[])[] = [
  ["beamline", "router"],
  ["beamline", "usage"],
  ["caf", "exec", "result"],
  ["caf", "exec", "assign", "v1", "ack"],
];
/** Besides, only the canonical builder may write where an assignment is its own claim. */
const CLAIM_TOKENS: readonly string[] = ["caf", "exec", "assign", "v1", "to"];

/** The subject itself when the router may publish to it for this use, else why not. Never throws, whatever the text. */
export function checkPublishSubject(
  subject: string,
  use: PublishUse,
  rules: PublishRules,
): Result<string, SubjectProblem> {
  const problem = formProblem(subject);
  if (problem !== undefined) return err(problem);
  const tokens = subject.split(".");
  if (tokens.includes("")) return err("empty_token");
  if (tokens.includes("*") || tokens.includes(">")) return err("wildcard");
  if (tokens.some((token) => token.startsWith("$"))) return err("forbidden");
  if (FORBIDDEN_TOKENS.some((run) => containsRun(tokens, run))) return err("forbidden");
  if (use !== "assignment" && containsRun(tokens, CLAIM_TOKENS)) return err("forbidden");
  return isAllowed(subject, tokens, use, rules) ? ok(subject) : err("not_allowed");
}

function formProblem(subject: string): SubjectProblem | undefined {
  if (subject === "") return "empty";
  if (subject.length > MAX_SUBJECT_BYTES) return "too_long";
  return PLAIN_SUBJECT.test(subject) ? undefined : "invalid_character";
}

function isAllowed(subject: string, tokens: readonly string[], use: PublishUse, rules: PublishRules): boolean {
  switch (use) {
    case "reply":
      return isOpenInbox(subject, rules) || subject.startsWith(IMPORT_REPLY_PREFIX);
    case "reply-to":
      return isOpenInbox(subject, rules) || isTenantReply(subject, rules);
    case "assignment":
      return parseEffectSubject(subject) !== undefined;
    case "legacy":
      return !subject.startsWith("_") && !isStepSubject(subject) && isListed(rules.allowedSubjects, tokens);
    case "step":
      return isStepSubject(subject) && isListed(rules.allowedSubjects, tokens);
  }
}

/**
 * Whether a subject or a pattern is of the extensions: they answer requests, so no stream may store what is sent there (its
 * PubAck would be the first answer).
 */
export function isStepSubject(subject: string): boolean {
  return subject.startsWith(STEP_PREFIX) && subject.length > STEP_PREFIX.length;
}

function isOpenInbox(subject: string, { inboxesClosed = false }: PublishRules): boolean {
  return !inboxesClosed && subject.startsWith(INBOX_PREFIX);
}

/** A tenant that is not one token would reach into the replies of another. */
function isTenantReply(subject: string, rules: PublishRules): boolean {
  if (!isTenantToken(rules.tenantId)) return false;
  const head = rules.prefix === undefined ? "" : `${rules.prefix}.`;
  return subject.startsWith(`${head}${REPLY_PREFIX}${rules.tenantId}.`);
}

function containsRun(tokens: readonly string[], run: readonly string[]): boolean {
  for (let start = 0; start + run.length <= tokens.length; start++) {
    if (run.every((token, offset) => tokens[start + offset] === token)) return true;
  }
  return false;
}

function isListed(patterns: Iterable<string>, tokens: readonly string[]): boolean {
  for (const pattern of patterns) if (matchesPattern(pattern, tokens)) return true;
  return false;
}

/** NATS rules: `*` is one token, `>` one or more at the end. */
export function matchesPattern(pattern: string, tokens: readonly string[]): boolean {
  const wanted = pattern.split(".");
  for (const [index, token] of wanted.entries()) {
    if (token === ">") return index === wanted.length - 1 && tokens.length > index;
    if (index >= tokens.length || (token !== "*" && token !== tokens[index])) return false;
  }
  return wanted.length === tokens.length;
}
