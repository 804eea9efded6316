// beamline.flow.v1.RouterAdmin: policies in their short form, and what the router was made for and how it is.
import type { AdminPolicy, PolicyName } from "../../core/admin/admin-policy.ts";
import type { FieldProblem } from "../../core/registry/field-problem.ts";
import { err, ok } from "../../core/result.ts";
import { cp2PlusAllowed, currentCheckpoint } from "../../proto/gen/checkpoint.ts";
import type { RouterAdminServer } from "../../proto/gen/grpc/beamline/flow/v1/admin.ts";
import {
  type AdminPolicy as AdminPolicyMessage,
  type ListPoliciesRequest,
  ListPoliciesResponse,
  type UpsertPolicyRequest,
  type ValidatorStatus,
} from "../../proto/gen/messages/beamline/flow/v1/admin.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { NatsLink } from "../../runtime/nats/connection.ts";
import type { CallSubject } from "../access/access-control.ts";
import type { PolicyStore } from "../admin/policy-store.ts";
import { readValidators, type ValidatorHealth } from "../admin/validators-health.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import type { Answer, CallFrame, UnaryHandler } from "../call-frame.ts";
import { type CallTime, timeOf, timeWithin } from "../call-time.ts";
import { MAX_ANSWER_BYTES } from "./registry-context.ts";

export interface RouterAdminOptions {
  readonly frame: CallFrame;
  /** Whether the service is offered at all. */
  readonly enabled: boolean;
  /** Absent where this control plane keeps no policies. */
  readonly policies: () => PolicyStore | undefined;
  readonly link: () => NatsLink | undefined;
  /** Of a call without a deadline of its own. */
  readonly callTimeoutMs: number;
  readonly clock: Clock;
}

const PATH = "/beamline.flow.v1.RouterAdmin";

export function routerAdminService(options: RouterAdminOptions): RouterAdminServer {
  const { frame, clock, link } = options;
  const subjectOf = subjectsOf(options);
  const ofPolicy = ({ tenantId, policyId }: PolicyName): CallSubject => subjectOf(tenantId, policyId);
  return {
    upsertPolicy: frame.unary(
      `${PATH}/UpsertPolicy`,
      onPolicies(options, upsertProblems, async ({ tenantId, policy }: UpsertPolicyRequest, { policies, time }) => {
        const stored = await policies.put(tenantId, fromMessage(policy), time);
        return stored.ok ? ok({ success: true, message: stored.value }) : stored;
      }),
      ({ tenantId, policy }) => subjectOf(tenantId, policy?.policyId),
    ),
    deletePolicy: frame.unary(
      `${PATH}/DeletePolicy`,
      onPolicies(options, nameProblems, async (name: PolicyName, { policies, time }) => {
        const removed = await policies.remove(name, time);
        return removed.ok ? ok({ ok: true }) : removed;
      }),
      ofPolicy,
    ),
    getPolicy: frame.unary(
      `${PATH}/GetPolicy`,
      onPolicies(options, nameProblems, async (name: PolicyName, { policies, time }) => {
        const policy = await policies.get(name, time);
        return policy.ok ? ok({ policy: toMessage(policy.value) }) : policy;
      }),
      ofPolicy,
    ),
    listPolicies: frame.unary(
      `${PATH}/ListPolicies`,
      onPolicies(options, tenantProblems, async ({ tenantId }: ListPoliciesRequest, { policies, time }) => {
        const listed = await policies.list(tenantId, time);
        return listed.ok ? boundedList(listed.value) : listed;
      }),
      ({ tenantId }) => subjectOf(tenantId),
    ),
    getCheckpointStatus: frame.unary(`${PATH}/GetCheckpointStatus`, () => {
      if (!options.enabled) return err(SWITCHED_OFF);
      const updatedAtMs = BigInt(Math.floor(clock.nowMs()));
      return ok({ status: { currentCp: currentCheckpoint, cp2PlusAllowed, updatedAtMs } });
    }),
    getValidatorsHealth: frame.unary(`${PATH}/GetValidatorsHealth`, async () => {
      if (!options.enabled) return err(SWITCHED_OFF);
      return ok({ validators: (await readValidators(link(), clock.nowMs())).map(toStatus) });
    }),
  };
}

