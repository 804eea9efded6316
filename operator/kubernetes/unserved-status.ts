// Tells of a Router that cannot be served, in its status and in that of its policies and pipelines whose newest generation nobody has seen.
import type { RouterKey } from "../../core/config/entry.ts";
import { isSameRouter, routerOf } from "../../core/reconcile/attach.ts";
import { mergeConditions } from "../../core/reconcile/conditions.ts";
import {
  type RouterTrouble,
  unservedPolicyConditions,
  unservedRouterConditions,
} from "../../core/reconcile/unserved.ts";
import type { MirroredObject } from "../source/kubernetes/mirrored-object.ts";
import type { ObjectMirror } from "../source/kubernetes/object-mirror.ts";
import type { StatusBoard } from "../source/kubernetes/status-board.ts";
import { formatConditionTime } from "../status-reporter.ts";

export interface UnservedStatusOptions {
  readonly mirror: ObjectMirror;
  readonly board: StatusBoard;
  readonly router: RouterKey;
  readonly installation: RouterKey;
  nowMs(): number;
}

const ATTACHED_KINDS = ["RoutingPolicy", "Pipeline"] as const;
/** Counts that routers had when they were last seen stay: whoever scales by them must not read zero. */
const KEPT_FIELDS = ["replicas", "readyReplicas", "updatedReplicas", "selector"] as const;

export function reportUnserved(options: UnservedStatusOptions, trouble: RouterTrouble): void {
  const { mirror, board, router, installation } = options;
  const now = formatConditionTime(options.nowMs());
  const object = mirror.get("Router", router);
  if (object === undefined) return;
  const { generation } = object.meta;
  const conditions = mergeConditions(object.conditions, unservedRouterConditions(generation, trouble), now);
  board.write("Router", object, { ...keptFields(object), observedGeneration: generation, conditions });
  for (const kind of ATTACHED_KINDS) {
    for (const attached of mirror.objects(kind)) {
      if (attached.deleting || !isSameRouter(routerOf(attached.spec, installation), router) || isSeen(attached))
        continue;
      const seen = unservedPolicyConditions(attached.meta.generation, `${router.namespace}/${router.name}`, trouble);
      // A pipeline refers to components, of which Linked speaks, once somebody has looked.
      const ofKind = seen.filter(({ type }) => kind === "RoutingPolicy" || type !== "ResolvedRefs");
      const merged = mergeConditions(attached.conditions, ofKind, now);
      board.write(kind, attached, { observedGeneration: attached.meta.generation, conditions: merged });
    }
  }
}

/** What an operator said of this very generation stays: routers that serve it still do. */
function isSeen({ meta, conditions }: MirroredObject): boolean {
  const accepted = conditions.find(({ type }) => type === "Accepted");
  return accepted !== undefined && accepted.status !== "Unknown" && accepted.observedGeneration === meta.generation;
}

function keptFields({ status }: MirroredObject): Readonly<Record<string, unknown>> {
  const fields = (status ?? {}) as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    KEPT_FIELDS.flatMap((field) => (fields[field] === undefined ? [] : [[field, fields[field]]])),
  );
}
