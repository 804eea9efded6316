// A whole installation with a load on it, and what is done to its parts.
import assert from "node:assert/strict";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { namesFor } from "../../../core/handover/subjects.ts";
import { eventually } from "../../support/await.ts";
import { DEADLINE_MS, type Installation, NAMESPACE } from "../installation.ts";
import { processWith } from "../process-in-pod.ts";
import { LoadProcess } from "./load-process.ts";
import type { PhaseReport } from "./phase.ts";
import { RouterWatch } from "./router-watch.ts";

const EXAMPLES = join(import.meta.dirname, "..", "..", "..", "examples");
const ROUTER = { namespace: NAMESPACE, name: "default" };
export const NATS = "beamline-nats";
export const NATS_POD = `${NATS}-0`;
/** That run when nothing happens. */
export const ROUTERS = 2;
/** Durable messages and requests, together 1,000 a second. */
const PER_SECOND_EACH = 500;
/** What a router that was killed had in hand comes again after this, and not only after the 30 s that are the default. */
const ACK_WAIT = "10s";
const NATS_TOO_SLOW = "503 Whether the effect exists could not be found out: timeout";
const NOTHING = { lost: [], doubled: [], unanswered: [], contradicted: [], unfinished: 0 };

export class ClusterUnderLoad implements AsyncDisposable {
  readonly beamline: Installation;
  readonly load: LoadProcess;
  readonly routers: RouterWatch;
  /** With the operator's rights, to look into streams. */
  readonly inspector: NatsConnection;

  private constructor(parts: Pick<ClusterUnderLoad, "beamline" | "load" | "routers" | "inspector">) {
    this.beamline = parts.beamline;
    this.load = parts.load;
    this.routers = parts.routers;
    this.inspector = parts.inspector;
  }

  /** Installs the chart and the quickstart, waits until they are in force, and starts the load. */
  static async start(beamline: Installation): Promise<ClusterUnderLoad> {
    const ackWait = ["operator.extraEnv[0].name=BEAMLINE_ACK_WAIT", `operator.extraEnv[0].value=${ACK_WAIT}`];
    await beamline.install(...ackWait.map((value) => `--set=${value}`));
    await beamline.kubectl("apply", "--filename", join(EXAMPLES, "quickstart"));
    await beamline.kubectl("wait", "--for=condition=Ready", "rp", "--all", "--all-namespaces", "--timeout=110s");
    const routers = new RouterWatch(beamline.kubectlCommand(), ROUTER.namespace, ROUTER.name);
    await routers.whenAll(ROUTERS, "run", () => true, DEADLINE_MS);
    const inspector = await beamline.connectNats("operator");
    const manager = await jetstreamManager(inspector, { checkAPI: false });
    const address = await beamline.inNamespace("get", "service", NATS, "--output=jsonpath={.spec.clusterIP}");
    const load = await LoadProcess.start(beamline.cluster.enter(), {
      natsUrl: `nats://${address}:4222`,
      producer: Buffer.from(await beamline.credentials("producer")).toString(),
      worker: Buffer.from(await beamline.credentials("worker")).toString(),
      streamCreated: (await manager.streams.info(namesFor().streams.submit)).created,
      router: ROUTER,
      perSecond: PER_SECOND_EACH,
    });
    return new ClusterUnderLoad({ beamline, load, routers, inspector });
  }

  /** Runs a fault as a phase of the load. Whatever happened, nothing may be lost, doubled, unanswered or contradicted. */
  async during(name: string, fault: () => Promise<void>): Promise<PhaseReport> {
    this.routers.takeFewestReady();
    await this.load.begin(name);
    await fault();
    const report = await this.load.end(DEADLINE_MS);
    process.stderr.write(`${JSON.stringify({ ...report, fewestReady: this.routers.takeFewestReady() })}\n`);
    const { lost, doubled, unanswered, contradicted, unfinished } = report;
    assert.deepEqual({ lost, doubled, unanswered, contradicted, unfinished }, NOTHING);
    assert.ok(report.submitted > 0 && report.requested > 0, "there was a load");
    return report;
  }

  /**
   * The same for what must not be noticed at all: every request is answered when it is asked for the first time. On a machine
   * with too much to do that answer may be that NATS was too slow.
   */
  async unnoticed(name: string, change: () => Promise<void>): Promise<PhaseReport> {
    const report = await this.during(name, change);
    const unexpected = Object.keys(report.retryReasons).filter((reason) => reason !== NATS_TOO_SLOW);
    assert.deepEqual(unexpected, [], JSON.stringify(report.retryReasons));
    return report;
  }

  uids(): ReadonlySet<string> {
    return new Set(this.routers.list().map(({ uid }) => uid));
  }

  async patchRouter(spec: object): Promise<void> {
    const patch = `--patch=${JSON.stringify({ spec })}`;
    await this.beamline.inNamespace("patch", "router/default", "--type=merge", patch);
  }

  async deletePod(name: string): Promise<void> {
    await this.beamline.inNamespace("delete", "pod", name, "--wait=false");
  }

  async evictPod(name: string): Promise<void> {
    const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace: NAMESPACE } };
    const file = await this.beamline.write("eviction.json", JSON.stringify(eviction));
    const path = `/api/v1/namespaces/${NAMESPACE}/pods/${name}/eviction`;
    await this.beamline.kubectl("create", "--raw", path, "--filename", file);
  }

  /** Ends the program of a router as the kernel does when memory runs out. */
  async killRouter(podUid: string): Promise<void> {
    process.kill(await processWith("BEAMLINE_POD_UID", podUid), "SIGKILL");
  }

  async restartNats(): Promise<void> {
    const pod = ["pod", NATS_POD, `--namespace=${NAMESPACE}`];
    const uid = await this.natsUid();
    await this.beamline.kubectl("delete", ...pod);
    await eventually(
      async () => {
        const shown = "--output=jsonpath={.metadata.uid} {.status.containerStatuses[0].ready}";
        const text = await this.beamline.kubectl("get", ...pod, "--ignore-not-found", shown);
        return text !== "" && !text.startsWith(uid) && text.endsWith("true");
      },
      { deadlineMs: DEADLINE_MS, describe: "another NATS is ready", everyMs: 250 },
    );
  }

  natsUid(): Promise<string> {
    return this.beamline.inNamespace("get", "pod", NATS_POD, "--output=jsonpath={.metadata.uid}");
  }

  /** Waits until a router's pod has these credentials in its folder. */
  async whenMounted(pod: string, wanted: string): Promise<void> {
    const print = "process.stdout.write(require('fs').readFileSync(process.env.BEAMLINE_NATS_CREDENTIALS_FILE))";
    await eventually(
      async () => (await this.beamline.inNamespace("exec", pod, "--", "node", "--eval", print)) === wanted,
      { deadlineMs: DEADLINE_MS, describe: `${pod} has the new credentials`, everyMs: 500 },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.load[Symbol.asyncDispose]();
    await this.routers[Symbol.asyncDispose]();
    await this.inspector.close();
  }
}
