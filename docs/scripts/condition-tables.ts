// Tables of conditions: every status and reason that the pure functions give for a set of observations that covers them.
import type { RouterAck } from "../../core/config/entry.ts";
import { type ProgrammedVerdict, programmed } from "../../core/config/programmed.ts";
import type { CompileReason } from "../../core/policy/compile-problem.ts";
import type { PipelineSpec } from "../../core/policy/spec.ts";
import type { ObservedCondition } from "../../core/reconcile/conditions.ts";
import { objectConditions, type Refusal } from "../../core/reconcile/object-conditions.ts";
import { pipelineConditions } from "../../core/reconcile/pipeline.ts";
import { type Components, findUnmetLinks, type UnmetLink } from "../../core/reconcile/pipeline-links.ts";
import { policyRegistered, providerRegistered, type RegisteredProvider } from "../../core/reconcile/registered.ts";
import type { RegisteredStep } from "../../core/reconcile/registered-steps.ts";
import { type ObservedRouter, routerConditions } from "../../core/reconcile/router.ts";
import { type ObservedPolicy, policyConditions } from "../../core/reconcile/routing-policy.ts";
import {
  type RouterTrouble,
  unservedPolicyConditions,
  unservedRouterConditions,
} from "../../core/reconcile/unserved.ts";
import type { ProcessorState } from "../../core/registry/processor-state.ts";
import type { ProviderProcessors } from "../../core/registry/provider-liveness.ts";
import { code, table } from "./markdown.ts";

const target = { key: "k", uid: "u", generation: 2, epoch: "e", revision: 5 };
const pod = { name: "router-0", uid: "p", ready: true };
const applied: RouterAck = { podUid: "p", version: "", epoch: "e", appliedRevision: 5, rejected: [], rejectedCount: 0 };
const rejection = { key: "k", uid: "u", generation: 2, reason: "why" };

/** One verdict for each way that acknowledgements and pods can stand. */
const verdicts: readonly ProgrammedVerdict[] = [
  programmed(target, [applied], [pod]),
  programmed(target, [{ ...applied, appliedRevision: 4 }], [pod]),
  programmed(target, [], []),
  programmed(target, [{ ...applied, rejected: [rejection], rejectedCount: 1 }], [pod]),
  programmed(target, [{ ...applied, rejectedCount: 101 }], [pod]),
];

const invalid: Refusal = { reason: "Invalid", message: "what is wrong with it", path: "spec" };
const unresolved: Refusal = { reason: "RefNotFound", message: "what it refers to is not there" };

function processors(state: ProcessorState): ProviderProcessors {
  const counts = { live: 0, late: 0, lost: 0, [state.liveness]: 1 };
  return { ...state, ...counts, processors: new Map([["resize-1", state]]) };
}

/** One provider or two in each state of their processors; whether the registry has been read. */
const required = { name: "resize", registration: "Required" } as const;
const working = { ...required, processors: processors({ liveness: "live", reported: "HEALTHY" }) };
const lost = { ...required, name: "ocr", processors: processors({ liveness: "lost", reported: "HEALTHY" }) };
const unwell = { ...required, processors: processors({ liveness: "live", reported: "UNHEALTHY" }) };
const nobody = { ...required, processors: undefined };
const REGISTRATIONS: readonly (readonly [boolean, readonly RegisteredProvider[]])[] = [
  [true, [working]],
  [true, [working, lost]],
  [true, [nobody, lost]],
  [true, [unwell]],
  [false, [working]],
];

/** Steps whose processors are away. */
const STEPS: readonly RegisteredStep[] = [
  { name: "tier", required: true, away: "processor tiers is lost" },
  { name: "mark", required: false, away: "processor marker is not registered" },
];

function observedPolicy(change: Partial<ObservedPolicy>): ObservedPolicy {
  const programmedTrue = verdicts[0];
  if (programmedTrue === undefined) throw new Error("no verdicts");
  return {
    generation: 2,
    refusals: [],
    inForceGeneration: 2,
    programmed: programmedTrue,
    partiallySupported: [],
    unresolved: [],
    implicitProviders: [],
    ...change,
  };
}

