// The work of the leading operator: one controller for each Router, and the installation's Router made when it is missing.

import type { RouterKey } from "../../core/config/entry.ts";
import { isSameRouter, routerOf } from "../../core/reconcile/attach.ts";
import { apiVersionOf } from "../../kubernetes/object.ts";
import { createObject } from "../../kubernetes/objects.ts";
import { reasonOf } from "../../runtime/errors.ts";
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

export class RouterSet {
  private readonly options: RouterSetOptions;
  private readonly controllers = new Map<string, RouterController>();
  private making: Promise<void> | undefined;

  constructor(options: RouterSetOptions) {
    this.options = options;
    for (const { meta } of options.mirror.objects("Router")) this.ensure(meta);
    this.ensureInstallation();
  }

  /** What the mirror tells. Status alone is no change of what is desired. */
  take(changes: readonly MirrorChange[]): void {
    const written = changes.filter(({ specChanged }) => specChanged);
    if (written.length === 0) return;
    for (const { kind, previous, current } of written) {
      const router = kind === "Router" ? (current ?? previous)?.meta : undefined;
      if (router !== undefined) this.takeRouter(router);
    }
    for (const controller of this.controllers.values()) controller.objectsChanged();
    this.ensureInstallation();
  }

  /** Routers whose configuration is not written. */
  unpublished(): readonly string[] {
    return [...this.controllers].filter(([, controller]) => !controller.published()).map(([key]) => key);
  }

  async stop(deadlineMs: number): Promise<void> {
    await this.making;
    await Promise.all([...this.controllers.values()].map((controller) => controller.stop(deadlineMs)));
    this.controllers.clear();
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
    this.controllers.delete(key);
    this.options.metrics.forget(key);
    void controller?.stop(REMOVED_STOP_MS);
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
    this.controllers.set(key, new RouterController({ ...this.options, router, metrics: own }));
  }

  /** The first policy that names no Router gets one made, as nothing else would ever run it. */
  private ensureInstallation(): void {
    const { mirror, installation } = this.options;
    if (this.making !== undefined || mirror.get("Router", installation) !== undefined) return;
    const isNeeded = [...mirror.objects("RoutingPolicy")].some(
      ({ spec, deleting }) => !deleting && isSameRouter(routerOf(spec, installation), installation),
    );
    if (!isNeeded) return;
    this.making = this.makeInstallation().finally(() => {
      this.making = undefined;
    });
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
    const made = await createObject(client, type, object, { fieldManager: FIELD_MANAGER }).catch((error: unknown) => {
      log.error("router not made", { reason: reasonOf(error) });
    });
    if (made === undefined) return;
    const fields = { router: `${installation.namespace}/${installation.name}` };
    if (made.ok) log.info("router made for policies that name none", fields);
    else if (made.error.kind !== "AlreadyExists")
      log.warn("router not made", { ...fields, reason: made.error.message });
  }
}

/** A Router that is gone has no pods to tell of. */
const REMOVED_STOP_MS = 2_000;
