// flowctl.v1.ControlPlaneService: the registry as the published flowctl SDKs call it, over the same components.
import { type Component, type ComponentKind, isCandidate } from "../../core/registry/component.ts";
import { INPUT_EVENT_TYPES, OUTPUT_EVENT_TYPES } from "../../core/registry/event-types.ts";
import type { FieldProblem } from "../../core/registry/field-problem.ts";
import { type ComponentFilter, componentsById, discover, matches } from "../../core/registry/query.ts";
import { validateId } from "../../core/registry/validate-registration.ts";
import { err, ok } from "../../core/result.ts";
import type { ControlPlaneServiceServer } from "../../proto/gen/grpc/flowctl/v1/control_plane.ts";
import type { ComponentInfo } from "../../proto/gen/messages/flowctl/v1/common.ts";
import {
  type ComponentStatusResponse,
  type HeartbeatRequest,
  type ListComponentsRequest,
  ListComponentsResponse,
  type RegisterRequest,
  type RegisterResponse,
} from "../../proto/gen/messages/flowctl/v1/control_plane.ts";
import type { Empty } from "../../proto/gen/messages/google/protobuf/empty.ts";
import { fieldsInvalid } from "../call-failure.ts";
import type { Answer, CallFrame, Note } from "../call-frame.ts";
import { hearComponent, registerComponent, unregisterComponent } from "../components.ts";
import { type Eventual, whenThere } from "../eventual.ts";
import type { LiveRegistry } from "../live-registry.ts";
import { registrationSubject } from "../registration-subject.ts";
import type { Speaker } from "../speaker.ts";
import { kindOfType, statusText, toInfo, toStatusResponse } from "./flowctl-message.ts";
import { MAX_ANSWER_BYTES } from "./registry-context.ts";

const PATH = "/flowctl.v1.ControlPlaneService";
const FIELD_NAMES = { id: "service_id" };

export function flowctlService(frame: CallFrame, registry: LiveRegistry): ControlPlaneServiceServer {
  return {
    registerComponent: frame.unary(
      `${PATH}/RegisterComponent`,
      (request, caller, note) => register(registry, request, frame.speaker(`${PATH}/RegisterComponent`, caller), note),
      ({ component, componentId }) => {
        const kind = kindOfType(component?.type ?? 0) ?? "component";
        return registrationSubject(kind, componentId || (component?.id ?? ""), component?.metadata ?? {});
      },
    ),
    unregisterComponent: frame.unary(
      `${PATH}/UnregisterComponent`,
      ({ serviceId }, caller) => unregister(registry, serviceId, frame.speaker(`${PATH}/UnregisterComponent`, caller)),
      ({ serviceId }) => ({ object: `component/${serviceId}` }),
    ),
    discoverComponents: frame.unary(`${PATH}/DiscoverComponents`, ({ type, eventTypes, metadataFilters }) => {
      const filter = {
        ...kindFilter(kindOfType(type)),
        eventTypes,
        metadata: new Map(Object.entries(metadataFilters)),
      };
      return ok({ components: discover(registry.state, filter).map(toInfo) });
    }),
    heartbeat: frame.unary(`${PATH}/Heartbeat`, (request, caller) =>
      heartbeat(registry, request, frame.speaker(`${PATH}/Heartbeat`, caller)),
    ),
    getComponentStatus: frame.unary(`${PATH}/GetComponentStatus`, ({ serviceId }) => {
      const found = find(registry, serviceId);
      return found.ok ? ok(toStatusResponse(found.value)) : found;
    }),
    listComponents: frame.unary(`${PATH}/ListComponents`, (request) => list(registry, request)),
  };
}

function kindFilter(kind: ComponentKind | undefined): Pick<ComponentFilter, "kinds"> {
  return kind === undefined ? {} : { kinds: [kind] };
}

/** These calls name no kind: of components with the same id, the caller's own are meant before others, and the last registered. */
function find(registry: LiveRegistry, id: string, owner?: string): Answer<Component> {
  const problems = validateId(id);
  if (problems.length > 0) return err(fieldsInvalid(problems.map((problem) => ({ ...problem, field: "service_id" }))));
  const isOwn = ({ registration }: Component): number => Number(registration.owner === owner);
  const [last] = componentsById(registry.state, id).toSorted(
    (a, b) => isOwn(b) - isOwn(a) || b.registration.seq - a.registration.seq,
  );
  if (last !== undefined) return ok(last);
  const message = `no component "${id}" is registered: register it`;
  return err({ cause: "COMPONENT_UNKNOWN", message, values: { id } });
}

