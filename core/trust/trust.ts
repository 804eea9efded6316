// Who may do what on NATS, as data: accounts, what crosses from one to another, and the permissions of each role.
import { isStepSubject } from "../handover/check-publish-subject.ts";
import { namesFor } from "../handover/subjects.ts";
import {
  producerCrossings,
  producerGrants,
  stepCrossings,
  workerCrossings,
  workerGrants,
} from "./application-roles.ts";
import type { Bus, Crossing, Grant, Grants } from "./grant.ts";
import { controlPlaneGrants, operatorGrants, routerGrants } from "./internal-roles.ts";

/**
 * `BEAMLINE` holds every stream and bucket; the two behind it reach it by what it exports to them, and by nothing else. It reaches
 * the workers by the subjects of steps.
 */
export type AccountName = "SYS" | "BEAMLINE" | "PRODUCERS" | "WORKERS";

/** One user each. `system` is for people who look at the server: no part of Beamline uses it. */
export const ROLES = ["operator", "router", "controlplane", "producer", "worker", "system"] as const;
export type RoleName = (typeof ROLES)[number];

export interface Role extends Grants {
  readonly name: RoleName;
  readonly account: AccountName;
}

export interface Account {
  readonly name: AccountName;
  /** Whether it may hold streams and buckets. */
  readonly jetstream: boolean;
  readonly exports: readonly Crossing[];
  readonly imports: readonly (Crossing & { readonly from: AccountName })[];
}

export interface Trust {
  readonly accounts: readonly Account[];
  readonly roles: readonly Role[];
}

export interface TrustOptions {
  /** `subjects.prefix` of each Router that shares these accounts; undefined stands for one without a prefix. */
  readonly prefixes?: readonly (string | undefined)[];
  /**
   * Fixed subjects of legacy providers (canonical): routers write them, workers listen to them. Those below `beamline.ext.` are of
   * steps: routers ask there, workers answer.
   */
  readonly fixedSubjects?: readonly string[];
}

export const SYSTEM_ACCOUNT: AccountName = "SYS";
const INTERNAL_ACCOUNT: AccountName = "BEAMLINE";
const WORKERS_ACCOUNT: AccountName = "WORKERS";

/** Everything that a server has to be told; the same options give the same. */
export function trustFor({ prefixes = [undefined], fixedSubjects = [] }: TrustOptions = {}): Trust {
  const stepSubjects = fixedSubjects.filter(isStepSubject);
  const legacySubjects = fixedSubjects.filter((subject) => !isStepSubject(subject));
  const buses = prefixes.map(
    (prefix): Bus => ({ names: namesFor(prefix), fixedSubjects: legacySubjects, stepSubjects }),
  );
  const fromWorkers = buses.flatMap(stepCrossings);
  const toProducers = buses.flatMap(producerCrossings);
  const toWorkers = buses.flatMap(workerCrossings);
  const outer = { jetstream: false, exports: [] };
  const role = (name: RoleName, account: AccountName, grantsOf: (bus: Bus) => Grants): Role => {
    const grants = buses.map(grantsOf);
    const publish = distinct(grants.flatMap((one) => one.publish));
    return { name, account, publish, subscribe: distinct(grants.flatMap((one) => one.subscribe)) };
  };
  return {
    accounts: [
      { ...outer, name: SYSTEM_ACCOUNT, imports: [] },
      {
        name: INTERNAL_ACCOUNT,
        jetstream: true,
        exports: [...toProducers, ...toWorkers],
        imports: fromWorkers.map((one) => ({ ...one, from: WORKERS_ACCOUNT })),
      },
      { ...outer, name: "PRODUCERS", imports: toProducers.map(fromInternal) },
      { ...outer, name: WORKERS_ACCOUNT, exports: fromWorkers, imports: toWorkers.map(fromInternal) },
    ],
    roles: [
      role("operator", INTERNAL_ACCOUNT, operatorGrants),
      role("router", INTERNAL_ACCOUNT, routerGrants),
      role("controlplane", INTERNAL_ACCOUNT, controlPlaneGrants),
      role("producer", "PRODUCERS", producerGrants),
      role("worker", WORKERS_ACCOUNT, workerGrants),
      { name: "system", account: SYSTEM_ACCOUNT, publish: [everything], subscribe: [everything] },
    ],
  };
}

const everything: Grant = { subject: ">", purpose: "monitoring the server" };

function fromInternal(crossing: Crossing): Account["imports"][number] {
  return { ...crossing, from: INTERNAL_ACCOUNT };
}

/** Several buses need some subjects in common. */
function distinct(grants: readonly Grant[]): readonly Grant[] {
  return [...new Map(grants.map((one) => [one.subject, one])).values()];
}
