// Two questions to the API server about somebody else: whose token is this, and may that user do this.
import type { ApiRequest, KubernetesClient } from "./client.ts";
import type { ApiResult } from "./failure.ts";

export type ReviewOptions = Pick<ApiRequest, "signal" | "timeoutMs" | "retries" | "urgent">;

/** `status` of a TokenReview. */
export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly uid?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
  /** Those of the asked-for audiences that the token has; empty when none were asked for. */
  readonly audiences?: readonly string[];
  readonly error?: string;
}

export interface ReviewedUser {
  readonly user: string;
  readonly groups: readonly string[];
  readonly uid?: string;
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export interface ResourceAttributes {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** `status` of a SubjectAccessReview. */
export interface AccessReviewStatus {
  readonly allowed?: boolean;
  readonly reason?: string;
  readonly evaluationError?: string;
}

export async function reviewToken(
  client: KubernetesClient,
  { token, audiences }: { readonly token: string; readonly audiences: readonly string[] },
  options: ReviewOptions = {},
): Promise<ApiResult<TokenReviewStatus>> {
  const spec = audiences.length === 0 ? { token } : { token, audiences };
  return review(client, "authentication.k8s.io", "TokenReview", spec, options);
}

export async function reviewAccess(
  client: KubernetesClient,
  { user, groups, uid, extra }: ReviewedUser,
  resourceAttributes: ResourceAttributes,
  options: ReviewOptions = {},
): Promise<ApiResult<AccessReviewStatus>> {
  const spec = {
    user,
    groups,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
    resourceAttributes,
  };
  return review(client, "authorization.k8s.io", "SubjectAccessReview", spec, options);
}

async function review<Status extends object>(
  client: KubernetesClient,
  group: string,
  kind: string,
  spec: object,
  options: ReviewOptions,
): Promise<ApiResult<Status>> {
  const path = `/apis/${group}/v1/${kind.toLowerCase()}s`;
  const body = { apiVersion: `${group}/v1`, kind, spec };
  const answer = await client.request<{ readonly status?: Status }>({ ...options, method: "POST", path, body });
  // An answer without a status says neither yes nor no, which readers take for a no.
  return answer.ok ? { ok: true, value: answer.value.status ?? ({} as Status) } : answer;
}
