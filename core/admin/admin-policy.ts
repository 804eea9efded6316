// A policy in the short form of beamline.flow.v1.RouterAdmin, as plain data.

export interface AdminPolicy {
  readonly policyId: string;
  readonly providers: readonly AdminProvider[];
  readonly sticky: boolean;
  /** Tried in this order. */
  readonly rules: readonly AdminRule[];
}

export interface AdminProvider {
  readonly id: string;
  /** Any finite number from 0 on; only the proportions count. */
  readonly weight: number;
}

export interface AdminRule {
  /** A CEL expression, as `when` of a RoutingPolicy. */
  readonly match: string;
  readonly prefer: readonly string[];
  /** Empty = none. */
  readonly fallback: string;
}

/** Which policy of which tenant. */
export interface PolicyName {
  readonly tenantId: string;
  readonly policyId: string;
}

/** Field manager of everything that RouterAdmin writes. */
export const ADMIN_FIELD_MANAGER = "beamline-admin";
/** What of an AdminPolicy its RoutingPolicy cannot say: see weights.ts. */
export const ADMIN_POLICY_ANNOTATION = "beamline.dev/admin-policy";
/** What `sticky: true` means; the routers before this one read the same key of a message's context. */
export const STICKY_KEY = "context.session_id";