const SWITCHED_OFF: CallFailure = {
  cause: "FEATURE_OFF",
  message: "RouterAdmin is switched off: set BEAMLINE_ADMIN_GRPC_ENABLED=true",
};
const NO_STORE: CallFailure = {
  cause: "FEATURE_OFF",
  message: "this control plane keeps no policies: set BEAMLINE_CONTROLPLANE_POLICIES to kubernetes or files",
};

interface Ready {
  readonly policies: PolicyStore;
  readonly time: CallTime;
}

/** A handler that is only run where policies are kept, and for a request that names what it is about. */
function onPolicies<Request, Response>(
  { enabled, policies, callTimeoutMs }: RouterAdminOptions,
  problemsOf: (request: Request) => readonly FieldProblem[],
  run: (request: Request, ready: Ready) => Promise<Answer<Response>>,
): UnaryHandler<Request, Response> {
  return (request, _caller, _note, call) => {
    const store = policies();
    if (!enabled) return err(SWITCHED_OFF);
    if (store === undefined) return err(NO_STORE);
    const problems = problemsOf(request);
    if (problems.length > 0) return err(fieldsInvalid(problems));
    return run(request, { policies: store, time: timeOf(call, callTimeoutMs) });
  };
}

/** Rights on policies are those in the namespace where the tenant's policies are kept. */
function subjectsOf({ policies, callTimeoutMs }: RouterAdminOptions) {
  return (tenantId: string, policyId?: string): CallSubject => {
    const store = policies();
    return {
      object: policyId === undefined ? `tenant/${tenantId}` : `policy/${tenantId}/${policyId}`,
      ...(store === undefined ? {} : { namespaceOf: () => store.namespaceOf(tenantId, timeWithin(callTimeoutMs)) }),
    };
  };
}

/** The call has no pages. */
function boundedList(policies: readonly AdminPolicy[]): Answer<ListPoliciesResponse> {
  const answer = { policies: policies.map(toMessage) };
  const { length } = ListPoliciesResponse.encode(answer).finish();
  if (length <= MAX_ANSWER_BYTES) return ok(answer);
  const message = `${policies.length} policies are ${length} bytes; an answer has at most ${MAX_ANSWER_BYTES}: call GetPolicy`;
  return err({ cause: "ANSWER_TOO_LARGE", message });
}

function tenantProblems({ tenantId }: Pick<PolicyName, "tenantId">): readonly FieldProblem[] {
  return tenantId === "" ? [{ field: "tenant_id", rule: "required", message: "must name the tenant" }] : [];
}

function upsertProblems({ tenantId, policy }: UpsertPolicyRequest): readonly FieldProblem[] {
  const missing = policy === undefined ? [{ field: "policy", rule: "required", message: "must be set" }] : [];
  return [...tenantProblems({ tenantId }), ...missing];
}

function nameProblems({ tenantId, policyId }: PolicyName): readonly FieldProblem[] {
  const missing = policyId === "" ? [{ field: "policy_id", rule: "required", message: "must name the policy" }] : [];
  return [...tenantProblems({ tenantId }), ...missing];
}

/** An absent policy has no fields, and was refused before. */
function fromMessage(message: AdminPolicyMessage | undefined): AdminPolicy {
  const { policyId = "", providers = [], sticky = false, rules = [] } = message ?? {};
  return {
    policyId,
    providers: providers.map(({ id, weight }) => ({ id, weight })),
    sticky,
    rules: rules.map(({ match, prefer, fallback }) => ({ match, prefer, fallback })),
  };
}

function toMessage({ policyId, providers, sticky, rules }: AdminPolicy): AdminPolicyMessage {
  return {
    policyId,
    providers: [...providers],
    sticky,
    rules: rules.map(({ match, prefer, fallback }) => ({ match, prefer: [...prefer], fallback })),
  };
}

function toStatus({ name, status, atMs, details }: ValidatorHealth): ValidatorStatus {
  return { name, status, timestampMs: BigInt(Math.floor(atMs)), details };
}
