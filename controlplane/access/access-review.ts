// Rights of a cluster: the API server says whether RBAC, or whatever else it decides by, gives a caller the right.
import { namespaceOfOwner } from "../../core/registry/owner.ts";
import { err, ok, type Result } from "../../core/result.ts";
import { type ResourceAttributes, reviewAccess } from "../../kubernetes/access-review.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Logger } from "../../runtime/log.ts";
import { type CallFailure, fieldsInvalid } from "../call-failure.ts";
import { PROVIDER_KEY } from "../registration-subject.ts";
import type { CallSubject } from "./access-control.ts";
import { type Authorize, denied, type Refusal } from "./authorize.ts";
import type { Caller } from "./caller.ts";
import { ReviewCache, type Reviewed } from "./review-cache.ts";
import { type MethodRight, POLICY_GROUP, UPDATE_ANY } from "./rights.ts";
import { REVIEW_CALL, unanswered } from "./token-review.ts";

export interface AccessReviewsOptions {
  readonly client: KubernetesClient;
  readonly clock: Clock;
  readonly log: Logger;
}

const PROVIDER = /^([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)\/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)$/;

export class AccessReviews {
  private readonly options: AccessReviewsOptions;
  private readonly cache: ReviewCache<boolean>;
  private readonly identities = new WeakMap<Caller, string>();

  constructor(options: AccessReviewsOptions) {
    this.options = options;
    this.cache = new ReviewCache(options);
  }

  readonly authorize: Authorize = (caller, right, subject) => {
    const about = subject?.();
    if (about?.namespaceOf === undefined) return this.review(caller, right, about);
    return about.namespaceOf().then((found) => {
      if (found.ok) return this.review(caller, right, { ...about, namespace: found.value });
      // Whether there is such a tenant is for those to know who have the right in every namespace.
      return found.error.cause === "TENANT_UNKNOWN" ? this.review(caller, right, about) : found.error;
    });
  };

  private review(caller: Caller, right: MethodRight, about: CallSubject | undefined): Refusal | Promise<Refusal> {
    const needed = neededFor(caller, right, about);
    return needed.ok ? this.checkAll(caller, needed.value, 0) : needed.error;
  }

  /** The first right that the caller lacks; at once while every answer is known. */
  private checkAll(caller: Caller, needed: readonly ResourceAttributes[], from: number): Refusal | Promise<Refusal> {
    for (let index = from; index < needed.length; index++) {
      const attributes = needed[index] as ResourceAttributes;
      const reviewed = this.ask(caller, attributes);
      if (reviewed instanceof Promise) {
        return reviewed.then(
          (answer) => refusalOf(caller, attributes, answer) ?? this.checkAll(caller, needed, index + 1),
        );
      }
      const refusal = refusalOf(caller, attributes, reviewed);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** A user of one name may come with other groups after a new log-in, which are other rights. */
  private identityOf(caller: Caller): string {
    const known = this.identities.get(caller);
    if (known !== undefined) return known;
    const { id, groups, uid, extra } = caller;
    const identity = JSON.stringify([id, groups, uid, extra]);
    this.identities.set(caller, identity);
    return identity;
  }

  private ask(caller: Caller, attributes: ResourceAttributes): Reviewed<boolean> | Promise<Reviewed<boolean>> {
    const { verb, group, resource, subresource = "", namespace = "", name = "" } = attributes;
    const key = [this.identityOf(caller), verb, group, resource, subresource, namespace, name].join("\n");
    return this.cache.find(key, async () => {
      const { name: user, groups, uid, extra } = caller;
      const reviewed = {
        user,
        groups,
        ...(uid === undefined ? {} : { uid }),
        ...(extra === undefined ? {} : { extra }),
      };
      const answer = await reviewAccess(this.options.client, reviewed, attributes, REVIEW_CALL);
      if (!answer.ok) return err(answer.error);
      const allowed = answer.value.allowed === true;
      return ok({ value: allowed, positive: allowed });
    });
  }
}

const PROVIDER_PROBLEM = {
  field: `metadata.${PROVIDER_KEY}`,
  rule: "provider",
  message: "must be <namespace>/<name> of a Provider",
};

/** The rights that are asked for, or why the request cannot be allowed whatever they are. */
function neededFor(
  caller: Caller,
  right: MethodRight,
  subject: CallSubject | undefined,
): Result<readonly ResourceAttributes[], CallFailure> {
  const namespace = subject?.namespace === undefined ? {} : { namespace: subject.namespace };
  const needed: ResourceAttributes[] = attributesOf(right).map((attributes) => ({ ...attributes, ...namespace }));
  const home = namespaceOfOwner(caller.id);
  // Who is in no namespace would work for Providers of all.
  if (subject?.worksById === true && home === undefined) needed.push(...attributesOf(UPDATE_ANY));
  if (subject?.provider === undefined) return ok(needed);
  const [, providerNamespace, name] = PROVIDER.exec(subject.provider) ?? [];
  if (providerNamespace === undefined || name === undefined) {
    return err(fieldsInvalid([PROVIDER_PROBLEM]));
  }
  // Who runs in the Provider's namespace belongs there; anybody else needs a say in the Provider itself.
  if (home !== providerNamespace)
    needed.push({ verb: "update", group: POLICY_GROUP, resource: "providers", namespace: providerNamespace, name });
  return ok(needed);
}

function attributesOf({ verbs, group, resource: written }: MethodRight): ResourceAttributes[] {
  const [resource = written, subresource] = written.split("/");
  return verbs.map((verb) => ({ verb, group, resource, ...(subresource === undefined ? {} : { subresource }) }));
}

function refusalOf(caller: Caller, attributes: ResourceAttributes, answer: Reviewed<boolean>): Refusal {
  if (!answer.ok) return unanswered(answer.error);
  if (answer.value) return undefined;
  const { verb, group, resource, subresource, namespace, name } = attributes;
  const kind = subresource === undefined ? `${resource}.${group}` : `${resource}.${group}/${subresource}`;
  const what = name === undefined ? kind : `${kind} "${name}"`;
  const where = namespace === undefined ? "" : ` in namespace ${namespace}`;
  return denied(`${caller.name} may not ${verb} ${what}${where}: grant it by RBAC`, caller);
}
