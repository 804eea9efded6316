// beamline.control.v1.Registry: the calls that read and remove components, and where the other files of this service come together.
import { readHealthStatus } from "../../core/registry/health-status.ts";
import { type ComponentFilter, discover, type ListOrder, listComponents } from "../../core/registry/query.ts";
import { err, ok } from "../../core/result.ts";
import type { RegistryServer } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import {
  Component,
  type ComponentKind,
  type DiscoverRequest,
  type DiscoverResponse,
  type ComponentFilter as FilterMessage,
  ListOrder as ListOrderMessage,
  type ListRequest,
  type ListResponse,
} from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import type { CallSubject } from "../access/access-control.ts";
import { fieldsInvalid } from "../call-failure.ts";
import type { Answer } from "../call-frame.ts";
import { kindOf, livenessOf } from "../component-message.ts";
import { getComponent, unregisterComponent } from "../components.ts";
import { configure, watchConfiguration } from "./registry-configuration.ts";
import { MAX_ANSWER_BYTES, type RegistryContext, readName, show } from "./registry-context.ts";
import { hearBatch, hearStream } from "./registry-heartbeats.ts";
import { watchRegistry } from "./registry-watch.ts";

const PATH = "/beamline.control.v1.Registry";
export function registryService(context: RegistryContext): RegistryServer {
  const { frame, registry } = context;
  return {
    unregister: frame.unary(
      `${PATH}/Unregister`,
      ({ kind, id, instance }, caller) => {
        const name = readName(kind, id);
        if (!name.ok) return name;
        return unregisterComponent(registry, name.value, instance, frame.speaker(`${PATH}/Unregister`, caller));
      },
      subjectOf,
    ),
    get: frame.unary(`${PATH}/Get`, ({ kind, id }) => {
      const name = readName(kind, id);
      if (!name.ok) return name;
      const found = getComponent(registry, name.value);
      return found.ok ? ok({ component: show(context, found.value) }) : found;
    }),
    list: frame.unary(`${PATH}/List`, (request) => list(context, request)),
    discover: frame.unary(`${PATH}/Discover`, (request) => discoverComponents(context, request)),
    watch: frame.serverStream(`${PATH}/Watch`, (request, stream) => watchRegistry(context, request, stream)),
    heartbeats: hearStream(context, `${PATH}/Heartbeats`),
    batchHeartbeat: frame.unary(`${PATH}/BatchHeartbeat`, ({ heartbeats }, caller) =>
      hearBatch(context, heartbeats, frame.speaker(`${PATH}/BatchHeartbeat`, caller)),
    ),
    configure: frame.unary(`${PATH}/Configure`, (request) => configure(context, request), subjectOf),
    watchConfiguration: frame.serverStream(`${PATH}/WatchConfiguration`, (request, stream) =>
      watchConfiguration(context, request, stream),
    ),
  };
}

function subjectOf({ kind, id }: { readonly kind: ComponentKind; readonly id: string }): CallSubject {
  return { object: `${kindOf(kind) ?? "component"}/${id}` };
}

const ORDERS: ReadonlyMap<ListOrderMessage, ListOrder> = new Map([
  [ListOrderMessage.LIST_ORDER_UNSPECIFIED, "id"],
  [ListOrderMessage.LIST_ORDER_ID, "id"],
  [ListOrderMessage.LIST_ORDER_REGISTERED_AT, "registered"],
  [ListOrderMessage.LIST_ORDER_LAST_SEEN_AT, "lastSeen"],
  [ListOrderMessage.LIST_ORDER_LIVENESS_SINCE, "livenessSince"],
]);

function list(context: RegistryContext, request: ListRequest): Answer<ListResponse> {
  const order = ORDERS.get(request.order);
  if (order === undefined) return invalid("order", "known", "must be a value of ListOrder");
  const filter = readFilter(request.filter);
  let { pageSize } = request;
  // Each round has half as many components as the one before, so that this ends; one component is always small enough.
  for (;;) {
    const page = listComponents(context.registry.state, { filter, order, pageSize, pageToken: request.pageToken });
    if (!page.ok) {
      return page.error === "page_size"
        ? invalid("page_size", "minimum", `${pageSize} must not be negative`)
        : invalid("page_token", "page_token", "must be what a page of the same list gave");
    }
    const components = page.value.components.map((component) => show(context, component));
    if (components.length <= 1 || sizeOf(components) <= MAX_ANSWER_BYTES) {
      const { nextPageToken = "", resumeToken } = page.value;
      return ok({ components, nextPageToken, resumeToken });
    }
    pageSize = Math.floor(components.length / 2);
  }
}

function discoverComponents(context: RegistryContext, request: DiscoverRequest): Answer<DiscoverResponse> {
  const { inputEventTypes, outputEventTypes, metadata } = request;
  const kinds = [kindOf(request.kind) ?? ("processor" as const)];
  const filter = { kinds, inputEventTypes, outputEventTypes, metadata: new Map(Object.entries(metadata)) };
  const components: Component[] = [];
  let bytes = 0;
  for (const found of discover(context.registry.state, filter)) {
    const component = show(context, found);
    bytes += sizeOf([component]);
    if (bytes > MAX_ANSWER_BYTES) break;
    components.push(component);
  }
  return ok({ components });
}

function readFilter(message: FilterMessage | undefined): ComponentFilter {
  if (message === undefined) return {};
  return {
    kinds: message.kinds.map(kindOf).filter((kind) => kind !== undefined),
    liveness: message.liveness.map(livenessOf).filter((liveness) => liveness !== undefined),
    statuses: message.statuses.map(readHealthStatus),
    metadata: new Map(Object.entries(message.metadata)),
    eventTypes: message.eventTypes,
  };
}

function sizeOf(components: readonly Component[]): number {
  return components.reduce((bytes, component) => bytes + Component.encode(component).finish().length, 0);
}

function invalid(field: string, rule: string, message: string): Answer<never> {
  return err(fieldsInvalid([{ field, rule, message }]));
}