function distinct(conditions: readonly ObservedCondition[]): string {
  const rows = new Map<string, readonly string[]>();
  for (const { type, status, reason, message } of conditions) {
    const key = `${type} ${status} ${reason}`;
    if (!rows.has(key)) rows.set(key, [code(type), status, code(reason), message]);
  }
  const order = [...new Set(conditions.map(({ type }) => type))];
  const sorted = [...rows.values()].toSorted(
    (left, right) => order.indexOf(stripCode(left[0])) - order.indexOf(stripCode(right[0])),
  );
  return table(["Condition", "Status", "Reason", "Message, for example"], sorted);
}

function stripCode(text: string | undefined): string {
  return (text ?? "").replaceAll("`", "");
}

export function policyConditionTable(): string {
  const observations = [
    ...verdicts.map((verdict) => observedPolicy({ programmed: verdict })),
    observedPolicy({ implicitProviders: ["demo/openai"] }),
    observedPolicy({ refusals: [invalid], inForceGeneration: 1 }),
    observedPolicy({ unresolved: [unresolved] }),
    observedPolicy({ partiallySupported: ["spec.rateLimit"] }),
  ];
  const registrations = [
    ...REGISTRATIONS.map(([isRead, providers]) => policyRegistered(2, isRead, providers)),
    policyRegistered(2, true, [], STEPS),
  ];
  const ofProviders = REGISTRATIONS.flatMap(([isRead, providers]) =>
    providers.map((provider) => providerRegistered(2, isRead, provider)),
  );
  const legacy = { subject: "caf.exec.assign.v1", duplicateWindowMs: 120_000 };
  return distinct([
    ...observations.flatMap((observation) => policyConditions(observation)),
    ...registrations.flatMap((registered) => policyConditions(observedPolicy({ registered }))),
    ...ofProviders.flatMap((registered) => objectConditions(observedPolicy({ registered }))),
    ...objectConditions(observedPolicy({ legacy })),
  ]);
}

export function pipelineConditionTable(): string {
  const spec: PipelineSpec = {
    tenantId: "demo",
    routerRef: { name: "default" },
    source: { id: "shop", eventTypes: ["order.created"] },
    processors: [{ name: "order-lines", id: "order-lines", timeoutMs: 5000, retry: 0 }],
    consumers: [{ name: "warehouse", id: "warehouse" }],
    onFailure: "DeadLetter",
  };
  const component = { liveness: "live", isCandidate: true, reported: "HEALTHY", outputEventTypes: [] } as const;
  const all = new Map([
    ["source/shop", { ...component, inputEventTypes: [] }],
    ["processor/order-lines", { ...component, inputEventTypes: [] }],
    ["consumer/warehouse", { ...component, inputEventTypes: [] }],
  ]);
  const withProcessor = (change: Partial<MapValue<Components>>): Components =>
    new Map<string, MapValue<Components>>(all).set("processor/order-lines", {
      ...component,
      inputEventTypes: [],
      ...change,
    });
  const registries: readonly Components[] = [
    all,
    new Map(),
    withProcessor({ liveness: "lost", isCandidate: false }),
    withProcessor({ reported: "UNHEALTHY", isCandidate: false }),
    withProcessor({ inputEventTypes: ["order.cancelled"] }),
  ];
  const observed = (unmetLinks: readonly UnmetLink[] | undefined, change: Partial<ObservedPolicy> = {}) =>
    pipelineConditions({ ...observedPolicy(change), unmetLinks }).filter(({ type }) => type === "Linked");
  return distinct([
    ...registries.flatMap((components) => observed(findUnmetLinks(spec, components))),
    ...observed(undefined),
    ...observed([], { refusals: [invalid], inForceGeneration: 1 }),
  ]);
}

type MapValue<T> = T extends ReadonlyMap<string, infer V> ? V : never;

