// The Router object, if there is one, and the settings of the process -> how routers run, and what of the object has no effect.
import type { RouterKey } from "../core/config/entry.ts";
import { parseObject } from "../core/policy/parse.ts";
import {
  DEFAULT_LIMITS,
  type InstallationLimits,
  listPartiallySupported,
  type Platform,
} from "../core/policy/partially-supported.ts";
import { API_VERSION } from "../core/policy/schema.ts";
import type { BeamlineObject } from "../core/policy/spec.ts";
import { planLegacySubjects, type UnboundSubject } from "../core/reconcile/legacy-subjects.ts";
import { defineConfig, parseConfig } from "../runtime/config.ts";
import type { RouterConfig } from "./config.ts";
import { MAX_ROUTERS } from "./infrastructure/processes/process-infrastructure.ts";
import type { RouterDeployment, RouterObject, RouterSecrets, SourceObject, SourceSnapshot } from "./interfaces.ts";
import { unusedRouterFields } from "./router-fields.ts";
import type { FileProblem } from "./status-document.ts";

/** Routers that run when nothing says otherwise. */
export const DEFAULT_ROUTERS = 2;

export interface RouterSettings {
  readonly deployment: RouterDeployment;
  readonly allowedNamespaces: readonly string[];
  /** What the assignments stream shall bind besides its own subjects. */
  readonly legacySubjects: readonly string[];
  /** What routers may publish to besides their own subjects: of those, what the stream does bind, and those of steps. */
  readonly allowedSubjects: readonly string[];
  readonly limits: InstallationLimits;
  /** Of the Router object; 1 when there is none. */
  readonly generation: number;
  /** Fields of the Router object that have no effect, each with why where that is not plain. */
  readonly partiallySupported: readonly string[];
  /** What a Router object says that is not done. */
  readonly problems: readonly FileProblem[];
}

export interface RouterSettingsInput {
  readonly config: RouterConfig;
  readonly platform: Platform;
  /** Why a roll-out must not go on. */
  readonly held?: string | undefined;
  /** Secrets that routers log in to NATS with, where routers are pods. */
  readonly secrets?: RouterSecrets | undefined;
  readonly routerEnvironment: Readonly<Record<string, string>>;
  readonly snapshot: SourceSnapshot;
  /** Of the `legacySubjects`, what the server would not bind. */
  readonly refusedSubjects: readonly UnboundSubject[];
}

/** Settings of the one Router of this installation. Any other Router object is a problem, and changes nothing. */
export function routerSettings(input: RouterSettingsInput): RouterSettings {
  const { config, platform, snapshot, refusedSubjects, routerEnvironment } = input;
  const router: RouterKey = { namespace: config.routerNamespace, name: config.routerName };
  const objects = routersAmong(snapshot.objects);
  const source = objects.find(({ meta }) => meta.namespace === router.namespace && meta.name === router.name);
  const object = source === undefined ? undefined : readRouter(source, router);
  const planned = planLegacySubjects(object?.spec.allowedSubjects ?? []);
  const refused = refusedSubjects.filter(({ subject }) => planned.bound.includes(subject));
  const stored = planned.bound.filter((bound) => !refused.some(({ subject }) => subject === bound));
  const allowedSubjects = [...stored, ...planned.steps];
  const unused =
    object === undefined ? [] : unusedRouterFields(object, config, platform, [...planned.unbound, ...refused]);
  const wanted = config.routers ?? object?.spec.replicas ?? DEFAULT_ROUTERS;
  const limits = limitsOf(config, routerEnvironment);
  const later = object === undefined ? [] : listPartiallySupported(object, limits, platform);
  return {
    deployment: {
      router,
      replicas: platform === "processes" ? Math.min(wanted, MAX_ROUTERS) : wanted,
      environment: environmentOf(config, allowedSubjects, routerEnvironment),
      ...(object === undefined ? {} : { object }),
      ...(input.held === undefined ? {} : { held: input.held }),
      ...(input.secrets === undefined ? {} : { secrets: input.secrets }),
    },
    allowedNamespaces: object?.spec.allowedNamespaces ?? ["*"],
    legacySubjects: planned.bound,
    allowedSubjects,
    limits,
    generation: source?.meta.generation ?? 1,
    partiallySupported: [...later, ...unused.map(({ path, message }) => `${path} (${message})`)],
    problems: [
      ...objects.filter((other) => other !== source).flatMap((other) => otherRouter(other, router)),
      ...unused.filter(({ isProblem }) => isProblem).flatMap((field) => problemAt(source, field)),
    ],
  };
}

