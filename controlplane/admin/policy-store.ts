// Where RouterAdmin keeps policies: objects of a cluster, or files of one machine.
import type { AdminPolicy, PolicyName } from "../../core/admin/admin-policy.ts";
import type { Answer } from "../call-frame.ts";
import type { CallTime } from "../call-time.ts";

export interface PolicyStore {
  /** The namespace in which policies of this tenant are kept: what the caller's rights are asked for. */
  namespaceOf(tenantId: string, time: CallTime): Promise<Answer<string>>;
  /** Stores the policy and resolves to what has become of it, for people. */
  put(tenantId: string, policy: AdminPolicy, time: CallTime): Promise<Answer<string>>;
  get(name: PolicyName, time: CallTime): Promise<Answer<AdminPolicy>>;
  /** Ordered by id. */
  list(tenantId: string, time: CallTime): Promise<Answer<readonly AdminPolicy[]>>;
  remove(name: PolicyName, time: CallTime): Promise<Answer<undefined>>;
}
