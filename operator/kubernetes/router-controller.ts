// One Router for as long as it is there: finds out which NATS it may use, runs its operator on it, and says so when it cannot.
import type { RouterKey } from "../../core/config/entry.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { parseDurationMs } from "../../core/policy/duration.ts";
import { planNatsAccess, type WrittenNats } from "../../core/reconcile/nats-access.ts";
import type { UnresolvedReference } from "../../core/reconcile/router.ts";
import type { RouterTrouble } from "../../core/reconcile/unserved.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { natsOptions } from "../../runtime/nats/settings.ts";
import { Fence } from "../fence.ts";
import type { Infrastructure } from "../interfaces.ts";
import type { OperatorMetrics } from "../metrics.ts";
import { Operator } from "../operator.ts";
import type { ProcessorView } from "../processor-view.ts";
import { KeyedQueue } from "../queue.ts";
import { KubernetesSource } from "../source/kubernetes/kubernetes-source.ts";
import type { MirroredObject } from "../source/kubernetes/mirrored-object.ts";
import type { MirrorChange, ObjectMirror } from "../source/kubernetes/object-mirror.ts";
import type { StatusBoard } from "../source/kubernetes/status-board.ts";
import { unlessAborted } from "../unless-aborted.ts";
import type { KubernetesConfig } from "./config.ts";
import { connectionTrouble } from "./connection-trouble.ts";
import { type Connection, routerConfigFor } from "./router-config.ts";
import { type NatsFiles, SecretFiles, type SecretNames } from "./secret-files.ts";
import { reportUnserved } from "./unserved-status.ts";

export interface RouterControllerOptions {
  readonly router: RouterKey;
  readonly installation: RouterKey;
  readonly config: KubernetesConfig;
  readonly client: KubernetesClient;
  readonly mirror: ObjectMirror;
  readonly board: StatusBoard;
  /** Of the installation. */
  readonly processors: ProcessorView;
  readonly metrics: OperatorMetrics;
  readonly routerEnvironment: Readonly<Record<string, string>>;
  readonly log: Logger;
  readonly clock: Clock;
  makeInfrastructure(router: RouterKey): Infrastructure;
  /** The end of whoever served a Router of this name before: both would write one bus. */
  readonly after?: Promise<void>;
}

interface Running {
  readonly identity: string;
  readonly link: NatsLink;
  readonly fence: Fence;
  readonly operator: Operator;
}

interface WrittenRouter {
  readonly nats?: WrittenNats;
  readonly subjects?: { readonly prefix?: string };
  readonly handover?: { readonly retention?: string };
}

const KEY = "router";
/** Secrets of other namespaces are read again this often, because nothing may watch them. */
const RECHECK_MS = 60_000;
/** One that cannot be read is mostly being made or permitted just now. */
const MISSING_RECHECK_MS = 5_000;
const RETRY = { baseMs: 500, maxMs: 15_000 };
/** Time for an operator to end when its Router's connection is another one. */
const RESTART_STOP_MS = 2_000;
/** For what is in flight when all work has ended. */
const DRAIN_MS = 500;
/** As the CRD has it; an object of an older CRD may lack it. */
const DEFAULT_RETENTION_MS = 900_000;

export class RouterController {
  private readonly options: RouterControllerOptions;
  private readonly queue: KeyedQueue;
  private readonly secrets: SecretFiles;
  private readonly recheck: NodeJS.Timeout;
  private readonly stopping = new AbortController();
  /** Of the operator that runs or is being started: what changes meanwhile must reach it. */
  private source: KubernetesSource | undefined;
  private running: Running | undefined;
  private trouble: RouterTrouble | undefined;
  /** Why a Secret that the Router names cannot be used, while routers run with what was there before. */
  private unresolved: UnresolvedReference | undefined;

  constructor(options: RouterControllerOptions) {
    this.options = options;
    this.secrets = new SecretFiles(options.client, this.stopping.signal);
    this.queue = new KeyedQueue({
      work: () => this.reconcile(),
      onError: (_key, error, retryMs) => this.fail(error, retryMs),
      backoff: RETRY,
    });
    this.queue.add(KEY);
    this.recheck = setInterval(() => this.queue.add(KEY), RECHECK_MS);
  }

  /** The Router object is another one, or has another spec. */
  routerChanged(): void {
    this.queue.add(KEY);
  }

  /** What users write has changed somewhere. */
  objectsChanged(changes: readonly MirrorChange[]): void {
    this.source?.objectsChanged(changes);
    if (this.trouble !== undefined) this.report(this.trouble);
  }

  /** Whether its configuration is written and its bus is ours. */
  published(): boolean {
    return this.running?.operator.published() ?? false;
  }

  /** `forGood`: the Router is gone, and leaves its bus to others. */
  async stop(deadlineMs: number, forGood = false): Promise<void> {
    clearInterval(this.recheck);
    this.stopping.abort();
    await this.queue.stop();
    await this.end(deadlineMs, forGood);
    await this.secrets.remove();
  }

  private async reconcile(): Promise<void> {
    const { mirror, router, after } = this.options;
    await after;
    const object = mirror.get("Router", router);
    if (object === undefined || object.deleting) return this.end(RESTART_STOP_MS);
    const spec = (object.spec ?? {}) as WrittenRouter;
    const access = planNatsAccess(router, spec.nats, this.installationNats());
    if (access.kind === "Refused") {
      await this.end(RESTART_STOP_MS);
      return this.report({ ...access, status: "False" });
    }
    const files = await this.filesFor(access);
    if (files === undefined) return;
    const connection: Connection = {
      access,
      files,
      prefix: spec.subjects?.prefix,
      retentionMs: parseDurationMs(spec.handover?.retention ?? "") ?? DEFAULT_RETENTION_MS,
      uid: object.meta.uid,
    };
    const identity = JSON.stringify(connection);
    if (this.running?.identity === identity) return;
    await this.end(RESTART_STOP_MS);
    this.running = await this.begin(identity, connection, object);
    this.trouble = undefined;
  }

