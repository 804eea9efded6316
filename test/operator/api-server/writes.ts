// What was written to the API server, counted by the server itself and by the versions that an object went through.
import type { ObjectKind } from "../../../core/policy/spec.ts";
import type { Condition } from "../../../core/reconcile/conditions.ts";
import type { KubernetesObject, ObjectRef } from "../../../kubernetes/object.ts";
import { Reflector } from "../../../kubernetes/reflector.ts";
import { RESOURCE_TYPES } from "../../../operator/source/kubernetes/resource-types.ts";
import { expectStatus } from "../../cluster/api-request.ts";
import type { ApiServer } from "../../cluster/api-server.ts";
import { quiet } from "../../kubernetes/api-server/world.ts";
import { eventually } from "../../support/await.ts";
import { type ClusterRig, DEADLINE_MS } from "./cluster-rig.ts";

const SERIES = /^apiserver_request_total\{([^}]*)\} (\S+)$/;
const WRITES = new Set(["POST", "PUT", "PATCH", "APPLY", "DELETE"]);

/**
 * Requests that changed objects of our kinds since the server started, by verb. Only the operator uses APPLY (server-side
 * apply): what a test writes itself is POST, PATCH and DELETE.
 */
export async function countWrites(server: ApiServer): Promise<ReadonlyMap<string, number>> {
  const { body } = await expectStatus(server, 200, "GET", "/metrics");
  const counts = new Map<string, number>();
  for (const line of String(body).split("\n")) {
    const match = SERIES.exec(line);
    const labels = match?.[1] ?? "";
    const verb = /verb="([A-Z]+)"/.exec(labels)?.[1] ?? "";
    if (!labels.includes('group="beamline.dev"') || !WRITES.has(verb)) continue;
    counts.set(verb, (counts.get(verb) ?? 0) + Number(match?.[2]));
  }
  return counts;
}

/** Those by the operator. */
export async function countApplies(server: ApiServer): Promise<number> {
  return (await countWrites(server)).get("APPLY") ?? 0;
}

/** Longer than a status waits for the one before it, or for routers. */
const QUIET_MS = 2_500;

/** Waits until nothing has been written for a while: what was to be said has been said. */
export async function whenQuiet(server: ApiServer): Promise<void> {
  let last = "";
  let sinceMs = performance.now();
  await eventually(
    async () => {
      const counts = JSON.stringify([...(await countWrites(server))]);
      if (counts !== last) sinceMs = performance.now();
      last = counts;
      return performance.now() - sinceMs >= QUIET_MS;
    },
    { deadlineMs: DEADLINE_MS, describe: "nobody writes any more", everyMs: 250 },
  );
}

/** All versions of the objects of a kind from now on, as a watch tells them. Hold it by `await using`. */
export async function recordVersions(rig: ClusterRig, kind: ObjectKind): Promise<VersionRecord> {
  const seen: KubernetesObject[] = [];
  const reflector = new Reflector<KubernetesObject>({
    client: rig.client,
    type: RESOURCE_TYPES[kind],
    convert: (object) => object,
    onChange: (changes) => seen.push(...changes.flatMap(({ current }) => (current === undefined ? [] : [current]))),
    log: quiet,
  });
  reflector.start();
  await reflector.waitUntilSynced();
  seen.length = 0;
  const of = ({ namespace, name }: ObjectRef): KubernetesObject[] =>
    seen.filter(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return {
    all: of,
    total: () => seen.length,
    count: (ref) => of(ref).length,
    transitions: (ref, type) => {
      const statuses = of(ref).map((object) => statusOf(object, type));
      return statuses.filter((status, index) => index === 0 || status !== statuses[index - 1]);
    },
    [Symbol.asyncDispose]: () => reflector.stop(),
  };
}

export interface VersionRecord extends AsyncDisposable {
  /** Versions that an object of this name went through. */
  all(ref: ObjectRef): readonly KubernetesObject[];
  /** Of all objects. */
  total(): number;
  count(ref: ObjectRef): number;
  /** The statuses that a condition had, one after another. */
  transitions(ref: ObjectRef, type: string): readonly (string | undefined)[];
}

function statusOf({ status }: KubernetesObject, type: string): string | undefined {
  const { conditions = [] } = (status ?? {}) as { readonly conditions?: readonly Condition[] };
  return conditions.find((condition) => condition.type === type)?.status;
}
