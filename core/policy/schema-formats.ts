// The named string formats of the schemas: one place says what each is, how it is written and how it is explained.
import type { IntOrStringSchema, SchemaRule, StringSchema } from "./schema.ts";

/** A format as problems name it: `rule` in a problem, a sentence for people, and an example that is right. */
export interface StringFormat {
  readonly name: string;
  readonly pattern: string;
  readonly maxLength: number;
  readonly meaning: string;
  /** A wrong value may hold a secret and is not repeated. */
  readonly confidential?: boolean;
}

/** RFC 1123 label; also the rule for namespaces. */
export const dnsLabel: StringFormat = {
  name: "dns_label",
  pattern: "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$",
  maxLength: 63,
  meaning: "a DNS label: at most 63 lower-case letters, digits and '-', starting and ending with a letter or digit",
};

/** Names of Routers and Providers: at most 40, so that keys and subjects made from two of them stay bounded (policy.md). */
export const shortDnsLabel: StringFormat = {
  name: "dns_label_40",
  pattern: "^[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?$",
  maxLength: 40,
  meaning: "a DNS label of at most 40 lower-case letters, digits and '-', starting and ending with a letter or digit",
};

/** RFC 1123 subdomain, bounded so that it can be a policy id. The point is in brackets because CEL texts read `\\` anew. */
export const dnsSubdomain: StringFormat = {
  name: "dns_subdomain",
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
  maxLength: 128,
  meaning:
    "at most 128 lower-case letters, digits, '-' and '.', each part between points starting and ending with a letter or digit",
};

/** A DNS label, or `*` for every namespace. */
export const namespaceOrAll: StringFormat = {
  name: "namespace_or_all",
  pattern: "^(\\*|[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)$",
  maxLength: 63,
  meaning: "the name of a namespace, or '*' for all of them",
};

/** Tenant token of subjects (architecture.md "Subjects, streams, buckets"). */
export const tenantId: StringFormat = {
  name: "tenant_id",
  pattern: "^[A-Za-z0-9_-]{1,64}$",
  maxLength: 64,
  meaning: "1 to 64 letters, digits, '_' and '-'",
};

export const policyId: StringFormat = {
  name: "policy_id",
  pattern: "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$",
  maxLength: 128,
  meaning: "1 to 128 letters, digits, '_', '.' and '-', starting with a letter, digit or '_'",
};

/** What decisions carry as provider_id: older ids such as `local_llm` are not object names. */
export const providerId: StringFormat = {
  name: "provider_id",
  pattern: "^[A-Za-z0-9_-]{1,128}$",
  maxLength: 128,
  meaning: "1 to 128 letters, digits, '_' and '-'",
};

/** List keys: providers of a policy, rules, pipeline steps. */
export const listKey: StringFormat = {
  name: "name",
  pattern: "^[A-Za-z0-9_-]{1,63}$",
  maxLength: 63,
  meaning: "1 to 63 letters, digits, '_' and '-'",
};

export const messageType: StringFormat = {
  name: "message_type",
  pattern: "^[!-~]{1,128}$",
  maxLength: 128,
  meaning: "1 to 128 printable characters without blanks",
};

export const duration: StringFormat = {
  name: "duration",
  pattern: "^([0-9]{1,9}(ms|s|m|h)){1,4}$",
  maxLength: 40,
  meaning: "a duration with its unit, such as 500ms, 2s or 1m30s",
};

export const decimal: StringFormat = {
  name: "decimal",
  pattern: "^[0-9]{1,9}(\\.[0-9]{1,9})?$",
  maxLength: 19,
  meaning: 'a decimal number in quotes, such as "0.02", with at most 9 digits on each side of the point',
};

/** A literal NATS subject: no wildcards, no reserved `$` tokens. */
export const subject: StringFormat = {
  name: "subject",
  pattern: "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$",
  maxLength: 200,
  meaning: "a subject of tokens of letters, digits, '_' and '-' joined by '.', without wildcards",
};

