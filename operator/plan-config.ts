// What the source, the bucket and the routers say now -> the plan of entries; what must be gathered for it and nothing else.
import type { RouterAck, RouterKey } from "../core/config/entry.ts";
import type { RouterPod } from "../core/config/programmed.ts";
import type { CompileOptions } from "../core/policy/compile.ts";
import { type EntryPlan, planEntries } from "../core/reconcile/plan-entries.ts";
import type { SourceSnapshot } from "./interfaces.ts";
import type { ConfigPublisher } from "./publish-config.ts";
import type { RouterSettings } from "./router-settings.ts";
import { servedCheck } from "./served-check.ts";

export interface PlanConfigInput {
  readonly router: RouterKey;
  readonly settings: RouterSettings;
  readonly snapshot: SourceSnapshot;
  /** The plan that was written last: known even when the bucket has been emptied since. */
  readonly before: EntryPlan;
  readonly publisher: Pick<ConfigPublisher, "storedEntry" | "standingHead" | "target">;
  readonly acks: ReadonlyMap<string, RouterAck>;
  readonly pods: readonly RouterPod[];
  readonly compile: CompileOptions;
}

export function planConfig(input: PlanConfigInput): EntryPlan {
  const { router, settings, snapshot, before, publisher, acks, pods, compile } = input;
  const standing = publisher.storedEntry.bind(publisher);
  const standingHead = publisher.standingHead();
  const target = publisher.target.bind(publisher);
  return planEntries(
    {
      router,
      allowedNamespaces: settings.allowedNamespaces,
      allowedSubjects: settings.allowedSubjects,
      limits: settings.limits,
      objects: snapshot.objects,
      stored: { get: (key) => before.entries.get(key) ?? standing(key) },
      wasProgrammed: servedCheck({ target, acks, pods, standing, standingHead }),
      compile,
    },
    before,
  );
}
