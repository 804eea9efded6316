// What a worker remembers of the work it has finished, so that a redelivery is answered again and not done again.
import type { Outcome } from "./assignment.ts";

/** Effects remembered; the one finished longest ago is forgotten first. */
const MAX_FINISHED_EFFECTS = 4096;

/** Outcomes by effect id. A worker whose work must survive its own restart keeps this where the work's result is kept. */
export class FinishedEffects {
  private readonly outcomes = new Map<string, Outcome>();

  outcome(effectId: string): Outcome | undefined {
    return this.outcomes.get(effectId);
  }

  remember(effectId: string, outcome: Outcome): void {
    this.outcomes.set(effectId, outcome);
    if (this.outcomes.size <= MAX_FINISHED_EFFECTS) return;
    const oldest = this.outcomes.keys().next();
    if (!oldest.done) this.outcomes.delete(oldest.value);
  }
}
