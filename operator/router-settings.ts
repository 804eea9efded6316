// The Router object, if there is one, and the settings of the process -> how routers run.
import type { RouterKey } from "../core/config/entry.ts";
import { parseObject } from "../core/policy/parse.ts";
import { API_VERSION } from "../core/policy/schema.ts";
import type { RouterSpec } from "../core/policy/spec.ts";
import type { OperatorConfig } from "./config.ts";
import type { RouterDeployment, SourceObject, SourceSnapshot } from "./interfaces.ts";
import type { FileProblem } from "./status-document.ts";

/** Routers that run when nothing says otherwise. */
export const DEFAULT_ROUTERS = 2;

export interface RouterSettings {
  readonly deployment: RouterDeployment;
  readonly allowedNamespaces: readonly string[];
  /** What a Router object says that is not done. */
  readonly problems: readonly FileProblem[];
}

/** Settings of the one Router of this installation. Any other Router object is a problem, and changes nothing. */
export function routerSettings(
  config: OperatorConfig,
  routerEnvironment: Readonly<Record<string, string>>,
  snapshot: SourceSnapshot,
): RouterSettings {
  const router: RouterKey = { namespace: config.routerNamespace, name: config.routerName };
  const objects = snapshot.objects.filter(({ kind }) => kind === "Router");
  const own = objects.find(({ meta }) => meta.namespace === router.namespace && meta.name === router.name);
  const spec = own === undefined ? undefined : readRouterSpec(own, router);
  const problems = objects.flatMap((object) =>
    object === own ? fixedFieldProblems(object, spec, config) : [otherRouter(object, router)],
  );
  return {
    deployment: {
      router,
      replicas: config.routers ?? spec?.replicas ?? DEFAULT_ROUTERS,
      environment: environmentOf(config, spec, routerEnvironment),
    },
    allowedNamespaces: spec?.allowedNamespaces ?? ["*"],
    problems: problems.flatMap((problem) => problem ?? []),
  };
}

function environmentOf(
  config: OperatorConfig,
  spec: RouterSpec | undefined,
  routerEnvironment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { natsCredentialsFile, subjectsPrefix } = config;
  const allowedSubjects = spec?.allowedSubjects ?? [];
  return {
    ...routerEnvironment,
    BEAMLINE_NATS_URL: config.natsUrl,
    BEAMLINE_NATS_TIMEOUT: `${config.natsTimeoutMs}ms`,
    BEAMLINE_ROUTER_NAMESPACE: config.routerNamespace,
    BEAMLINE_ROUTER_NAME: config.routerName,
    BEAMLINE_HANDOVER_RETENTION: `${config.handoverRetentionMs}ms`,
    BEAMLINE_LOG_LEVEL: config.logLevel,
    ...(natsCredentialsFile === undefined ? {} : { BEAMLINE_NATS_CREDENTIALS_FILE: natsCredentialsFile }),
    ...(subjectsPrefix === undefined ? {} : { BEAMLINE_SUBJECTS_PREFIX: subjectsPrefix }),
    ...(allowedSubjects.length === 0 ? {} : { BEAMLINE_ALLOWED_SUBJECTS: allowedSubjects.join(",") }),
  };
}

/** The source has held it to the schema; what does not parse here was changed since, and counts as no object. */
function readRouterSpec(object: SourceObject, router: RouterKey): RouterSpec | undefined {
  const { namespace, name } = object.meta;
  const raw = { apiVersion: API_VERSION, kind: "Router", metadata: { namespace, name }, spec: object.spec };
  const parsed = parseObject(raw, { namespace, routerRef: router });
  return parsed.ok && parsed.value.kind === "Router" ? parsed.value.spec : undefined;
}

function otherRouter(object: SourceObject, router: RouterKey): FileProblem | undefined {
  const message = `one machine runs one Router, ${router.namespace}/${router.name}; this one is left aside`;
  return problemAt(object, "metadata.name", "one_router", message);
}

/** Both are needed before the first file is read, so the process is told them. */
function fixedFieldProblems(
  object: SourceObject,
  spec: RouterSpec | undefined,
  config: OperatorConfig,
): readonly (FileProblem | undefined)[] {
  if (spec === undefined) return [];
  const problems: (FileProblem | undefined)[] = [];
  const { prefix } = spec.subjects;
  if (prefix !== undefined && prefix !== config.subjectsPrefix) {
    const message = "on one machine the prefix is set by BEAMLINE_SUBJECTS_PREFIX, which says otherwise";
    problems.push(problemAt(object, "spec.subjects.prefix", "fixed_at_start", message));
  }
  if (hasRetention(object.spec) && spec.handoverRetentionMs !== config.handoverRetentionMs) {
    const message = "on one machine the retention is set by BEAMLINE_HANDOVER_RETENTION, which says otherwise";
    problems.push(problemAt(object, "spec.handover.retention", "fixed_at_start", message));
  }
  return problems;
}

function hasRetention(spec: unknown): boolean {
  if (typeof spec !== "object" || spec === null || !("handover" in spec)) return false;
  return typeof spec.handover === "object" && spec.handover !== null && "retention" in spec.handover;
}

function problemAt({ origin }: SourceObject, path: string, rule: string, message: string): FileProblem | undefined {
  return origin === undefined ? undefined : { file: origin.file, ...origin.locate(path), path, rule, message };
}
