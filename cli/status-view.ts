// The status document for people: routers, policies, providers, then every problem with its place.
import type { ProcessorsSummary } from "../core/reconcile/registered.ts";
import type { FileProblem, ObjectStatus, StatusDocument } from "../operator/status-document.ts";
import type { Table } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Conditions that mean trouble, or something to know, when they are True; of all others it is the absence of True. */
const TRUE_IS_NOTABLE = new Set(["PartiallySupported", "Progressing"]);
/** Reasons of what holds that are to be seen all the same. */
const NOTABLE_REASONS = new Set(["ImplicitProviders", "PartlyRegistered"]);
const PIPELINE_CONDITIONS = ["Accepted", "Programmed", "Linked", "Ready"] as const;
const SUMMARY_CONDITIONS = ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const;

export function printStatus(terminal: Terminal, document: StatusDocument): void {
  const { revision, epoch, unfenced } = document;
  const fence = unfenced ? " (unfenced: one NATS account for everybody)" : "";
  terminal.print(`${terminal.style("bold", "Revision")} ${revision}, epoch ${epoch}${fence}`);
  printSection(terminal, "Routers", routerTable(document));
  printSection(terminal, "Policies", policyTable(terminal, document));
  printSection(terminal, "Providers", providerTable(document));
  printSection(terminal, "Pipelines", pipelineTable(terminal, document));
  printSection(terminal, "Notes", noteTable(document));
  printSection(terminal, "Problems (what the files held before stays in force)", problemTable(document));
}

function printSection(terminal: Terminal, heading: string, table: Table): void {
  if (table.rows.length === 0) return;
  terminal.print("");
  terminal.print(terminal.style("bold", heading));
  terminal.printTable(table);
}

function routerTable({ routers, revision }: StatusDocument): Table {
  const rows = routers.map((router) => [
    router.name,
    router.pid === undefined ? "-" : String(router.pid),
    router.ready ? "yes" : "no",
    router.appliedRevision === revision ? String(revision) : `${router.appliedRevision} (behind)`,
    String(router.rejectedCount),
    String(router.starts),
    router.healthUrl,
  ]);
  return { columns: ["name", "pid", "ready", "revision", "rejected", "starts", "health"], rows };
}

function policyTable(terminal: Terminal, { policies }: StatusDocument): Table {
  const rows = policies.map((policy) => [
    `${policy.namespace}/${policy.name}`,
    policy.tenantId,
    policy.policyId,
    String(policy.generation),
    ...SUMMARY_CONDITIONS.map((type) => showCondition(terminal, policy, type)),
    policy.file ?? "-",
  ]);
  return { columns: ["policy", "tenant", "id", "generation", ...SUMMARY_CONDITIONS, "file"], rows };
}

function showCondition(terminal: Terminal, object: ObjectStatus, type: string): string {
  const condition = object.conditions.find((candidate) => candidate.type === type);
  if (condition === undefined) return "-";
  if (condition.status === "True") return terminal.style("green", "True");
  return terminal.style(condition.status === "False" ? "red" : "yellow", `${condition.status} (${condition.reason})`);
}

function providerTable({ providers }: StatusDocument): Table {
  const rows = providers.map((provider) => [
    `${provider.namespace}/${provider.name}`,
    provider.displayName === undefined ? provider.providerId : `${provider.providerId} (${provider.displayName})`,
    provider.consumer ?? `subject ${provider.legacySubject ?? "-"}`,
    showProcessors(provider.processors),
    provider.file ?? "-",
  ]);
  return { columns: ["provider", "id", "consumer", "processors", "file"], rows };
}

function pipelineTable(terminal: Terminal, { pipelines }: StatusDocument): Table {
  const rows = pipelines.map((pipeline) => [
    `${pipeline.namespace}/${pipeline.name}`,
    pipeline.tenantId,
    String(pipeline.generation),
    ...PIPELINE_CONDITIONS.map((type) => showCondition(terminal, pipeline, type)),
    pipeline.input,
    pipeline.consumers.join(", "),
    pipeline.file ?? "-",
  ]);
  return { columns: ["pipeline", "tenant", "generation", ...PIPELINE_CONDITIONS, "input", "consumers", "file"], rows };
}

function showProcessors(processors: ProcessorsSummary | undefined): string {
  if (processors === undefined) return "-";
  const { live, late, lost, names } = processors;
  const counts = [`${live} live`, ...(late > 0 ? [`${late} late`] : []), ...(lost > 0 ? [`${lost} lost`] : [])].join(
    ", ",
  );
  const more = live + late + lost - names.length;
  const listed = more > 0 ? [...names, `${more} more`] : names;
  return listed.length === 0 ? counts : `${counts}: ${listed.join(", ")}`;
}

/** Conditions that say more than True: why one is not met, and what is not carried out in full. */
function noteTable(document: StatusDocument): Table {
  const objects = [
    { kind: "Router", object: document.router },
    ...document.policies.map((object) => ({ kind: "RoutingPolicy", object })),
    ...document.providers.map((object) => ({ kind: "Provider", object })),
    ...document.tenants.map((object) => ({ kind: "Tenant", object })),
    ...document.pipelines.map((object) => ({ kind: "Pipeline", object })),
  ];
  const rows = objects.flatMap(({ kind, object }) =>
    object.conditions
      .filter(({ type, status, reason }) =>
        TRUE_IS_NOTABLE.has(type) ? status === "True" : status !== "True" || NOTABLE_REASONS.has(reason),
      )
      .map(({ type, status, reason, message }) => [
        `${kind} ${object.namespace === "" ? "" : `${object.namespace}/`}${object.name}`,
        `${type}=${status}`,
        reason,
        message,
      ]),
  );
  return { columns: ["object", "condition", "reason", "message"], rows };
}

function problemTable(document: StatusDocument): Table {
  const { policies, providers, tenants, pipelines } = document;
  const objects: readonly ObjectStatus[] = [...policies, ...providers, ...tenants, ...pipelines];
  const found = [...document.files, ...objects].flatMap((holder) => holder.problems);
  const distinct = new Map(found.map((problem) => [JSON.stringify(problem), problem]));
  return fileProblemTable([...distinct.values()]);
}

/** Problems by file, place, field, value and rule: the same table for `check` and `status`. */
export function fileProblemTable(problems: readonly FileProblem[]): Table {
  const rows = problems.map(({ file, line, column, path, value, rule, message }) => [
    `${file}:${line}:${column}`,
    path === "" ? "-" : path,
    value ?? "-",
    rule,
    message,
  ]);
  return { columns: ["place", "field", "value", "rule", "message"], rows };
}
