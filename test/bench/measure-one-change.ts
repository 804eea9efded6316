// One policy more: what operator and router have to work out, by how many there are. No I/O.
import { type AppliedEntries, applyChanges, NOTHING_APPLIED } from "../../core/config/apply.ts";
import type { ConfigEntry, RouterAck } from "../../core/config/entry.ts";
import { encodeHead, headOf } from "../../core/config/head.ts";
import { headKey } from "../../core/config/keys.ts";
import { advanceStage, createStage, type Stage, type StageEvent } from "../../core/config/stage.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { ExpressionCache } from "../../core/policy/expression.ts";
import { EMPTY_PLAN, type EntryPlan, planEntries } from "../../core/reconcile/plan-entries.ts";
import { type DesiredSet, desiredSet, NOTHING_DESIRED } from "../../operator/desired-set.ts";
import type { ObservedPod, SourceObject } from "../../operator/interfaces.ts";
import { NOTHING_OBSERVED, type Observation, type ObservedStatus, observeStatus } from "../../operator/observe.ts";
import { ProgrammedTargets } from "../../operator/programmed-targets.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { BENCH_ROUTER, manyEntries } from "./objects.ts";
import { type Summary, summarize } from "./statistics.ts";

export interface OneChangeFigure {
  readonly policies: number;
  /** Of the operator: what shall stand in the bucket. */
  readonly planMs: Summary;
  /** Of the operator: bytes and head. */
  readonly encodeMs: Summary;
  /** Of the operator: statuses, once the head is written and again when both routers have it. */
  readonly observeMs: Summary;
  /** Of a router: from the messages of a watch to the table. */
  readonly tableMs: Summary;
}

const SIZES = [100, 1_000, 5_000];
const WARM_UP = 20;
const CHANGES = 200;
const EPOCH = "bench";
const NAMES = namesFor();
const PODS: readonly ObservedPod[] = ["router-0", "router-1"].map((name) => ({
  name,
  uid: name,
  ready: true,
  updated: true,
  pid: undefined,
  healthUrl: "",
  starts: 1,
  failure: undefined,
}));

export function measureOneChange(): OneChangeFigure[] {
  return SIZES.map((policies) => {
    const parts = new Parts(
      new Map([
        ["planMs", []],
        ["encodeMs", []],
        ["observeMs", []],
        ["tableMs", []],
      ]),
    );
    const all = manyEntries(policies + WARM_UP + CHANGES);
    const more = all.filter(({ kind }) => kind === "RoutingPolicy").slice(policies);
    const standing = all.filter((entry) => !more.includes(entry));
    parts.change(standing);
    for (const entry of more.slice(0, WARM_UP)) parts.change([entry]);
    for (const times of parts.times.values()) times.length = 0;
    for (const entry of more.slice(WARM_UP)) parts.change([entry]);
    const of = (part: Part): Summary => summarize(parts.times.get(part) ?? []);
    return {
      policies,
      planMs: of("planMs"),
      encodeMs: of("encodeMs"),
      observeMs: of("observeMs"),
      tableMs: of("tableMs"),
    };
  });
}

type Part = Exclude<keyof OneChangeFigure, "policies">;

/** Operator and router without what lies between them. */
class Parts {
  readonly times: ReadonlyMap<Part, number[]>;
  private readonly compile = { expressions: new ExpressionCache() };
  private readonly targets = new ProgrammedTargets();
  private readonly host = { codec: nodeCodec, router: BENCH_ROUTER, compile: { expressions: new ExpressionCache() } };
  private objects: readonly SourceObject[] = [];
  private plan: EntryPlan = EMPTY_PLAN;
  private desired: DesiredSet = NOTHING_DESIRED;
  private observed: ObservedStatus = NOTHING_OBSERVED;
  private stage: Stage = createStage(BENCH_ROUTER);
  private applied: AppliedEntries = NOTHING_APPLIED;
  private sequence = 0;
  private acknowledged = 0;

  constructor(times: ReadonlyMap<Part, number[]>) {
    this.times = times;
    this.advance({ kind: "snapshotBegin" });
    this.advance({ kind: "snapshotComplete" });
  }

  change(entries: readonly ConfigEntry[]): void {
    const added = entries.map(
      (entry): SourceObject => ({ kind: entry.kind, meta: entry, spec: entry.current, conditions: [] }),
    );
    this.objects = [...this.objects, ...added];
    const before = this.desired;
    const { objects } = this;
    this.plan = this.timed("planMs", () =>
      planEntries(
        {
          router: BENCH_ROUTER,
          allowedNamespaces: ["*"],
          objects,
          stored: this.plan.entries,
          wasProgrammed: () => true,
          compile: this.compile,
        },
        this.plan,
      ),
    );
    const head = this.timed("encodeMs", () => {
      this.desired = desiredSet(before, this.plan.entries);
      return encodeHead(nodeCodec, headOf(EPOCH, this.desired.set));
    });
    const written = this.desired.encoded.changedSince(before.encoded);
    this.timed("tableMs", () => {
      for (const key of written) this.put(key, this.desired.encoded.get(key)?.value);
      this.put(headKey(BENCH_ROUTER), head);
    });
    const revision = this.sequence;
    this.timed("observeMs", () => {
      this.targets.headWritten(this.plan.entries, { revision, epoch: EPOCH });
      this.observed = observeStatus(this.observation(revision, this.acknowledged), this.observed);
      this.observed = observeStatus(this.observation(revision, revision), this.observed);
    });
    this.acknowledged = revision;
    const { accepted, pending } = this.observed;
    const { policyCount } = this.applied.table;
    if (policyCount === 0 || policyCount !== accepted.policies || pending.size > 0) {
      throw new Error(`${policyCount} of ${accepted.policies} policies are in the table, ${pending.size} are pending`);
    }
  }

  private put(key: string, value: Uint8Array | undefined): void {
    this.advance({ kind: "change", key, value, sequence: ++this.sequence });
  }

  private advance(event: StageEvent): void {
    const { state, actions } = advanceStage(this.stage, event, nodeCodec);
    this.stage = state;
    for (const action of actions) {
      if (action.kind === "reread") throw new Error(`the router reads again: ${action.reason}`);
      this.applied = applyChanges(this.applied, action, this.host);
    }
  }

  private observation(revision: number, acknowledged: number): Observation {
    const ack = { version: "", epoch: EPOCH, appliedRevision: acknowledged, rejected: [], rejectedCount: 0 };
    const acks = new Map<string, RouterAck>(PODS.map(({ uid }) => [uid, { ...ack, podUid: uid }]));
    return {
      router: BENCH_ROUTER,
      names: NAMES,
      snapshot: { objects: this.objects, records: new Map(), files: [] },
      plan: this.plan,
      head: { revision, epoch: EPOCH },
      targets: this.targets.all,
      acks,
      pods: PODS,
      infrastructure: {},
      settings: {
        deployment: { router: BENCH_ROUTER, replicas: PODS.length, environment: {} },
        allowedNamespaces: ["*"],
        legacySubjects: [],
        allowedSubjects: [],
        limits: { maxPayloadBytes: 1_048_576, hasRegistry: true },
        generation: 1,
        partiallySupported: [],
        problems: [],
      },
      duplicateWindowMs: 120_000,
      busOwner: undefined,
      leaseHolder: undefined,
      unfenced: true,
      now: "2026-01-01T00:00:00Z",
    };
  }

  private timed<T>(part: Part, work: () => T): T {
    const startMs = performance.now();
    const result = work();
    this.times.get(part)?.push(performance.now() - startMs);
    return result;
  }
}
