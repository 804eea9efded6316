// The log of a list-and-watch: a failure that goes on for hours is worth a few lines, not one for each try.
import type { Logger } from "../runtime/log.ts";
import type { ApiFailure, FailureKind } from "./failure.ts";
import type { ListWatchStep } from "./list-watch.ts";
import { apiVersionOf, type ResourceType } from "./object.ts";

export class FailureLog {
  private readonly log: Logger;
  /** Kinds of failures told of since all was well. */
  private readonly told = new Set<FailureKind>();

  constructor(log: Logger, type: ResourceType, namespace: string | undefined) {
    this.log = log.child({
      kind: type.kind,
      api_version: apiVersionOf(type),
      ...(namespace === undefined ? {} : { namespace }),
    });
  }

  /**
   * After a step: what failed, how many did in a row by now (0: it had worked until then), and what comes next. Of many in a row
   * the first of each kind is written, and then the second, fourth, eighth and so on.
   */
  record(failure: ApiFailure | undefined, failures: number, next: ListWatchStep): void {
    if (failures === 0 && this.told.size > 0) {
      this.told.clear();
      this.log.info("lists and watches work again");
    }
    if (failure === undefined) return;
    if (this.told.has(failure.kind) && !isPowerOfTwo(failures)) return;
    this.told.add(failure.kind);
    this.log.warn("a list or watch failed", {
      reason: failure.kind,
      detail: failure.message,
      failures,
      next: next.action,
      delay_ms: Math.round(next.delayMs),
    });
  }
}

function isPowerOfTwo(count: number): boolean {
  return Number.isInteger(Math.log2(count));
}
