// Which way callers prove who they are here: from the settings to what stands before every call.
import { ok } from "../../core/result.ts";
import { reviewAccess, reviewToken } from "../../kubernetes/access-review.ts";
import type { KubernetesClient } from "../../kubernetes/client.ts";
import type { Clock } from "../../runtime/clock.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { Logger } from "../../runtime/log.ts";
import { openClusterClient } from "../cluster-client.ts";
import type { ControlPlaneConfig } from "../config.ts";
import { AccessControl, type Authenticate } from "./access-control.ts";
import { AccessReviews } from "./access-review.ts";
import { ApiKeys } from "./api-keys.ts";
import { AuditLog } from "./audit.ts";
import { createAuthenticate } from "./authenticate.ts";
import { type Authorize, authorizeByRole } from "./authorize.ts";
import { ANYBODY } from "./caller.ts";
import { CallerLimits } from "./rate-limits.ts";
import { VIRTUAL_GROUP } from "./rights.ts";
import { REVIEW_CALL, TokenReviews } from "./token-review.ts";

export type AccessMode = NonNullable<ControlPlaneConfig["auth"]>;

const LOOPBACK = /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\]):\d+$/;

/** Whether only processes of this machine can reach the address. */
export function isLoopback(address: string): boolean {
  return LOOPBACK.test(address);
}

/** What is said, or what is safe where nothing is said. Throws BeamlineError CONFIG_INVALID where nothing is. */
export function accessModeOf({ auth, address, tlsClientCaFile }: ControlPlaneConfig): AccessMode {
  if (auth === "certificate" && tlsClientCaFile === undefined) {
    throw new BeamlineError("CONFIG_INVALID", "BEAMLINE_CONTROLPLANE_AUTH is certificate, but no client CA is named", {
      hint: "Set BEAMLINE_CONTROLPLANE_TLS_CLIENT_CA_FILE.",
    });
  }
  if (auth !== undefined) return auth;
  if (tlsClientCaFile !== undefined) return "certificate";
  if (isLoopback(address)) return "none";
  throw new BeamlineError(
    "CONFIG_INVALID",
    `${address} is reached from other machines, and nothing says who may call`,
    {
      hint: "Set BEAMLINE_CONTROLPLANE_AUTH to kubernetes, api-key or certificate; or to none when everybody who reaches the port may do everything.",
    },
  );
}

export interface Access {
  readonly mode: AccessMode;
  readonly control: AccessControl;
  stop(): void;
}

export interface AccessOptions {
  readonly config: ControlPlaneConfig;
  readonly log: Logger;
  readonly auditLog: Logger;
  readonly clock: Clock;
}

/** Throws BeamlineError CONFIG_INVALID, INPUT_MISSING or PERMISSION_DENIED with what is wrong. */
export async function openAccess(options: AccessOptions): Promise<Access> {
  const { config, auditLog, clock } = options;
  const mode = accessModeOf(config);
  const audit = new AuditLog(auditLog, clock);
  const { authenticate, authorize, stop = () => undefined } = await openMode(mode, options);
  if (mode === "none") return { mode, control: new AccessControl({ authenticate, authorize, audit }), stop };
  const { callsPerSecond: calls, heartbeatsPerSecond: heartbeats, maxStreamsPerCaller: maxStreams } = config;
  const limits = new CallerLimits({ perSecond: { calls, heartbeats }, maxStreams, clock });
  return { mode, control: new AccessControl({ authenticate, authorize, audit, limits }), stop };
}

interface OpenMode {
  readonly authenticate: Authenticate;
  readonly authorize: Authorize;
  readonly stop?: () => void;
}

async function openMode(mode: AccessMode, { config, log, clock }: AccessOptions): Promise<OpenMode> {
  const nowMs = () => clock.nowMs();
  const withCertificates = (roles: boolean) =>
    config.tlsClientCaFile === undefined ? {} : { certificates: { roles, nowMs } };
  switch (mode) {
    case "none": {
      const anybody = ok(ANYBODY);
      return { authenticate: () => anybody, authorize: authorizeByRole };
    }
    case "certificate":
      return { authenticate: createAuthenticate(withCertificates(true)), authorize: authorizeByRole };
    case "api-key": {
      const tokens = await ApiKeys.open({ file: requiredKeysFile(config), log });
      const authenticate = createAuthenticate({ tokens, ...withCertificates(true) });
      return { authenticate, authorize: authorizeByRole, stop: () => tokens.stop() };
    }
    case "kubernetes": {
      const client = await openClusterClient(config, "beamline-controlplane");
      await checkReviews(client, log);
      const tokens = new TokenReviews({ client, audiences: config.tokenAudiences, clock, log });
      const { authorize } = new AccessReviews({ client, clock, log });
      const authenticate = createAuthenticate({ tokens, ...withCertificates(false) });
      return { authenticate, authorize, stop: () => client.close() };
    }
  }
}

function requiredKeysFile({ apiKeysFile }: ControlPlaneConfig): string {
  if (apiKeysFile !== undefined) return apiKeysFile;
  throw new BeamlineError("CONFIG_INVALID", "BEAMLINE_CONTROLPLANE_AUTH is api-key, but no file of keys is named", {
    hint: "Set BEAMLINE_CONTROLPLANE_API_KEYS_FILE; npx beamline api-key create makes one.",
  });
}

/** Throws when this process lacks the rights to ask: then nobody could ever be admitted. */
async function checkReviews(client: KubernetesClient, log: Logger): Promise<void> {
  const attributes = { verb: "get", group: VIRTUAL_GROUP, resource: "components" };
  const answers = await Promise.all([
    reviewToken(client, { token: "none", audiences: [] }, REVIEW_CALL),
    reviewAccess(client, { user: "beamline:nobody", groups: [] }, attributes, REVIEW_CALL),
  ]);
  for (const answer of answers) {
    if (answer.ok) continue;
    const { kind, message } = answer.error;
    if (kind === "Forbidden" || kind === "Unauthorized")
      throw new BeamlineError("PERMISSION_DENIED", `this process may not ask who may call: ${message}`, {
        hint: "Bind its service account to the ClusterRole system:auth-delegator.",
      });
    log.warn("the API server does not answer yet", { failure: kind, reason: message });
  }
}
