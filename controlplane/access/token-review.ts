// Tokens of a cluster: the API server says whose they are.
import { err, ok } from "../../core/result.ts";
import { reviewToken, type TokenReviewStatus } from "../../kubernetes/access-review.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { ApiFailure } from "../../kubernetes/failure.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import type { CallFailure } from "../call-failure.ts";
import type { Admission } from "./access-control.ts";
import { type TokenSource, unauthenticated } from "./authenticate.ts";
import { makeCaller } from "./caller.ts";
import { type Review, ReviewCache, type Reviewed } from "./review-cache.ts";

/** A caller waits for it; grpc clients give a call some seconds. */
export const REVIEW_TIMEOUT_MS = 3_000;
export const REVIEW_CALL = { timeoutMs: REVIEW_TIMEOUT_MS, retries: 0, urgent: true } as const;
const MS_PER_S = 1_000;

export interface TokenReviewsOptions {
  readonly client: KubernetesClient;
  /** Of which a token must have one; empty for the API server's own. */
  readonly audiences: readonly string[];
  readonly clock: Clock;
  readonly log: Logger;
}

export class TokenReviews implements TokenSource {
  private readonly options: TokenReviewsOptions;
  private readonly cache: ReviewCache<Admission>;

  constructor(options: TokenReviewsOptions) {
    this.options = options;
    this.cache = new ReviewCache(options);
  }

  find(digest: string, token: string): Admission | Promise<Admission> {
    const reviewed = this.cache.find(digest, () => this.review(token));
    return reviewed instanceof Promise ? reviewed.then(toAdmission) : toAdmission(reviewed);
  }

  private async review(token: string) {
    const { client, audiences } = this.options;
    const answer = await reviewToken(client, { token, audiences }, REVIEW_CALL);
    return answer.ok ? ok(toReview(answer.value, token, audiences)) : answer;
  }
}

function toReview(status: TokenReviewStatus, token: string, audiences: readonly string[]): Review<Admission> {
  const { username = "", uid, groups = [], extra } = status.user ?? {};
  const meant = audiences.length === 0 || status.audiences?.some((audience) => audiences.includes(audience)) === true;
  if (status.authenticated !== true || username === "" || !meant) return { value: REFUSED, positive: false };
  const caller = makeCaller({
    via: "token",
    name: username,
    groups,
    role: undefined,
    ...(uid === undefined ? {} : { uid }),
    ...(extra === undefined ? {} : { extra }),
  });
  const expiresAtMs = readExpiry(token);
  return { value: ok(caller), positive: true, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
}

const REFUSED = unauthenticated("the API server does not know this token, or it has expired or is meant for others");

/** When a token that was found genuine ends, when it is a JWT that says so. */
function readExpiry(token: string): number | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());
    const { exp } = claims as { readonly exp?: unknown };
    return typeof exp === "number" ? exp * MS_PER_S : undefined;
  } catch {
    // Other authenticators of a cluster have tokens of their own shape.
    return undefined;
  }
}

function toAdmission(reviewed: Reviewed<Admission>): Admission {
  return reviewed.ok ? reviewed.value : err(unanswered(reviewed.error));
}

/** Neither yes nor no. */
export function unanswered(failure: ApiFailure): CallFailure {
  return { cause: "DEPENDENCY_UNAVAILABLE", message: `the API server cannot be asked who may call: ${failure.kind}` };
}
