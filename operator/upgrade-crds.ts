// Makes the installed CRDs those of this release, which Helm never does. Needs get and patch on their names, and no more.
import { crdName } from "../core/crd/custom-resource-definition.ts";
import { type CrdPlan, type InstalledCrd, isEstablished, planCrdUpgrade } from "../core/crd/plan-crd-upgrade.ts";
import { objectDefinitions } from "../core/policy/object-definitions.ts";
import type { ObjectKind } from "../core/policy/spec.ts";
import { backoffMs } from "../core/reconcile/backoff.ts";
import { assertNever, err, ok } from "../core/result.ts";
import { type KubernetesClient, pause } from "../kubernetes/client.ts";
import { type ApiFailure, type ApiResult, isTransient } from "../kubernetes/failure.ts";
import { type KubernetesObject, objectPath, type ResourceType } from "../kubernetes/object.ts";
import { readObject } from "../kubernetes/objects.ts";
import type { Logger } from "../runtime/log.ts";
import { FIELD_MANAGER } from "./kubernetes/field-owner.ts";

export interface UpgradeCrdsOptions {
  /** Of the leader. */
  readonly client: KubernetesClient;
  readonly log: Logger;
  /** This release, as a semantic version. */
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface CrdOutcome {
  readonly kind: ObjectKind;
  /**
   * `NewerInstalled`: of a later release, which serves our objects too, and is left alone. `Missing`: the kind does not exist
   * or is just being deleted; an operator may not create it. `Failed`: as it was, or not served; `detail` says why.
   */
  readonly outcome: "UpToDate" | "Upgraded" | "NewerInstalled" | "Missing" | "Failed";
  readonly detail: string;
}

/** Of one CRD: when it was changed meanwhile, and when the API server was away or overloaded. */
const MAX_ATTEMPTS = 5;
const RETRY_BACKOFF = { baseMs: 500, maxMs: 5_000 };
const ESTABLISHED_DEADLINE_MS = 30_000;
const ESTABLISHED_POLL_MS = 200;

const CRD: ResourceType = {
  group: "apiextensions.k8s.io",
  version: "v1",
  kind: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  namespaced: false,
};

type Crd = KubernetesObject & InstalledCrd;

/** One outcome a kind, also logged. Never throws for what a server does, and never makes a CRD older. */
export async function upgradeCrds(options: UpgradeCrdsOptions): Promise<readonly CrdOutcome[]> {
  const kinds = Object.keys(objectDefinitions) as ObjectKind[];
  return Promise.all(
    kinds.map(async (kind) => {
      const { outcome, detail } = await upgradeWithRetries(kind, options);
      if (!options.signal.aborted) report({ kind, outcome, detail }, options.log);
      return { kind, outcome, detail };
    }),
  );
}

type Ended = Pick<CrdOutcome, "outcome" | "detail">;

const NOT_INSTALLED: Ended = { outcome: "Missing", detail: "not installed; apply the release's crds/" };

async function upgradeWithRetries(kind: ObjectKind, options: UpgradeCrdsOptions): Promise<Ended> {
  for (let attempt = 1; ; attempt++) {
    const result = await upgradeOnce(kind, options);
    if (result.ok) return result.value;
    // A conflict: it was changed between our read and our write, perhaps by the operator of a later release.
    const again = isTransient(result.error.kind) || result.error.kind === "Conflict";
    const failed: Ended = { outcome: "Failed", detail: result.error.message };
    if (!again || attempt >= MAX_ATTEMPTS) return failed;
    if (!(await pause(backoffMs(RETRY_BACKOFF, attempt, Math.random()), options.signal))) return failed;
  }
}

async function upgradeOnce(kind: ObjectKind, options: UpgradeCrdsOptions): Promise<ApiResult<Ended>> {
  const { client, signal, version } = options;
  const read = await readObject<Crd>(client, CRD, { name: crdName(kind) }, { signal });
  if (!read.ok) return read.error.kind === "NotFound" ? ok(NOT_INSTALLED) : read;
  const plan = planCrdUpgrade(kind, read.value, version);
  if (plan.action === "Leave") return ok(plan);
  const applied = await applyOver(read.value, plan.wanted, options);
  if (!applied.ok) return applied;
  const notServed = await waitUntilEstablished(kind, applied.value, options);
  return notServed === undefined ? ok({ outcome: "Upgraded", detail: plan.detail }) : err(notServed);
}

/** Only over the very version that was judged: two operators of different releases would else write in any order. */
function applyOver(
  installed: Crd,
  wanted: Extract<CrdPlan, { action: "Apply" }>["wanted"],
  { client, signal }: UpgradeCrdsOptions,
): Promise<ApiResult<Crd>> {
  const { name, uid, resourceVersion } = installed.metadata;
  return client.request<Crd>({
    method: "PATCH",
    path: objectPath(CRD, { name }),
    query: { fieldManager: FIELD_MANAGER, force: true },
    body: { ...wanted, metadata: { ...wanted.metadata, uid, resourceVersion } },
    contentType: "application/apply-patch+yaml",
    signal,
  });
}

/** Undefined when it is; else why it is not known to be. */
async function waitUntilEstablished(
  kind: ObjectKind,
  applied: Crd,
  { client, signal }: UpgradeCrdsOptions,
): Promise<ApiFailure | undefined> {
  const ref = { name: crdName(kind) };
  let crd = applied;
  for (let waitedMs = 0; !isEstablished(crd); waitedMs += ESTABLISHED_POLL_MS) {
    if (waitedMs >= ESTABLISHED_DEADLINE_MS) {
      return {
        kind: "Invalid",
        message: `${ref.name} is not Established ${ESTABLISHED_DEADLINE_MS} ms after its upgrade`,
      };
    }
    if (!(await pause(ESTABLISHED_POLL_MS, signal))) return { kind: "Stopped", message: "ended by its caller" };
    const read = await readObject<Crd>(client, CRD, ref, { signal });
    if (!read.ok) return read.error;
    crd = read.value;
  }
  return undefined;
}

function report({ kind, outcome, detail }: CrdOutcome, log: Logger): void {
  const fields = { kind, crd: crdName(kind), outcome, detail };
  switch (outcome) {
    case "UpToDate":
      return void log.debug("a CRD is up to date", fields);
    case "Upgraded":
      return void log.info("a CRD was upgraded", fields);
    case "NewerInstalled":
      return void log.warn("a CRD is of a later release", fields);
    case "Missing":
      return void log.warn("a CRD is missing", fields);
    case "Failed":
      return void log.error("a CRD could not be upgraded", fields);
    default:
      assertNever(outcome);
  }
}
