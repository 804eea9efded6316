// The routers of a Router as the API server tells of them, so that the worst moment is known.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { eventually } from "../../support/await.ts";

const POD = "{.object.metadata.uid} {.object.metadata.name} {.object.spec.containers[0].image}";
const STATE =
  '{.object.status.containerStatuses[0].restartCount}/{.object.status.conditions[?(@.type=="Ready")].status}/{.object.metadata.deletionTimestamp}';
/** One line an event; a pod that is not there yet has no restarts and no condition. */
const LINE = `{.type} ${POD} ${STATE}{"\\n"}`;

export interface RouterView {
  readonly name: string;
  readonly uid: string;
  readonly image: string;
  /** By its condition, and not about to go. */
  readonly ready: boolean;
  readonly restarts: number;
}

/** `kubectl get pods --watch`, read along. */
export class RouterWatch implements AsyncDisposable {
  private readonly child: ChildProcess;
  private readonly views = new Map<string, RouterView>();
  private fewest = Number.POSITIVE_INFINITY;

  constructor(kubectl: readonly [program: string, ...leading: string[]], namespace: string, router: string) {
    const [program, ...leading] = kubectl;
    const selector = `--selector=beamline.dev/router=${router}`;
    const output = [`--output=jsonpath=${LINE}`, "--watch", "--output-watch-events"];
    this.child = spawn(program, [...leading, "get", "pods", `--namespace=${namespace}`, selector, ...output], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    if (this.child.stdout === null) throw new Error("kubectl has no output");
    createInterface({ input: this.child.stdout }).on("line", (line) => this.receive(line));
  }

  /** Ready at the worst moment since this was asked for last. */
  takeFewestReady(): number {
    const fewest = Math.min(this.fewest, this.ready());
    this.fewest = Number.POSITIVE_INFINITY;
    return fewest;
  }

  list(): readonly RouterView[] {
    return [...this.views.values()];
  }

  /** Waits until exactly `count` routers are there, all of them ready and as wanted. */
  whenAll(
    count: number,
    describe: string,
    isWanted: (router: RouterView) => boolean,
    deadlineMs: number,
  ): Promise<unknown> {
    return eventually(
      () => this.views.size === count && this.list().every((router) => router.ready && isWanted(router)),
      { deadlineMs, describe: () => `${count} routers ${describe}: ${JSON.stringify(this.list())}` },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exited = once(this.child, "exit");
    this.child.kill("SIGKILL");
    await exited;
  }

  private receive(line: string): void {
    const [type = "", uid = "", name = "", image = "", state = ""] = line.split(" ");
    const [restarts, ready, deletion] = state.split("/");
    if (type === "DELETED") this.views.delete(uid);
    else
      this.views.set(uid, { name, uid, image, restarts: Number(restarts), ready: ready === "True" && deletion === "" });
    this.fewest = Math.min(this.fewest, this.ready());
  }

  private ready(): number {
    return this.list().filter(({ ready }) => ready).length;
  }
}
