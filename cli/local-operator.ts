// What the operator of `beamline up` is told: the environment, over which the flags win.
import { join } from "node:path";
import { type OperatorConfig, operatorConfig, ROUTER_ENVIRONMENT } from "../operator/config.ts";
import { formatConfigProblems, parseConfig } from "../runtime/config.ts";
import { BeamlineError } from "../runtime/errors.ts";
import { credentialsPath } from "./accounts/account-folder.ts";
import { isControlPlaneVariable } from "./local-control-plane.ts";
import { HOST, type UpSettings } from "./up-settings.ts";

export interface LocalOperatorOptions {
  readonly settings: UpSettings;
  readonly logDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Settings of other parts that may stand in the environment of `up`; those of the control plane may, too. */
const OTHER_VARIABLES = ["BEAMLINE_CACHE_DIR"];

/** Where the accounts of a secure NATS are; undefined for one that asks nobody who they are. */
export function accountsDirOf({ secure, dataDir }: UpSettings): string | undefined {
  return secure === undefined ? undefined : accountsDirIn(dataDir);
}

export function accountsDirIn(dataDir: string): string {
  return join(dataDir, "nats-accounts");
}

/** The operator's configuration: its environment, over which the flags win. Throws CONFIG_INVALID with every problem. */
export function operatorConfigOf({ settings, env, logDir }: LocalOperatorOptions): OperatorConfig {
  const accountsDir = accountsDirOf(settings);
  const environment = {
    ...env,
    BEAMLINE_NATS_URL: settings.natsUrl ?? `nats://${HOST}:${settings.natsPort}`,
    BEAMLINE_POLICIES_DIR: settings.policiesDir,
    BEAMLINE_STATE_DIR: settings.dataDir,
    BEAMLINE_HTTP_HOST: HOST,
    BEAMLINE_HTTP_PORT: String(settings.httpPort),
    BEAMLINE_ROUTERS: String(settings.routers),
    BEAMLINE_ROUTER_HEALTH_HOST: HOST,
    BEAMLINE_ROUTER_HEALTH_PORT: String(settings.healthPort),
    BEAMLINE_ROUTER_LOG_DIR: logDir,
    ...(accountsDir === undefined
      ? {}
      : {
          BEAMLINE_NATS_CREDENTIALS_FILE: credentialsPath(accountsDir, "operator"),
          BEAMLINE_ROUTER_NATS_CREDENTIALS_FILE: credentialsPath(accountsDir, "router"),
        }),
  };
  const others = Object.keys(env).filter(isControlPlaneVariable);
  const parsed = parseConfig(operatorConfig, environment, [...ROUTER_ENVIRONMENT, ...OTHER_VARIABLES, ...others]);
  if (parsed.ok) return parsed.value;
  throw new BeamlineError("CONFIG_INVALID", formatConfigProblems(parsed.error));
}
