// The metadata of a KEDA trigger: which consumer is meant, and how much of it one replica shall bear.
import { dnsLabel, isFormat, shortDnsLabel } from "../../core/policy/schema-formats.ts";
import { type FieldProblem, FieldProblems, memberPath } from "../../core/registry/field-problem.ts";
import { err, ok, type Result } from "../../core/result.ts";

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

export interface ScalerTarget {
  /** Undefined: the installation's. */
  readonly router: ObjectName | undefined;
  /** Undefined: the messages that wait for a decision. */
  readonly provider: ObjectName | undefined;
  /** Messages that one replica shall have before it. */
  readonly lagThreshold: number;
  /** With more messages than this there is work at all. */
  readonly activationLagThreshold: number;
}

const FIELD = "scalerMetadata";
const OWN_KEYS = ["router", "provider", "consumer", "lagThreshold", "activationLagThreshold"];
/** KEDA sends everything of the trigger, also what is meant for itself. */
const KEDA_KEYS = ["scalerAddress", "enableTLS", "unsafeSsl"];
const FROM_ENVIRONMENT = /FromEnv$/;
const SUBMIT = "submit";
/** As KEDA's own scaler for JetStream has it. */
const DEFAULT_LAG_THRESHOLD = 10;
const NUMBER = /^\d{1,12}(?:\.\d{1,6})?$/;

export function readScalerMetadata(
  metadata: Readonly<Record<string, string>>,
): Result<ScalerTarget, readonly FieldProblem[]> {
  const problems = new FieldProblems();
  for (const key of Object.keys(metadata)) {
    if (OWN_KEYS.includes(key) || KEDA_KEYS.includes(key) || FROM_ENVIRONMENT.test(key)) continue;
    problems.add(memberPath(FIELD, key), "unknown_field", `must be one of ${OWN_KEYS.join(", ")}`, metadata[key]);
  }
  const { consumer } = metadata;
  const router = readName(metadata, "router", problems);
  const provider = readName(metadata, "provider", problems);
  if (consumer !== undefined && consumer !== SUBMIT)
    problems.add(memberPath(FIELD, "consumer"), "enum", `must be ${SUBMIT}`, consumer);
  if ((metadata.provider === undefined) === (consumer === undefined))
    problems.add(FIELD, "one_of", `must have either provider (<namespace>/<name>) or consumer (${SUBMIT})`);
  const lagThreshold = readNumber(metadata, "lagThreshold", DEFAULT_LAG_THRESHOLD, problems);
  if (lagThreshold === 0) problems.add(memberPath(FIELD, "lagThreshold"), "minimum", "must be more than 0");
  const activationLagThreshold = readNumber(metadata, "activationLagThreshold", 0, problems);
  if (problems.list.length > 0) return err(problems.list);
  return ok({ router, provider, lagThreshold, activationLagThreshold });
}

function readName(
  metadata: Readonly<Record<string, string>>,
  key: "router" | "provider",
  problems: FieldProblems,
): ObjectName | undefined {
  const text = metadata[key];
  if (text === undefined) return undefined;
  const [namespace = "", name = "", ...rest] = text.split("/");
  if (rest.length === 0 && isFormat(dnsLabel, namespace) && isFormat(shortDnsLabel, name)) return { namespace, name };
  problems.add(memberPath(FIELD, key), "object_name", "must be <namespace>/<name>", text);
  return undefined;
}

function readNumber(
  metadata: Readonly<Record<string, string>>,
  key: string,
  otherwise: number,
  problems: FieldProblems,
): number {
  const text = metadata[key];
  if (text === undefined) return otherwise;
  if (NUMBER.test(text)) return Number(text);
  problems.add(memberPath(FIELD, key), "number", "must be a number that is not negative, such as 10 or 0.5", text);
  return otherwise;
}
