// Holds each decision against what core decides on the table of the revision that the decision names: the bucket says which
// policies a revision has, the specs are those that the test applied.
import assert from "node:assert/strict";
import { parseSpec } from "../../../../core/config/apply.ts";
import type { Candidate } from "../../../../core/config/candidates.ts";
import type { RouterKey } from "../../../../core/config/entry.ts";
import { parseEntry } from "../../../../core/config/entry-value.ts";
import { compileChanges, NOTHING_CHOSEN } from "../../../../core/config/fallback.ts";
import { headKey, parseConfigKey, policyKey, routerKeyPattern } from "../../../../core/config/keys.ts";
import { decide } from "../../../../core/decide/decide.ts";
import { emptySnapshot } from "../../../../core/decide/decision.ts";
import { namesFor } from "../../../../core/handover/subjects.ts";
import { ExpressionCache } from "../../../../core/policy/expression.ts";
import type { BeamlineObject } from "../../../../core/policy/spec.ts";
import type { RoutingTable } from "../../../../core/policy/table.ts";
import type { KubernetesObject } from "../../../../kubernetes/object.ts";
import { nodeCodec } from "../../../../runtime/bytes.ts";
import type { NatsLink } from "../../../../runtime/nats/connection.ts";
import { type BucketEntry, type BucketWatch, watchBucket } from "../../../../runtime/nats/watch-bucket.ts";
import { quiet } from "../../../kubernetes/api-server/world.ts";
import { type Answer, PAYLOAD, requestContext, requestMetadata } from "./decide-requests.ts";

/** What stands at a key from some revision on; undefined: nothing. */
interface Version {
  readonly key: string;
  readonly uid: string | undefined;
}

interface Revision {
  readonly revision: number;
  readonly changes: readonly Version[];
}

export class RevisionJudge {
  private readonly router: RouterKey;
  private readonly watch: BucketWatch;
  private readonly revisions: Revision[] = [];
  private readonly applied = new Map<string, BeamlineObject>();
  private readonly standing = new Set<string>();
  private changes: Version[] = [];
  private resets = 0;

  constructor(link: NatsLink, router: RouterKey) {
    this.router = router;
    this.watch = watchBucket(link, {
      bucket: namesFor().buckets.config,
      keys: routerKeyPattern(router),
      onEntry: (entry) => this.take(entry),
      onReset: () => this.resets++,
      onCaughtUp: () => undefined,
      log: quiet,
    });
  }

  /** Entries that stand in the bucket, the head aside. */
  get entries(): number {
    return this.standing.size;
  }

  /** What the API server stored, by which a revision that has it is judged. */
  know({ metadata, spec }: KubernetesObject): void {
    const { namespace = "", name, uid = "", generation = 0 } = metadata;
    const meta = { namespace, name, uid, generation, creationMs: 0 };
    const parsed = parseSpec("RoutingPolicy", meta, spec, this.router);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    this.applied.set(uid, parsed.value);
  }

  /** Decisions that are not what core decides; each as a sentence. Answers in any order. */
  judge(answers: readonly Answer[]): readonly string[] {
    assert.equal(this.resets, 0, "the bucket was followed without a break");
    const sorted = [...answers].sort((left, right) => left.revision - right.revision);
    const wrong: string[] = [];
    const expressions = new ExpressionCache();
    let chosen = NOTHING_CHOSEN;
    let next = 0;
    let known = 0;
    for (const answer of sorted) {
      for (; (this.revisions[next]?.revision ?? Number.POSITIVE_INFINITY) <= answer.revision; next++) {
        const { revision, changes } = this.revisions[next] as Revision;
        known = revision;
        chosen = compileChanges(chosen, this.candidates(changes), { expressions });
      }
      const problem =
        known === answer.revision ? compare(answer, chosen.table) : `there is no revision ${answer.revision}`;
      if (problem !== undefined) wrong.push(`${answer.tenantId}/${answer.policyId}: ${problem}`);
    }
    return wrong;
  }

  stop(): void {
    this.watch.stop();
  }

  private take({ key, value, sequence }: BucketEntry): void {
    if (key === headKey(this.router)) {
      this.revisions.push({ revision: sequence, changes: this.changes });
      this.changes = [];
      return;
    }
    const parsed = parseConfigKey(this.router, key);
    const entry = parsed === undefined || value === undefined ? undefined : parseEntry(nodeCodec, parsed, value);
    if (entry === undefined) this.standing.delete(key);
    else this.standing.add(key);
    this.changes.push({ key, uid: entry?.uid });
  }

  private candidates(changes: readonly Version[]): ReadonlyMap<string, Candidate | undefined> {
    return new Map(
      changes.map(({ key, uid }) => {
        if (uid === undefined) return [key, undefined];
        const object = this.applied.get(uid);
        assert.ok(object !== undefined, `${key} was applied by this test`);
        assert.equal(policyKey(this.router, object.meta.namespace, object.meta.name), key);
        return [key, { key, choices: [object] }];
      }),
    );
  }
}

function compare(answer: Answer, table: RoutingTable): string | undefined {
  const { tenantId, policyId, session } = answer;
  const decided = decide(
    {
      tenantId,
      policyId,
      messageId: answer.messageId,
      messageType: "chat",
      payloadBytes: PAYLOAD.length,
      metadata: requestMetadata(session),
      context: requestContext(session),
      constraints: {},
      pickKey: "",
      attempt: 1,
      explain: false,
    },
    table,
    emptySnapshot,
  );
  if (!decided.ok) return `revision ${answer.revision} decides nothing (${decided.error.code})`;
  const { provider, reason, rule, policy } = decided.value;
  const expected = [provider.providerId, reason, rule ?? "", policy.generation];
  const had = [answer.providerId, answer.reason, answer.rule, answer.generation];
  return expected.join() === had.join()
    ? undefined
    : `revision ${answer.revision} decides ${expected.join()}, not ${had.join()}`;
}
