// The work of the leading operator: one controller for each Router, and the installation's Router made when it is missing.

import type { RouterKey } from "../../core/config/entry.ts";
import { isSameRouter, routerOf } from "../../core/reconcile/attach.ts";
import { errorOf } from "../../kubernetes/failure.ts";
import { apiVersionOf } from "../../kubernetes/object.ts";
import { createObject } from "../../kubernetes/objects.ts";
import { reasonOf } from "../../runtime/errors.ts";
import { KeyedQueue } from "../queue.ts";
import type { MirrorChange } from "../source/kubernetes/object-mirror.ts";
import { RESOURCE_TYPES } from "../source/kubernetes/resource-types.ts";
import { FIELD_MANAGER } from "./field-owner.ts";
import { RouterController, type RouterControllerOptions } from "./router-controller.ts";
import type { RouterMetrics } from "./router-metrics.ts";

export interface RouterSetOptions extends Omit<RouterControllerOptions, "router" | "metrics"> {
  readonly metrics: RouterMetrics;
}

/** Routers that one operator serves. */
export const MAX_ROUTER_OBJECTS = 500;
/** A Router that is gone has no pods to tell of. */
const REMOVED_STOP_MS = 2_000;
const INSTALLATION = "installation";
const RETRY = { baseMs: 500, maxMs: 15_000 };

export class RouterSet {
  private readonly options: RouterSetOptions;
  private readonly controllers = new Map<string, RouterController>();
  /** Controllers of Routers that are gone, on their way out. */
  private readonly ending = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();
  private readonly queue: KeyedQueue;

  constructor(options: RouterSetOptions) {
    this.options = options;
    this.queue = new KeyedQueue({
      work: () => this.ensureInstallation(),
      onError: (_key, error, retryMs) => {
        options.log.warn("router not made", { reason: reasonOf(error), retry_ms: retryMs });
      },
      backoff: RETRY,
    });
    this.ensureAll();
    this.queue.add(INSTALLATION);
  }

  /** What the mirror tells. Status alone is no change of what is desired. */
  take(changes: readonly MirrorChange[]): void {
    this.options.board.takeChanges(changes);
    const written = changes.filter(({ specChanged }) => specChanged);
    if (written.length === 0) return;
    for (const { kind, previous, current } of written) {
      const router = kind === "Router" ? (current ?? previous)?.meta : undefined;
      if (router !== undefined) this.takeRouter(router);
    }
    for (const controller of this.controllers.values()) controller.objectsChanged(written);
    this.queue.add(INSTALLATION);
  }

  /** Routers whose configuration is not written. */
  unpublished(): readonly string[] {
    return [...this.controllers].filter(([, controller]) => !controller.published()).map(([key]) => key);
  }

  async stop(deadlineMs: number): Promise<void> {
    this.stopping.abort();
    const controllers = [...this.controllers.values()];
    this.controllers.clear();
    await Promise.all([
      this.queue.stop(),
      ...controllers.map((each) => each.stop(deadlineMs)),
      ...this.ending.values(),
    ]);
  }

  private takeRouter(router: RouterKey): void {
    const object = this.options.mirror.get("Router", router);
    const key = `${router.namespace}/${router.name}`;
    if (object !== undefined) {
      this.ensure(router);
      this.controllers.get(key)?.routerChanged();
      return;
    }
    const controller = this.controllers.get(key);
    if (controller === undefined) return;
    this.controllers.delete(key);
    const { metrics, log } = this.options;
    const ended = controller
      .stop(REMOVED_STOP_MS, true)
      .catch((error: unknown) => log.error("router not ended in order", { router: key, reason: reasonOf(error) }))
      .finally(() => {
        if (this.ending.get(key) === ended) this.ending.delete(key);
        if (!this.controllers.has(key)) metrics.forget(key);
        // Its place among the most that are served may be waited for.
        if (!this.stopping.signal.aborted) this.ensureAll();
      });
    this.ending.set(key, ended);
  }

  private ensureAll(): void {
    for (const { meta } of this.options.mirror.objects("Router")) this.ensure(meta);
  }

  private ensure({ namespace, name }: RouterKey): void {
    const key = `${namespace}/${name}`;
    if (this.controllers.has(key)) return;
    const { metrics, installation, log } = this.options;
    if (this.controllers.size >= MAX_ROUTER_OBJECTS) {
      log.error("router left aside", { router: key, limit: MAX_ROUTER_OBJECTS });
      return;
    }
    const router = { namespace, name };
    const own = metrics.for(key, isSameRouter(router, installation));
    const after = this.ending.get(key);
    const ending = after === undefined ? {} : { after };
    this.controllers.set(key, new RouterController({ ...this.options, router, metrics: own, ...ending }));
  }

  /** The first policy that names no Router gets one made, as nothing else would ever run it. */
  private async ensureInstallation(): Promise<void> {
    const { mirror, installation } = this.options;
    if (mirror.get("Router", installation) !== undefined) return;
    const isNeeded = [...mirror.objects("RoutingPolicy")].some(
      ({ spec, deleting }) => !deleting && isSameRouter(routerOf(spec, installation), installation),
    );
    if (isNeeded) await this.makeInstallation();
  }

  private async makeInstallation(): Promise<void> {
    const { client, installation, log } = this.options;
    const type = RESOURCE_TYPES.Router;
    const labels = { "app.kubernetes.io/name": "beamline", "app.kubernetes.io/managed-by": FIELD_MANAGER };
    const object = {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      metadata: { ...installation, labels },
      spec: {},
    };
    const { signal } = this.stopping;
    const made = await createObject(client, type, object, { fieldManager: FIELD_MANAGER, signal });
    const router = `${installation.namespace}/${installation.name}`;
    if (made.ok) log.info("router made for policies that name none", { router });
    else if (made.error.kind !== "AlreadyExists" && made.error.kind !== "Stopped")
      throw errorOf(made.error, `create Router ${router}`);
  }
}
