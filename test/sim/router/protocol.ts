// The code under simulation, or a variant of it with a known mistake.
import type { Disposition, Effect, EffectResult } from "../../../core/handover/effects.ts";
import type { Delivery, HandleContext, Handled } from "../../../router/delivery.ts";
import { handleDelivery } from "../../../router/handle.ts";
import { type Reroute, rerouteEffect } from "./reroute.ts";

/** Besides the effects of the router, one that only mistaken variants need: settling in the middle of handling. */
export type SimEffect = Effect | { readonly kind: "settle"; readonly disposition: Disposition };

export interface Protocol {
  handle(delivery: Delivery, context: HandleContext): Generator<SimEffect, Handled, EffectResult>;
  readonly reroute: Reroute;
}

export const routerProtocol: Protocol = { handle: handleDelivery, reroute: rerouteEffect };
