// What a client tells its user of: everything that happens away from the component's own work.
import type { FieldViolation } from "./call-problem.ts";

export type ComponentEvent =
  | { readonly kind: "registered"; readonly id: string; readonly instance: string; readonly address: string }
  /** The control plane has forgotten the component, or was started anew: it registers again. */
  | { readonly kind: "forgotten" }
  /** What was registered breaks a rule, or may not be registered by this caller. It is tried again, more and more rarely. */
  | {
      readonly kind: "refused";
      readonly code: string;
      readonly message: string;
      readonly violations: readonly FieldViolation[];
    }
  /** Told once, until `reached`. */
  | { readonly kind: "unreachable"; readonly code: string; readonly message: string }
  | { readonly kind: "reached" }
  /** Another instance has registered under the id: this one sends nothing any more. */
  | { readonly kind: "superseded"; readonly message: string }
  | { readonly kind: "configurationApplied"; readonly revision: bigint }
  | { readonly kind: "configurationRefused"; readonly revision: bigint; readonly error: string }
  /** A metric or status was left out because the control plane would refuse it. */
  | { readonly kind: "reportTrimmed"; readonly message: string }
  | { readonly kind: "unregistered" };

export type EventListener = (event: ComponentEvent) => void;

/** A listener that throws must not end what it listens to. `what` names it in the warning. */
export function guardListener<T>(what: string, listener: ((event: T) => void) | undefined): (event: T) => void {
  return (event) => {
    try {
      listener?.(event);
    } catch (error) {
      process.emitWarning(`${what} threw: ${String(error)}`, "BeamlineWarning");
    }
  };
}