function register(
  registry: LiveRegistry,
  request: RegisterRequest,
  speaker: Speaker,
  note: Note,
): Eventual<Answer<RegisterResponse>> {
  const { component, componentId } = request;
  if (component === undefined)
    return err(fieldsInvalid([{ field: "component", rule: "required", message: "must be set" }]));
  const kind = kindOfType(component.type);
  const problems = checkEventTypes(component);
  if (kind === undefined) problems.unshift({ field: "component.type", rule: "required", message: TYPE_RULE });
  if (kind === undefined || problems.length > 0) return err(fieldsInvalid(problems));
  const { endpoint } = component;
  const id = componentId === "" ? component.id : componentId;
  const names = { id: componentId === "" ? "component.id" : "component_id", endpoint: "component.endpoint" };
  const wanted = { kind, id, endpoint, metadata: metadataOf(component) };
  return registerComponent(registry, { request: wanted, names, speaker, note }, ({ registration }) => {
    return { serviceId: registration.id, assignedTopics: [], connectionInfo: {} };
  });
}

const TYPE_RULE = "must be COMPONENT_TYPE_SOURCE, COMPONENT_TYPE_PROCESSOR or COMPONENT_TYPE_CONSUMER";

/** The registry keeps event types as lists with commas, so that a comma cannot be in one. */
function checkEventTypes({ inputEventTypes, outputEventTypes }: ComponentInfo): FieldProblem[] {
  return [
    ...inputEventTypes.map((type) => ["input", type] as const),
    ...outputEventTypes.map((type) => ["output", type] as const),
  ]
    .filter(([, type]) => type.includes(","))
    .map(([side]) => ({
      field: `component.${side}_event_types`,
      rule: "event_type",
      message: "must not hold a comma",
    }));
}

/** What ComponentInfo has fields for is kept under the names that components of the other protocols write into metadata. */
function metadataOf(component: ComponentInfo): Record<string, string> {
  const { name, description, version, inputEventTypes, outputEventTypes } = component;
  const fields = {
    name,
    description,
    version,
    [INPUT_EVENT_TYPES]: inputEventTypes.join(","),
    [OUTPUT_EVENT_TYPES]: outputEventTypes.join(","),
  };
  const written = Object.entries(fields).filter(([, value]) => value !== "");
  return { ...component.metadata, ...Object.fromEntries(written) };
}

/** A component that is not registered is unregistered already. */
function unregister(registry: LiveRegistry, id: string, speaker: Speaker): Eventual<Answer<Empty>> {
  const found = find(registry, id, speaker.owner);
  if (!found.ok) return found.error.cause === "COMPONENT_UNKNOWN" ? ok({}) : found;
  return unregisterComponent(registry, found.value.registration, "", speaker);
}

function heartbeat(
  registry: LiveRegistry,
  { serviceId, status, metrics }: HeartbeatRequest,
  speaker: Speaker,
): Eventual<Answer<Empty>> {
  const found = find(registry, serviceId, speaker.owner);
  if (!found.ok) return found;
  const { kind, id } = found.value.registration;
  const numbers = Object.entries(metrics)
    .filter(([, text]) => text.trim() !== "")
    .map(([key, text]) => [key, Number(text)] as const)
    .filter(([, value]) => Number.isFinite(value));
  const request = { kind, id, status: statusText(status, found.value), metrics: Object.fromEntries(numbers) };
  const heard = hearComponent(registry, request, FIELD_NAMES, speaker);
  return whenThere(heard, (failure) => (failure === undefined ? ok({}) : err(failure)));
}

function list(registry: LiveRegistry, request: ListComponentsRequest): Answer<ListComponentsResponse> {
  const filter = kindFilter(kindOfType(request.typeFilter));
  const components: ComponentStatusResponse[] = [];
  for (const component of registry.state.components.values()) {
    if (!matches(component, filter)) continue;
    if (request.includeUnhealthy || isCandidate(component)) components.push(toStatusResponse(component));
  }
  components.sort((a, b) => ((a.component?.id ?? "") < (b.component?.id ?? "") ? -1 : 1));
  if (ListComponentsResponse.encode({ components }).finish().length <= MAX_ANSWER_BYTES) return ok({ components });
  const message = `${components.length} components make more than ${MAX_ANSWER_BYTES} bytes: call beamline.control.v1.Registry/List`;
  return err({ cause: "ANSWER_TOO_LARGE", message });
}