const knownRouters = new WeakMap<readonly SourceObject[], readonly SourceObject[]>();

/** Looked for once in each list: settings are asked for with every acknowledgement. */
function routersAmong(objects: readonly SourceObject[]): readonly SourceObject[] {
  const known = knownRouters.get(objects) ?? objects.filter(({ kind }) => kind === "Router");
  knownRouters.set(objects, known);
  return known;
}

function environmentOf(
  config: RouterConfig,
  allowedSubjects: readonly string[],
  routerEnvironment: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const { subjectsPrefix } = config;
  const credentialsFile = config.routerCredentialsFile ?? config.natsCredentialsFile;
  return {
    ...routerEnvironment,
    BEAMLINE_NATS_URL: config.natsUrl,
    BEAMLINE_NATS_TIMEOUT: `${config.natsTimeoutMs}ms`,
    BEAMLINE_ROUTER_NAMESPACE: config.routerNamespace,
    BEAMLINE_ROUTER_NAME: config.routerName,
    BEAMLINE_HANDOVER_RETENTION: `${config.handoverRetentionMs}ms`,
    BEAMLINE_LOG_LEVEL: config.logLevel,
    ...(credentialsFile === undefined ? {} : { BEAMLINE_NATS_CREDENTIALS_FILE: credentialsFile }),
    ...(subjectsPrefix === undefined ? {} : { BEAMLINE_SUBJECTS_PREFIX: subjectsPrefix }),
    ...(allowedSubjects.length === 0 ? {} : { BEAMLINE_ALLOWED_SUBJECTS: allowedSubjects.join(",") }),
    ...(config.hasRegistry ? {} : { BEAMLINE_REGISTRY_ENABLED: "false" }),
  };
}

const limitSettings = defineConfig({
  maxPayloadBytes: {
    kind: "bytes",
    env: "BEAMLINE_MAX_PAYLOAD_BYTES",
    default: DEFAULT_LIMITS.maxPayloadBytes,
    description: "Largest message body that routers take in",
  },
});

/** As the routers will read it; a value that they refuse keeps them from starting, which is said elsewhere. */
function limitsOf(
  { hasRegistry }: RouterConfig,
  routerEnvironment: Readonly<Record<string, string>>,
): InstallationLimits {
  const parsed = parseConfig(limitSettings, routerEnvironment, Object.keys(routerEnvironment));
  return { ...DEFAULT_LIMITS, ...(parsed.ok ? parsed.value : {}), hasRegistry };
}

/** The source has held it to the schema; what does not parse here was changed since, and counts as no object. */
function readRouter({ meta, spec }: SourceObject, router: RouterKey): RouterObject | undefined {
  const { namespace, name, uid, generation } = meta;
  const raw = { apiVersion: API_VERSION, kind: "Router", metadata: { namespace, name }, spec };
  const parsed = parseObject(raw, { namespace, routerRef: router, uid, generation });
  const object: BeamlineObject | undefined = parsed.ok ? parsed.value : undefined;
  return object?.kind === "Router" ? object : undefined;
}

function otherRouter(object: SourceObject, router: RouterKey): readonly FileProblem[] {
  const message = `one machine runs one Router, ${router.namespace}/${router.name}; this one is left aside`;
  return problemAt(object, { path: "metadata.name", rule: "one_router", message });
}

function problemAt(
  source: SourceObject | undefined,
  { path, rule, message }: Pick<FileProblem, "path" | "rule" | "message">,
): readonly FileProblem[] {
  const origin = source?.origin;
  return origin === undefined ? [] : [{ file: origin.file, ...origin.locate(path), path, rule, message }];
}
