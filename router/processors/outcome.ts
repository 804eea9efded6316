// What calling a processor comes to, as data: what it answered, its own no, or why there is no answer.
import { status } from "@grpc/grpc-js";

/** Payload and properties: what goes to a processor and what comes back. */
export interface ProcessorMessage {
  readonly payload: Uint8Array;
  readonly metadata: Readonly<Record<string, string>>;
}

export type ProcessOutcome =
  /** It ended its stream well; none, one or several messages. */
  | { readonly kind: "answered"; readonly messages: readonly ProcessorMessage[] }
  /** The processor's own no: the same message would be refused again. */
  | { readonly kind: "refused"; readonly code: RefusalCode; readonly message: string }
  /** Not reached, ended in between, broken, or busy: another try may help. */
  | { readonly kind: "unavailable"; readonly reason: string }
  | { readonly kind: "timeout" }
  /** The message, or what was answered, exceeds a bound. */
  | { readonly kind: "tooLarge"; readonly reason: string };

const REFUSAL_CODES = ["INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** Characters of a processor's text that are repeated. */
const MAX_TEXT = 256;
/** What grpc-js puts behind a failed connection even when it has nothing to say there. */
const EMPTY_NOTE = /\. Resolution note: *$/;
/** gRPC has no code of its own for this: libraries say RESOURCE_EXHAUSTED in these words, as clients and as servers. */
const TOO_LARGE = /message (?:larger than max|with a size larger than)/i;

/** The end of a stream that did not end well. */
export function describeFailure(code: status, details: string): Exclude<ProcessOutcome, { kind: "answered" }> {
  if (code === status.DEADLINE_EXCEEDED) return { kind: "timeout" };
  const name = status[code] ?? String(code);
  const message = shorten(details.replace(EMPTY_NOTE, ""));
  const refusal = REFUSAL_CODES.find((one) => one === name);
  if (refusal !== undefined) return { kind: "refused", code: refusal, message };
  if (code === status.RESOURCE_EXHAUSTED && TOO_LARGE.test(details)) return { kind: "tooLarge", reason: message };
  return { kind: "unavailable", reason: message === "" ? name : `${name}: ${message}` };
}

function shorten(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