export function routerConditionTable(): string {
  const complete: ObservedRouter = {
    generation: 1,
    busOwner: undefined,
    desiredPods: 2,
    updatedPods: 2,
    readyPods: 2,
    failure: undefined,
  };
  const observations: readonly ObservedRouter[] = [
    { ...complete, fenced: true },
    { ...complete, fenced: false },
    { ...complete, updatedPods: 1, readyPods: 1 },
    { ...complete, readyPods: 0, failure: "it exits with code 78" },
    { ...complete, busOwner: "team-a/router", readyPods: 0 },
    { ...complete, partiallySupported: ["spec.autoscaling"] },
    {
      ...complete,
      problem: { reason: "ResourceConflict", message: "Deployment demo/default-router exists and is not ours" },
    },
    { ...complete, unresolved: { reason: "RefNotFound", message: "Secret team-a/nats does not exist" } },
    { ...complete, updatedPods: 1, held: "router default-1 of the new image rejects what the others serve" },
  ];
  return distinct(observations.flatMap((observation) => routerConditions(observation)));
}

const TROUBLES: readonly RouterTrouble[] = [
  {
    condition: "Accepted",
    status: "False",
    reason: "NatsUrlNotAllowed",
    message: "spec.nats.url: nats://elsewhere:4222 is not among the servers that this installation allows",
  },
  {
    condition: "ResolvedRefs",
    status: "False",
    reason: "RefNotPermitted",
    message: "Secret team-a/nats: the operator may not read it",
  },
  { condition: "ResolvedRefs", status: "False", reason: "RefNotFound", message: "Secret team-a/nats does not exist" },
  {
    condition: "ResolvedRefs",
    status: "False",
    reason: "SecretInvalid",
    message: "Secret team-a/nats has no key nats.creds",
  },
  {
    condition: "Accepted",
    status: "Unknown",
    reason: "NatsUnreachable",
    message: "NATS at nats://nats:4222 did not answer within 10000 ms",
  },
  {
    condition: "Accepted",
    status: "Unknown",
    reason: "NatsNotPermitted",
    message: "NATS at nats://nats:4222 refuses the credentials: 'Authorization Violation'",
  },
  { condition: "Accepted", status: "Unknown", reason: "Unavailable", message: "the configuration bucket was not read" },
];

/** Of a Router that no operator serves now, and of a policy of it that is new since. */
export function unservedConditionTable(): string {
  const [first] = TROUBLES;
  return distinct([
    ...TROUBLES.flatMap((trouble) => unservedRouterConditions(1, trouble)),
    ...(first === undefined ? [] : unservedPolicyConditions(1, "team-a/router", first)),
  ]);
}

/** Why an object is not taken as it is; a reason without a line here is a compile error. */
const REFUSALS: Readonly<
  Record<
    CompileReason | "Invalid" | "LegacySubjectNotAllowed" | "StepSubjectNotAllowed",
    readonly [condition: string, meaning: string]
  >
> = {
  Invalid: ["Accepted", "the object breaks its schema; the message names field, value and rule"],
  InvalidExpression: ["Accepted", "a rule's expression does not compile; the message has its position"],
  Conflict: ["Accepted", "an older policy has the same tenant and policy id, or the object stands twice"],
  TenantNotPermitted: ["Accepted", "the namespace may not write policies for this tenant"],
  QuotaExceeded: ["Accepted", "more policies, rules or providers than the Tenant allows"],
  LegacySubjectNotAllowed: [
    "Accepted",
    "the fixed subject of a Provider is not among the Router's allowedSubjects; of a policy that names it, ResolvedRefs",
  ],
  StepSubjectNotAllowed: [
    "ResolvedRefs",
    "the subject of a step is not among the Router's allowedSubjects: routers do not ask it, and the step counts as broken",
  ],
  RefNotFound: ["ResolvedRefs", "a provider of another namespace does not exist; it is left out"],
  RefNotPermitted: ["ResolvedRefs", "a provider of another namespace does not name this one; it is left out"],
};

export function refusalTable(): string {
  return table(
    ["Reason", "Of condition", "Meaning"],
    Object.entries(REFUSALS).map(([reason, [condition, meaning]]) => [code(reason), code(condition), meaning]),
  );
}
