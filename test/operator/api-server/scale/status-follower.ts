// When the status of each policy first said so, as a client that watches sees it.
import type { KubernetesClient } from "../../../../kubernetes/client.ts";
import type { MirrorChange, ObjectMirror } from "../../../../operator/source/kubernetes/object-mirror.ts";
import { openObjectMirror } from "../world.ts";

type Told = "Accepted" | "Programmed";

export class StatusFollower implements AsyncDisposable {
  private readonly mirror: ObjectMirror & AsyncDisposable;
  private readonly told: Readonly<Record<Told, Map<string, number>>> = { Accepted: new Map(), Programmed: new Map() };
  private readonly present = new Set<string>();

  private constructor(mirror: ObjectMirror & AsyncDisposable) {
    this.mirror = mirror;
    mirror.onChange((changes) => {
      for (const change of changes) this.take(change);
    });
  }

  static async start(client: KubernetesClient): Promise<StatusFollower> {
    const mirror = openObjectMirror(client);
    const follower = new StatusFollower(mirror);
    await mirror.waitUntilSynced();
    return follower;
  }

  /** Policies that there are. */
  get size(): number {
    return this.present.size;
  }

  /** Policies whose newest generation has this condition. */
  count(type: Told): number {
    return this.told[type].size;
  }

  /** When the last of those that there are got it, on the monotonic clock. */
  lastMs(type: Told): number {
    return Math.max(...this.told[type].values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mirror[Symbol.asyncDispose]();
  }

  private take({ kind, previous, current }: MirrorChange): void {
    const object = current ?? previous;
    if (kind !== "RoutingPolicy" || object === undefined) return;
    const { namespace, name, generation } = object.meta;
    const key = `${namespace}/${name}`;
    if (current === undefined) this.present.delete(key);
    else this.present.add(key);
    for (const type of ["Accepted", "Programmed"] as const) {
      const found = current?.conditions.find((condition) => condition.type === type);
      const isTrue = found?.status === "True" && found.observedGeneration === generation;
      if (!isTrue) this.told[type].delete(key);
      else if (!this.told[type].has(key)) this.told[type].set(key, performance.now());
    }
  }
}
