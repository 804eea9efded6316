// The rights that each method takes: one table for roles, for the rights of a cluster, for the audit record and for the limits.
import type { Role } from "./caller.ts";

/** The API group of what exists nowhere but in rules of RBAC: `components`, `components/any`, `configurations`, `lags`. */
export const VIRTUAL_GROUP = "control.beamline.dev";
export const POLICY_GROUP = "beamline.dev";

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete";

export interface MethodRight {
  /** All of them are needed. */
  readonly verbs: readonly Verb[];
  readonly group: string;
  /** As rules name it: `components`, or `components/any` with a subresource. */
  readonly resource: string;
  /** The least of viewer < operator < admin that may call it. */
  readonly least: Exclude<Role, "component">;
  /** A component does this for itself. */
  readonly component: boolean;
  /** It changes something: one line of the audit record a call. Heartbeats are no changes. */
  readonly change: boolean;
  /** Which budget of its caller a call is taken from. */
  readonly budget: "calls" | "heartbeats";
  /** What it takes besides, of a component that somebody else registered. */
  readonly ofOthers?: MethodRight;
}

/** A method that needs no right. */
export type Open = "open";

type Rest = Partial<Pick<MethodRight, "component" | "change" | "budget" | "group" | "ofOthers">>;

function right(least: MethodRight["least"], verbs: readonly Verb[], resource: string, rest: Rest = {}): MethodRight {
  const { group = VIRTUAL_GROUP, component = false, change = false, budget = "calls", ofOthers } = rest;
  const own = { verbs, group, resource, least, component, change, budget };
  return ofOthers === undefined ? own : { ...own, ofOthers };
}

/** To speak for components that others registered, and for Providers of every namespace. */
export const UPDATE_ANY = right("operator", ["update"], "components/any");
const DELETE_ANY = right("operator", ["delete"], "components/any");
const OWN = { component: true };
const REGISTER = right("operator", ["create"], "components", { ...OWN, change: true, ofOthers: UPDATE_ANY });
const UNREGISTER = right("operator", ["delete"], "components", { ...OWN, change: true, ofOthers: DELETE_ANY });
const BEAT = right("operator", ["update"], "components", { ...OWN, budget: "heartbeats", ofOthers: UPDATE_ANY });
const READ = right("viewer", ["get"], "components", { component: true });
const LIST = right("viewer", ["list"], "components", { component: true });
const WATCH = right("viewer", ["watch"], "components");
const CONFIGURE = right("operator", ["update"], "configurations", { change: true });
const CONFIGURED = right("viewer", ["watch"], "configurations", { component: true });
const POLICIES = "routingpolicies";
const POLICY = { group: POLICY_GROUP };
const LAG = right("viewer", ["get"], "lags");

/** Methods by service and name. A method that is not here cannot be served. */
export const RIGHTS: Readonly<Record<string, Readonly<Record<string, MethodRight | Open>>>> = {
  "obsrvr.flow.controlplane.ControlPlane": {
    RegisterProcessor: REGISTER,
    RegisterSource: REGISTER,
    RegisterConsumer: REGISTER,
    ProcessorHeartbeat: BEAT,
    SourceHeartbeat: BEAT,
    ConsumerHeartbeat: BEAT,
  },
  "beamline.control.v1.Registry": {
    Unregister: UNREGISTER,
    Get: READ,
    List: LIST,
    Discover: LIST,
    Watch: WATCH,
    Heartbeats: BEAT,
    BatchHeartbeat: BEAT,
    Configure: CONFIGURE,
    WatchConfiguration: CONFIGURED,
  },
  "flowctl.v1.ControlPlaneService": {
    RegisterComponent: REGISTER,
    UnregisterComponent: UNREGISTER,
    DiscoverComponents: LIST,
    Heartbeat: BEAT,
    GetComponentStatus: READ,
    ListComponents: LIST,
  },
  "beamline.flow.v1.RouterAdmin": {
    // An apply on the server asks for both.
    UpsertPolicy: right("operator", ["create", "patch"], POLICIES, { ...POLICY, change: true }),
    DeletePolicy: right("admin", ["delete"], POLICIES, { ...POLICY, change: true }),
    GetPolicy: right("viewer", ["get"], POLICIES, POLICY),
    ListPolicies: right("viewer", ["list"], POLICIES, POLICY),
    GetCheckpointStatus: right("viewer", ["list"], POLICIES, POLICY),
    GetValidatorsHealth: right("viewer", ["list"], POLICIES, POLICY),
  },
  "externalscaler.ExternalScaler": {
    IsActive: LAG,
    StreamIsActive: LAG,
    GetMetricSpec: LAG,
    GetMetrics: LAG,
    StreamMetricSpec: LAG,
  },
  // Probes have no credentials, and whether a service takes calls is no secret.
  "grpc.health.v1.Health": { Check: "open", List: "open", Watch: "open" },
};

const BY_PATH: ReadonlyMap<string, MethodRight | Open> = new Map(
  Object.entries(RIGHTS).flatMap(([service, methods]) =>
    Object.entries(methods).map(([method, row]) => [`/${service}/${method}`, row] as const),
  ),
);

export function findRight(path: string): MethodRight | Open | undefined {
  return BY_PATH.get(path);
}

/** Throws for a method without a row: a service is not put together with calls that nobody has to have a right for. */
export function rightOf(path: string): MethodRight | Open {
  const row = findRight(path);
  if (row === undefined) throw new Error(`${path} has no row in the table of rights`);
  return row;
}

const RANK: Readonly<Record<MethodRight["least"], number>> = { viewer: 0, operator: 1, admin: 2 };

export function roleMay(role: Role, { least, component }: MethodRight): boolean {
  return role === "component" ? component : RANK[role] >= RANK[least];
}
