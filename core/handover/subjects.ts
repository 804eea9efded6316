// Every subject, stream, consumer and bucket name of Beamline, written once. Canonical subjects carry no Router prefix;
// `namesFor` gives what a Router with a prefix uses.
import type { ProviderKey } from "./record.ts";

/**
 * Request/reply decide requests. No stream may bind anything below it: a requester would get a PubAck for an answer.
 */
export const DECIDE_SUBJECT = "beamline.router.v1.decide";
/** `….decide.tenant.<tenant>`: where an account import fixes the tenant. */
export const DECIDE_TENANT_PREFIX = "beamline.router.v1.decide.tenant.";
/** `….submit.<tenant>`: durable intake. */
export const SUBMIT_PREFIX = "beamline.router.v1.submit.";
/** `….to.<effect id>.<provider namespace>.<provider name>`: the id comes first, which keeps the expectation cheap. */
export const ASSIGNMENT_PREFIX = "caf.exec.assign.v1.to.";
/**
 * Decisions for `submit` messages go below it, per tenant, when the producer asks for that with `Beamline-Reply-To`.
 */
export const REPLY_PREFIX = "beamline.reply.v1.";
/** Extensions that policies name as steps answer requests below this. */
export const STEP_PREFIX = "beamline.ext.";
export const ASSIGNMENT_ACK_SUBJECT = "caf.exec.assign.v1.ack";
export const RESULT_SUBJECT = "caf.exec.result.v1";
export const USAGE_SUBJECT = "beamline.usage.v1.metered";
/** Dead letters of every kind, unless a Router uses the per-kind subjects. */
export const DLQ_SUBJECT = "beamline.router.v1.intake.dlq";
/** Dead letters by the kind of message that was refused (seed 004). */
export const DLQ_SUBJECT_BY_KIND = {
  decide: "beamline.router.v1.decide.dlq",
  result: "caf.exec.result.dlq",
  ack: "caf.exec.assign.ack.dlq",
} as const;

/** What control planes share: one bucket for an account, whatever prefixes its Routers have. */
export const REGISTRY_BUCKET = "beamline-registry";
/** Control planes tell each other what they heard of components. */
export const REGISTRY_REPORT_SUBJECT = "beamline.registry.v1.report";

/** The namespace token of what is stored about an effect without being work; no Kubernetes namespace has that name. */
const NO_PROVIDER = "_";

/** A tenant in a subject: one token (architecture.md "Subjects"). */
const TENANT_TOKEN = /^[A-Za-z0-9_-]{1,64}$/;

export function isTenantToken(text: string): boolean {
  return TENANT_TOKEN.test(text);
}

/** What an assignment is published to. */
export function assignmentSubject(effectId: string, provider: ProviderKey): string {
  return `${ASSIGNMENT_PREFIX}${effectId}.${provider.namespace}.${provider.name}`;
}

/** Everything stored about one effect: expectations count over it, `readLast` reads its last message. */
export function effectWildcard(effectId: string): string {
  return `${ASSIGNMENT_PREFIX}${effectId}.>`;
}

/** A decision that stands without having been pushed, or that was pushed to a legacy provider's fixed subject. */
export function decidedSubject(effectId: string): string {
  return `${ASSIGNMENT_PREFIX}${effectId}.${NO_PROVIDER}.decided`;
}

/** The mark of an effect that was given up. */
export function endSubject(effectId: string): string {
  return `${ASSIGNMENT_PREFIX}${effectId}.${NO_PROVIDER}.end`;
}

/** What a provider's consumer filters. */
export function providerFilter(provider: ProviderKey): string {
  return `${ASSIGNMENT_PREFIX}*.${provider.namespace}.${provider.name}`;
}

/** What a canonical subject below the assignment prefix says. */
type EffectSubject =
  | { readonly stage: "assignment"; readonly effectId: string; readonly provider: ProviderKey }
  | { readonly stage: "decided" | "end"; readonly effectId: string };

/** Reads a canonical subject of the assignments stream; undefined when it is none. */
export function parseEffectSubject(subject: string): EffectSubject | undefined {
  if (!subject.startsWith(ASSIGNMENT_PREFIX)) return undefined;
  const [effectId, namespace, name, more] = subject.slice(ASSIGNMENT_PREFIX.length).split(".");
  if (!effectId || !namespace || !name || more !== undefined) return undefined;
  if (namespace !== NO_PROVIDER) return { stage: "assignment", effectId, provider: { namespace, name } };
  return name === "decided" || name === "end" ? { stage: name, effectId } : undefined;
}

/**
 * A prefix: subject tokens of letters, digits and hyphens, 64 characters at most. The underscore is left out because it
 * joins the tokens in stream names, which may hold no dot: two prefixes never give one stream name.
 */