/** A NATS subject pattern: `*` for a token, `>` at the end. */
export const subjectPattern: StringFormat = {
  name: "subject_pattern",
  pattern: "^(\\*|[A-Za-z0-9_-]+)(\\.(\\*|[A-Za-z0-9_-]+))*(\\.>)?$",
  maxLength: 200,
  meaning: "a subject of tokens joined by '.', with '*' for one token or a final '>'",
};

/** Where affinity reads its value. */
export const stickyKey: StringFormat = {
  name: "sticky_key",
  pattern: "^(context|message\\.metadata)\\.[A-Za-z0-9_.-]{1,128}$",
  maxLength: 160,
  meaning: "context.<name> or message.metadata.<name>",
};

export const natsUrl: StringFormat = {
  name: "nats_url",
  pattern: "^(nats|tls)://[A-Za-z0-9_.:,/\\[\\]-]{1,500}$",
  maxLength: 512,
  meaning: "a server address such as nats://nats.example:4222 or tls://nats.example:4222, without credentials",
  confidential: true,
};

/** Key of a Kubernetes label, with or without a prefix; also of taints and topologies. */
export const labelKey: StringFormat = {
  name: "label_key",
  pattern:
    "^([a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
  maxLength: 317,
  meaning:
    "a label key: at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit, with or without a DNS name and '/' before it",
};

export const labelValue: StringFormat = {
  name: "label_value",
  pattern: "^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$",
  maxLength: 63,
  meaning:
    "a label value: empty, or at most 63 letters, digits, '-', '_' and '.', starting and ending with a letter or digit",
};

/** What Kubernetes calls a quantity, without its rarer forms (exponents, nano). */
export const quantity: StringFormat = {
  name: "quantity",
  pattern: "^[0-9]{1,12}([.][0-9]{1,9})?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$",
  maxLength: 24,
  meaning: "an amount such as 500m, 2, 256Mi or 1.5Gi",
};

/** Every format, for looking one up by its pattern. */
const formats: readonly StringFormat[] = [
  dnsLabel,
  shortDnsLabel,
  dnsSubdomain,
  namespaceOrAll,
  tenantId,
  policyId,
  providerId,
  listKey,
  messageType,
  duration,
  decimal,
  subject,
  subjectPattern,
  stickyKey,
  natsUrl,
  labelKey,
  labelValue,
  quantity,
];

const formatByPattern: ReadonlyMap<string, StringFormat> = new Map(formats.map((format) => [format.pattern, format]));

/** The format that a schema's pattern stands for; every pattern of the schemas is one, so any other is a bug and throws. */
export function getFormat(pattern: string): StringFormat {
  const format = formatByPattern.get(pattern);
  if (format === undefined) throw new Error(`the pattern ${pattern} is no named format`);
  return format;
}

const expressions: ReadonlyMap<string, RegExp> = new Map(formats.map(({ pattern }) => [pattern, new RegExp(pattern)]));

/** Whether a text is of the format, length included. */
export function isFormat(format: StringFormat, text: string): boolean {
  return text.length <= format.maxLength && expressions.get(format.pattern)?.test(text) === true;
}

/** A string of a named format. */
export function formatted(format: StringFormat, description: string): StringSchema {
  return { type: "string", description, pattern: format.pattern, maxLength: format.maxLength };
}

/** A duration between two bounds, both included; `value` is the default, when there is one. */
export function durationBetween(least: string, most: string, description: string, value?: string): StringSchema {
  const rule: SchemaRule = {
    rule: `duration(self) >= duration('${least}') && duration(self) <= duration('${most}')`,
    message: `must be between ${least} and ${most}`,
  };
  return {
    ...formatted(duration, description),
    ...(value === undefined ? {} : { default: value }),
    "x-kubernetes-validations": [rule],
  };
}

/** An amount: an integer or a decimal string. The bounds are what the pattern says, for integers, which patterns pass by. */
export function amount(description: string): IntOrStringSchema {
  const { pattern, maxLength } = decimal;
  return { "x-kubernetes-int-or-string": true, description, pattern, maxLength, minimum: 0, maximum: 999_999_999 };
}
