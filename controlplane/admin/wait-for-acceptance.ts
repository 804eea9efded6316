// Waits until the operator has judged the generation of a policy that was just stored.
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../core/policy/problems.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import { customResourceType } from "../../kubernetes/custom-resource-type.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { readObject } from "../../kubernetes/objects.ts";
import type { CallTime } from "../call-time.ts";
import type { Acceptance } from "./stored-policy.ts";

const POLICY = customResourceType("RoutingPolicy");
const LOOK_EVERY_MS = 100;
/** An operator that is there answers within a second. */
export const MAX_WAIT_MS = 5_000;
/** Kept of a call's time, so that its answer arrives. */
export const ANSWER_MS = 250;

export async function waitForAcceptance(
  client: KubernetesClient,
  stored: KubernetesObject,
  time: CallTime,
): Promise<Acceptance> {
  const { generation = 0, uid } = stored.metadata;
  const waitMs = Math.min(MAX_WAIT_MS, time.remainingMs() - ANSWER_MS);
  const endMs = performance.now() + waitMs;
  let current = stored;
  for (;;) {
    const condition = acceptedOf(current, generation);
    if (condition !== undefined) return { known: "yes", condition };
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) return { known: "not_yet" };
    await delay(Math.min(LOOK_EVERY_MS, leftMs));
    const read = await readObject(client, POLICY, stored.metadata, { timeoutMs: waitMs, retries: 0 });
    // It is stored: that it cannot be read, or is gone again, is no failure of the call.
    if (!read.ok || read.value.metadata.uid !== uid) return { known: "not_yet" };
    current = read.value;
  }
}

/** `Accepted` of this generation or a later one. */
function acceptedOf({ status }: KubernetesObject, generation: number): AcceptedCondition | undefined {
  const conditions = isRecord(status) && Array.isArray(status.conditions) ? status.conditions : [];
  const accepted = conditions.find((one) => isRecord(one) && one.type === "Accepted");
  const { status: value, reason, message, observedGeneration } = accepted ?? {};
  if (value !== "True" && value !== "False") return undefined;
  return observedGeneration >= generation ? { status: value, reason: `${reason}`, message: `${message}` } : undefined;
}

type AcceptedCondition = Extract<Acceptance, { readonly known: "yes" }>["condition"];
