// The operator in a cluster: mirrors objects always, and while it leads serves every Router.
import { randomUUID } from "node:crypto";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { EventRecorder } from "../../kubernetes/events.ts";
import { LeaderElector } from "../../kubernetes/lease.ts";
import { StatusWriter } from "../../kubernetes/status-writer.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Check } from "../../runtime/health.ts";
import type { Logger } from "../../runtime/log.ts";
import type { Metrics } from "../../runtime/metrics.ts";
import { natsOptions } from "../../runtime/nats/settings.ts";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { createOperatorMetrics } from "../metrics.ts";
import { TransitionRecorder } from "../record-transitions.ts";
import { ObjectMirror } from "../source/kubernetes/object-mirror.ts";
import { StatusBoard } from "../source/kubernetes/status-board.ts";
import { type NamespaceSelection, WatchedNamespaces } from "../source/kubernetes/watched-namespaces.ts";
import { upgradeCrds } from "../upgrade-crds.ts";
import { chooseInfrastructure } from "./choose-infrastructure.ts";
import { declareClusterMetrics } from "./cluster-metrics.ts";
import type { KubernetesConfig } from "./config.ts";
import { FIELD_MANAGER } from "./field-owner.ts";
import { RegistryFollower } from "./follow-registry.ts";
import { RouterMetrics } from "./router-metrics.ts";
import { RouterSet } from "./router-set.ts";

export interface KubernetesOperatorOptions {
  readonly config: KubernetesConfig;
  readonly client: KubernetesClient;
  readonly metrics: Metrics;
  readonly routerEnvironment: Readonly<Record<string, string>>;
  readonly log: Logger;
}

const CONTROLLER = "beamline.dev/operator";
/** For what a leader has begun, when it ends; less than the Lease leaves between the end of a term and the next. */
const TERM_STOP_MS = 3_000;

export class KubernetesOperator {
  private readonly options: KubernetesOperatorOptions;
  private readonly mirror: ObjectMirror;
  private readonly elector: LeaderElector;
  private readonly metrics: RouterMetrics;
  private routers: RouterSet | undefined;

  constructor(options: KubernetesOperatorOptions) {
    this.options = options;
    const { config, client, log } = options;
    this.metrics = new RouterMetrics(createOperatorMetrics(options.metrics));
    declareClusterMetrics(options.metrics, {
      isLeading: () => this.elector.leading(),
      isMirrorCurrent: () => this.mirror.failures() === undefined,
      unservedRouters: () => this.routers?.unpublished().length ?? 0,
    });
    const namespaces = new WatchedNamespaces({
      client,
      selection: selectionOf(config),
      ownNamespace: config.namespace,
      log,
    });
    this.mirror = new ObjectMirror({ client, namespaces, log });
    this.mirror.onChange((changes) => this.routers?.take(changes));
    this.elector = new LeaderElector({
      client,
      namespace: config.namespace,
      name: config.leaseName,
      identity: `${config.podName}_${randomUUID()}`,
      lead: (signal) => this.lead(signal),
      log,
    });
  }

  /** Returns at once: objects are mirrored and leadership is asked for until `stop`. */
  start(): void {
    this.mirror.start();
    this.elector.start();
  }

  /** Ends the work and gives the Lease back, so that another operator leads within a round trip. */
  async stop(): Promise<void> {
    await this.elector.stop();
    await this.mirror.stop();
  }

  live(): readonly Check[] {
    const { hung } = this.elector.status();
    return [{ name: "leadership", ok: !hung, detail: "the work of a leader ends when it is told to" }];
  }

  /** A standby is ready when it could lead; a leader stays ready while a Router has trouble, which its status tells. */
  ready(): readonly Check[] {
    const { leading, holder } = this.elector.status();
    const failures = this.mirror.failures();
    return [
      { name: "objects", ok: failures === undefined, detail: failures ?? "every kind is mirrored" },
      { name: "leadership", ok: leading || holder !== undefined, detail: `the Lease is held by ${holder ?? "nobody"}` },
    ];
  }

  private async lead(signal: AbortSignal): Promise<void> {
    const { config, log, routerEnvironment } = this.options;
    const client = this.options.client.guardedBy(() => this.elector.leading());
    await this.upgradeCrds(client, signal);
    if (signal.aborted) return;
    const writer = new StatusWriter({ client, fieldManager: FIELD_MANAGER, log });
    const events = new EventRecorder({ client, controller: CONTROLLER, instance: config.podName, log });
    const transitions = new TransitionRecorder((occurrence) => events.record(occurrence));
    const board = new StatusBoard({
      mirror: this.mirror,
      writer,
      onConditions: (change) => transitions.record(change),
      onGone: (uid) => transitions.forget(uid),
    });
    const registry = new RegistryFollower({ ...natsOptions(config), name: "beamline-operator registry", log });
    registry.start();
    const infrastructure = chooseInfrastructure({ config, client, events, log });
    const routers = new RouterSet({
      installation: { namespace: config.namespace, name: config.routerName },
      config,
      client,
      mirror: this.mirror,
      board,
      processors: registry.processors,
      metrics: this.metrics,
      routerEnvironment,
      log,
      clock: systemClock,
      makeInfrastructure: (router) => infrastructure(router),
    });
    this.routers = routers;
    await aborted(signal);
    this.routers = undefined;
    await Promise.all([routers.stop(TERM_STOP_MS), registry.stop()]);
    board.stop();
    await writer.stop();
    await events.stop();
  }

  /** Kinds that were missing may be installed in a version before this release's: they are looked at again when they are there. */
  private async upgradeCrds(client: KubernetesClient, signal: AbortSignal): Promise<void> {
    const upgrade = (): ReturnType<typeof upgradeCrds> =>
      upgradeCrds({ client, log: this.options.log, version: PRODUCT_VERSION, signal });
    const before = await upgrade();
    await this.whenSynced(signal);
    if (!signal.aborted && before.some(({ outcome }) => outcome === "Missing")) await upgrade();
  }

  /** Without the CRDs, or the right to list, a leader has nothing to do but to wait: it is told by `ready`. */
  private async whenSynced(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await Promise.race([this.mirror.waitUntilSynced(), aborted(signal)]);
        return;
      } catch (error) {
        this.options.log.warn("objects are not mirrored so far", { error });
      }
    }
  }
}

function selectionOf({ watchNamespaces, watchNamespaceSelector }: KubernetesConfig): NamespaceSelection {
  if (watchNamespaceSelector !== undefined) return { mode: "Labelled", selector: watchNamespaceSelector };
  return watchNamespaces.length === 0 ? { mode: "All" } : { mode: "Named", names: watchNamespaces };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
