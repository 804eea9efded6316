// The operator's status over HTTP, where policies are files: what it says of one policy.
import { setTimeout as delay } from "node:timers/promises";
import { isRecord } from "../../core/policy/problems.ts";
import type { CallTime } from "../call-time.ts";
import type { Acceptance } from "./stored-policy.ts";
import { ANSWER_MS, MAX_WAIT_MS } from "./wait-for-acceptance.ts";

interface PolicyRef {
  readonly namespace: string;
  readonly name: string;
}

const LOOK_EVERY_MS = 100;
const READ_TIMEOUT_MS = 2_000;

export class StatusPage {
  private readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** Undefined when the operator knows no such policy, or does not answer. */
  async generationOf(ref: PolicyRef, signal: AbortSignal): Promise<number | undefined> {
    const generation = (await this.read(ref, signal))?.generation;
    return typeof generation === "number" ? generation : undefined;
  }

  /** Waits for a generation after this one to be judged; undefined: for the one that stands. */
  async waitForAcceptance(ref: PolicyRef, after: number | undefined, time: CallTime): Promise<Acceptance> {
    const endMs = performance.now() + Math.min(MAX_WAIT_MS, time.remainingMs() - ANSWER_MS);
    for (;;) {
      const condition = acceptedOf(await this.read(ref, time.signal), after ?? -1);
      if (condition !== undefined) return { known: "yes", condition };
      const leftMs = endMs - performance.now();
      if (leftMs <= 0) return { known: "not_yet" };
      await delay(Math.min(LOOK_EVERY_MS, leftMs));
    }
  }

  private async read({ namespace, name }: PolicyRef, signal: AbortSignal): Promise<PolicyEntry | undefined> {
    try {
      const response = await fetch(this.url, {
        signal: AbortSignal.any([signal, AbortSignal.timeout(READ_TIMEOUT_MS)]),
      });
      const document: unknown = await response.json();
      const policies = isRecord(document) && Array.isArray(document.policies) ? document.policies : [];
      return policies.find((one) => isRecord(one) && one.namespace === namespace && one.name === name);
    } catch {
      // An operator that does not answer has not said anything: the caller tells that.
      return undefined;
    }
  }
}

type PolicyEntry = Readonly<Record<string, unknown>>;

function acceptedOf(policy: PolicyEntry | undefined, after: number) {
  if (policy === undefined || !Array.isArray(policy.conditions)) return undefined;
  const { generation, observedGeneration } = policy;
  if (typeof generation !== "number" || generation <= after || observedGeneration !== generation) return undefined;
  const accepted: unknown = policy.conditions.find((one) => isRecord(one) && one.type === "Accepted");
  if (!isRecord(accepted) || accepted.observedGeneration !== generation) return undefined;
  const { status, reason, message } = accepted;
  if (status !== "True" && status !== "False") return undefined;
  return { status, reason: `${reason}`, message: `${message}` } as const;
}
