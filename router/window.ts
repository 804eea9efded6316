// Deliveries that need more than handling: delivered suspiciously often, or again after the window of the guarantee.
import type { Delivery, HandleContext } from "./delivery.ts";

/** Deliveries of one message after which something in it is suspected to kill its handlers (older invariant: at most 50). */
const MAX_DELIVERIES = 50;
/** Share of the retention after which a stored assignment may be about to expire while it is looked for. */
const SAFE_SHARE = 0.9;

export function isPoisonSuspected(delivery: Delivery): boolean {
  return delivery.position !== undefined && delivery.position.deliveryCount >= MAX_DELIVERIES;
}

/**
 * Whether the message was delivered before and is so old that its assignment may have been stored and expired. When it was
 * delivered first is not known: the age of the message bounds it.
 */
export function isBeyondWindow(delivery: Delivery, context: HandleContext): boolean {
  const { position } = delivery;
  if (position === undefined || position.deliveryCount <= 1) return false;
  return delivery.nowMs - position.timestampMs > context.retentionMs * SAFE_SHARE;
}