const PREFIX = /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/;
const MAX_PREFIX_LENGTH = 64;

/** Streams by what they hold. */
interface StreamNames {
  readonly submit: string;
  readonly assignments: string;
  readonly acks: string;
  readonly results: string;
  readonly usage: string;
  readonly dlq: string;
  readonly timers: string;
  readonly decisions: string;
  readonly pipelines: string;
  readonly pipelineOutputs: string;
}

interface BucketNames {
  readonly config: string;
  readonly acks: string;
  readonly registry: string;
  readonly work: string;
  readonly health: string;
}

export interface Names {
  readonly prefix: string | undefined;
  /** Subject as it stands on the wire, from the canonical one. */
  toWire(subject: string): string;
  /** Canonical subject, from the one on the wire; undefined when it is not one of this Router's. */
  fromWire(subject: string): string | undefined;
  /** Wire subjects to subscribe to. */
  readonly decideSubject: string;
  readonly decideTenantPattern: string;
  readonly submitPattern: string;
  readonly assignmentPattern: string;
  readonly dlqSubject: string;
  readonly streams: StreamNames;
  readonly buckets: BucketNames;
  readonly consumers: {
    /** Of the submit stream; the older router's name. */
    readonly decide: string;
    readonly results: string;
    readonly acks: string;
    /** Durable of one provider on the assignments stream. */
    provider(provider: ProviderKey): string;
    /** Of the stream of pipelines' inputs. */
    readonly pipelines: string;
    /** Durable of one consumer of one pipeline, on the stream of outputs. */
    pipeline(pipeline: ProviderKey, consumer: string): string;
  };
  readonly queueGroups: { readonly decide: string };
}

/** Why a text cannot be a Router's prefix; undefined when it can. */
export function prefixProblem(prefix: string): string | undefined {
  if (prefix.length > MAX_PREFIX_LENGTH) return `is longer than ${MAX_PREFIX_LENGTH} characters`;
  return PREFIX.test(prefix) ? undefined : "must be tokens of letters, digits and hyphens, joined by dots";
}

/** @param prefix `subjects.prefix` of the Router, checked by `prefixProblem`; a wrong one is a bug and throws */
export function namesFor(prefix?: string): Names {
  const problem = prefix === undefined ? undefined : prefixProblem(prefix);
  if (problem !== undefined) throw new Error(`subject prefix ${JSON.stringify(prefix)} ${problem}`);
  const head = prefix === undefined ? "" : `${prefix}.`;
  const own = (name: string) => (prefix === undefined ? name : `${prefix.replaceAll(".", "_")}_${name}`);
  return {
    prefix,
    toWire: (subject) => head + subject,
    fromWire: (subject) => (subject.startsWith(head) ? subject.slice(head.length) : undefined),
    decideSubject: head + DECIDE_SUBJECT,
    decideTenantPattern: `${head}${DECIDE_TENANT_PREFIX}*`,
    submitPattern: `${head}${SUBMIT_PREFIX}*`,
    assignmentPattern: `${head}${ASSIGNMENT_PREFIX}>`,
    dlqSubject: head + DLQ_SUBJECT,
    streams: streamNames(own),
    buckets: bucketNames(own),
    consumers: {
      decide: own("router-decide-consumer"),
      results: own("router-results"),
      acks: own("router-acks"),
      provider: ({ namespace, name }) => own(`provider_${namespace}_${name}`),
      pipelines: own("router-pipelines-consumer"),
      pipeline: ({ namespace, name }, consumer) => own(`pipeline_${namespace}_${name}_${consumer}`),
    },
    queueGroups: { decide: own("router-decide-group") },
  };
}

function streamNames(own: (name: string) => string): StreamNames {
  return {
    submit: own("BEAMLINE_SUBMIT"),
    assignments: own("BEAMLINE_ASSIGNMENTS"),
    acks: own("BEAMLINE_ACKS"),
    results: own("BEAMLINE_RESULTS"),
    usage: own("BEAMLINE_USAGE"),
    dlq: own("BEAMLINE_DLQ"),
    timers: own("BEAMLINE_TIMERS"),
    decisions: own("BEAMLINE_DECISIONS"),
    pipelines: own("BEAMLINE_PIPELINES"),
    pipelineOutputs: own("BEAMLINE_PIPELINE_OUTPUTS"),
  };
}

function bucketNames(own: (name: string) => string): BucketNames {
  return {
    config: own("beamline-config"),
    acks: own("beamline-acks"),
    registry: REGISTRY_BUCKET,
    work: own("beamline-work"),
    health: own("beamline-health"),
  };
}
