// What the operator of one Router is made of, whatever objects come from and routers run on.
import type { Names } from "../core/handover/subjects.ts";
import type { BackoffSpec } from "../core/reconcile/backoff.ts";
import type { LeaseHolder, UnresolvedReference } from "../core/reconcile/router.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/log.ts";
import type { NatsLink } from "../runtime/nats/connection.ts";
import type { RouterConfig } from "./config.ts";
import type { Fence } from "./fence.ts";
import type { Infrastructure, ObjectSource, RouterSecrets } from "./interfaces.ts";
import type { OperatorMetrics } from "./metrics.ts";
import type { ProcessorView } from "./processor-view.ts";

export interface OperatorOptions {
  readonly config: RouterConfig;
  readonly secrets?: RouterSecrets;
  readonly routerEnvironment: Readonly<Record<string, string>>;
  readonly names: Names;
  /** This operator, among those that may want to write the same bus. */
  readonly holder: LeaseHolder;
  readonly link: NatsLink;
  readonly fence: Pick<Fence, "unfenced">;
  /** Why what the Router refers to cannot be used, though routers run with what was there before. */
  unresolved?(): UnresolvedReference | undefined;
  readonly source: ObjectSource;
  readonly infrastructure: Infrastructure;
  /** Processors of the installation; absent for a Router of another NATS account. */
  readonly processors?: ProcessorView | undefined;
  readonly metrics: OperatorMetrics;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Everything is compared again this often, changed or not. */
export const RESYNC_MS = 30_000;
/** How long the configuration bucket may take to be read at the start. */
export const START_TIMEOUT_MS = 10_000;
/** Of work that failed. */
export const RETRY: BackoffSpec = { baseMs: 100, maxMs: 10_000 };
