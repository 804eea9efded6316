// How the consumer of a JetStream delivery is told what became of it.
import type { NatsConnection } from "@nats-io/nats-core";
import type { Disposition } from "../core/handover/effects.ts";

const NANOS_PER_MS = 1_000_000;
/** `+TERM` reasons are shown by the server's advisory; longer ones are cut. */
const MAX_REASON = 200;

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");

/** Tells the consumer; not awaited: a lost acknowledgement is a redelivery, which finds the effect standing. */
export function settleDelivery(nc: NatsConnection, reply: string, disposition: Disposition): void {
  switch (disposition.kind) {
    case "ack":
      nc.publish(reply, ACK);
      return;
    case "nak": {
      const delay = Math.round(disposition.delayMs) * NANOS_PER_MS;
      nc.publish(reply, encoder.encode(`-NAK ${JSON.stringify({ delay })}`));
      return;
    }
    case "term":
      nc.publish(reply, encoder.encode(`+TERM ${disposition.reason.slice(0, MAX_REASON)}`));
      return;
    case "none":
      return;
  }
}
