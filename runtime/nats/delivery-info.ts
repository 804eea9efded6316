// What the reply subject of a JetStream delivery says: where the message stands and how often it was delivered.

export interface DeliveryInfo {
  readonly stream: string;
  readonly consumer: string;
  /** 1 on the first delivery. */
  readonly deliveryCount: number;
  readonly streamSequence: number;
  /** Counts the deliveries of the consumer from 1, without gaps. */
  readonly consumerSequence: number;
  /** When the server stored the message, by its clock, in milliseconds since the Unix epoch. */
  readonly timestampMs: number;
  /** Messages that the consumer has yet to deliver. */
  readonly pending: number;
}

/** `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<timestamp ns>.<pending>` */
const SHORT_TOKENS = 9;
const SHORT_FIRST = 2;
/** With `<domain>.<account hash>` after the prefix, and possibly a random token at the end (ADR-15). */
const LONG_TOKENS = 11;
const LONG_FIRST = 4;
/** Digits of a nanosecond timestamp behind its milliseconds. */
const SUB_MS_DIGITS = 6;
const DECIMAL = /^[0-9]{1,19}$/;

/** Undefined when the subject is not one of a JetStream delivery. */
export function parseDeliveryInfo(reply: string): DeliveryInfo | undefined {
  const tokens = reply.split(".");
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK") return undefined;
  const first = firstToken(tokens.length);
  const stream = tokens[first];
  const consumer = tokens[first + 1];
  const nanoseconds = tokens[first + 5];
  if (!stream || !consumer || nanoseconds === undefined || !DECIMAL.test(nanoseconds)) return undefined;
  const deliveryCount = count(tokens[first + 2]);
  const streamSequence = count(tokens[first + 3]);
  const consumerSequence = count(tokens[first + 4]);
  const pending = count(tokens[first + 6]);
  if (deliveryCount === undefined || streamSequence === undefined) return undefined;
  if (consumerSequence === undefined || pending === undefined) return undefined;
  const timestampMs = Number(nanoseconds.slice(0, -SUB_MS_DIGITS));
  return { stream, consumer, deliveryCount, streamSequence, consumerSequence, timestampMs, pending };
}

/** Place of the stream's name; past the end when the subject has neither form. */
function firstToken(tokens: number): number {
  if (tokens === SHORT_TOKENS) return SHORT_FIRST;
  return tokens === LONG_TOKENS || tokens === LONG_TOKENS + 1 ? LONG_FIRST : tokens;
}

function count(text: string | undefined): number | undefined {
  if (text === undefined || !DECIMAL.test(text)) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}
