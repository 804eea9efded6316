// Ways of taking steps that look right and are not, each seen to be found by the checker.
import type { EffectResult } from "../../../core/handover/effects.ts";
import type { StepResult } from "../../../core/steps/step.ts";
import type { Delivery, HandleContext } from "../../../router/delivery.ts";
import { handleDelivery } from "../../../router/handle.ts";
import { type Protocol, routerProtocol, type SimEffect } from "./protocol.ts";
import { STEPS_TABLE } from "./tables.ts";
import type { WrongOrder } from "./wrong-orders.ts";

const AGREED: StepResult = { kind: "called", outcome: { kind: "answered", parts: [] }, elapsedMs: 0 };

/** The router, except that what an effect gives is what `change` says of it. */
function withEffects(change: (effect: SimEffect, result: EffectResult) => EffectResult): Protocol {
  return {
    reroute: routerProtocol.reroute,
    handle: function* (delivery: Delivery, context: HandleContext) {
      const handling = handleDelivery(delivery, context);
      let next = handling.next({ kind: "done" });
      while (!next.done) {
        const effect: SimEffect = next.value;
        next = handling.next(change(effect, yield effect));
      }
      return next.value;
    },
  };
}

/** The router, except that nobody looks what stands before work was published under steps. */
const withoutLooking: Protocol = {
  reroute: routerProtocol.reroute,
  handle: function* (delivery: Delivery, context: HandleContext) {
    const handling = handleDelivery(delivery, context);
    const hasSteps = context.configRevision === STEPS_TABLE + 1;
    let hasPublished = false;
    let next = handling.next({ kind: "done" });
    while (!next.done) {
      const { kind } = next.value;
      hasPublished ||= kind === "publish";
      next = handling.next(kind === "readLast" && hasSteps && !hasPublished ? { kind: "absent" } : yield next.value);
    }
    return next.value;
  },
};

const stageOf = (effect: SimEffect): string | undefined =>
  effect.kind === "callStep" ? effect.call.metadata["beamline.stage"] : undefined;

export const WRONG_STEPS: readonly WrongOrder[] = [
  { name: "steps before a look at what stands", protocol: withoutLooking, consequence: /: its work stands$/ },
  {
    name: "a validator that is away counts as a yes",
    protocol: withEffects((effect, result) =>
      stageOf(effect) === "validator" && result.kind === "called" && result.outcome.kind !== "answered"
        ? AGREED
        : result,
    ),
    consequence: /: no validator agreed$/,
  },
  {
    name: "post steps whose answer comes too late for the assignment",
    protocol: withEffects((effect, result) => (stageOf(effect) === "post" ? AGREED : result)),
    consequence: /: without its post step$/,
  },
];
