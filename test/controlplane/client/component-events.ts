// What a registered component told, in order, and waiting for one of it.
import type { ComponentEvent } from "../../../controlplane/client/events.ts";
import { eventually } from "../../support/await.ts";

export class ComponentEvents {
  readonly told: ComponentEvent[] = [];
  readonly listener = (event: ComponentEvent): void => {
    this.told.push(event);
  };

  kinds(): string[] {
    return this.told.map(({ kind }) => kind);
  }

  /** Resolves to the first event of this kind that is told at or after place `from`. */
  async next<K extends ComponentEvent["kind"]>(
    kind: K,
    options: { readonly deadlineMs: number; readonly from?: number },
  ): Promise<Extract<ComponentEvent, { kind: K }>> {
    const event = await eventually(() => this.told.slice(options.from).find((one) => one.kind === kind), {
      deadlineMs: options.deadlineMs,
      describe: () => `the event ${kind}; told were ${this.kinds().join(", ")}`,
    });
    return event as Extract<ComponentEvent, { kind: K }>;
  }
}