  private installationNats(): Parameters<typeof planNatsAccess>[2] {
    const { config } = this.options;
    return {
      namespace: config.namespace,
      url: config.natsUrl,
      hasCredentials: config.natsCredentialsFile !== undefined || config.natsUrl.includes("@"),
      hasTls: config.natsTlsCaFile !== undefined,
      routerCredentialsSecret: config.routerNatsCredentialsSecret,
      routerTlsSecret: config.routerNatsTlsSecret,
      allowedUrls: config.natsUrlAllowed,
    };
  }

  /** Undefined when they cannot be had, which is told. One that runs goes on with what it has. */
  private async filesFor(access: Connection["access"]): Promise<NatsFiles | undefined> {
    const { config, router } = this.options;
    const names = { namespace: router.namespace, credentials: access.credentialsSecret, tls: access.tlsSecret };
    if (access.credentials === "Installation") {
      this.unresolved = await this.findTrouble(names);
      if (this.unresolved !== undefined) this.queue.add(KEY, MISSING_RECHECK_MS);
      const { credentialsFile, tls } = natsOptions(config);
      return { ...(credentialsFile === undefined ? {} : { credentialsFile }), ...(tls === undefined ? {} : { tls }) };
    }
    const files = await this.secrets.refresh(names);
    if (!files.ok && files.error.reason === "ApiServerUnavailable")
      throw new BeamlineError("UNAVAILABLE", files.error.message);
    this.unresolved = files.ok ? undefined : files.error;
    if (files.ok) return files.value;
    const { reason, message } = files.error;
    if (this.running === undefined) this.report({ condition: "ResolvedRefs", status: "False", reason, message });
    this.queue.add(KEY, MISSING_RECHECK_MS);
    return undefined;
  }

  /** Of Secrets that only pods read. Without the right to look, or an answer, nothing is said of them. */
  private async findTrouble(names: SecretNames): Promise<UnresolvedReference | undefined> {
    if (this.options.config.infrastructure === "Processes") return undefined;
    const trouble = await this.secrets.findTrouble(names);
    return trouble?.reason === "RefNotFound" || trouble?.reason === "SecretInvalid" ? trouble : undefined;
  }

  private async begin(identity: string, connection: Connection, object: MirroredObject): Promise<Running> {
    const { config, mirror, board, processors, metrics, log, clock, router, installation, routerEnvironment } =
      this.options;
    const { access, files, prefix } = connection;
    const name = `beamline-operator ${router.namespace}/${router.name}`;
    const { signal } = this.stopping;
    const names = namesFor(prefix);
    const connecting = connectNats({ url: access.url, timeoutMs: config.natsTimeoutMs, ...files, name, log });
    const link = await unlessAborted(connecting, signal, (late) => late.close());
    const source = new KubernetesSource({ mirror, board, router, installation });
    const { credentialsSecret: credentials, tlsSecret: tls } = access;
    const fence = new Fence(link, names);
    const settings = routerConfigFor(config, router, connection);
    const operator = new Operator({
      config: settings,
      processors: settings.hasRegistry ? processors : undefined,
      secrets: {
        ...(credentials === undefined ? {} : { credentials }),
        ...(tls === undefined ? {} : { tls, clientCertificate: files.tls?.certFile !== undefined }),
      },
      // The Lease decides which operator works: the next one takes over the bus of the last without a wait.
      holder: { instance: object.meta.uid, host: config.podName, pid: process.pid },
      routerEnvironment,
      names,
      link,
      fence,
      unresolved: () => this.unresolved,
      source,
      infrastructure: this.options.makeInfrastructure(router),
      metrics,
      log,
      clock,
    });
    this.source = source;
    try {
      await unlessAborted(fence.ask(), signal);
      await unlessAborted(operator.start(), signal);
    } catch (error) {
      await endWork({ operator, fence, link }, RESTART_STOP_MS);
      this.source = undefined;
      throw error;
    }
    return { identity, link, fence, operator };
  }

  private async end(deadlineMs: number, forGood = false): Promise<void> {
    const { running } = this;
    this.running = undefined;
    this.source = undefined;
    if (running === undefined) return;
    await endWork(running, deadlineMs, forGood);
    this.options.board.forget(this.options.router);
  }

  private fail(error: unknown, retryMs: number): void {
    if (this.stopping.signal.aborted) return;
    const { log, router } = this.options;
    log.warn("router not served", {
      router: `${router.namespace}/${router.name}`,
      reason: reasonOf(error),
      retry_ms: retryMs,
    });
    if (this.running === undefined) this.report(connectionTrouble(error));
  }

  private report(trouble: RouterTrouble): void {
    const { mirror, board, router, installation, clock } = this.options;
    this.trouble = trouble;
    reportUnserved({ mirror, board, router, installation, nowMs: () => clock.nowMs() }, trouble);
  }
}

/** By the deadline the connection is closed, which ends what still waits for the server. */
async function endWork(
  { operator, fence, link }: Pick<Running, "operator" | "fence" | "link">,
  deadlineMs: number,
  forGood = false,
): Promise<void> {
  fence.stop();
  const deadline = setTimeout(() => void link.close(), deadlineMs);
  await operator.stop(deadlineMs, forGood);
  clearTimeout(deadline);
  await link.drain(DRAIN_MS);
}
