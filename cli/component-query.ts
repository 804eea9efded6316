// What the flags of `beamline components` ask for, in the terms of the Registry.
import {
  ComponentFilter,
  ComponentKind,
  type ComponentFilter as Filter,
  ListOrder,
  Liveness,
} from "../proto/gen/messages/beamline/control/v1/registry.ts";
import { BeamlineError } from "../runtime/errors.ts";
import type { Invocation, OptionTable, OptionValues } from "./command.ts";
import { choiceOption, listOption, pairsOption } from "./option-values.ts";

const KINDS: Readonly<Record<string, ComponentKind>> = {
  source: ComponentKind.COMPONENT_KIND_SOURCE,
  processor: ComponentKind.COMPONENT_KIND_PROCESSOR,
  consumer: ComponentKind.COMPONENT_KIND_CONSUMER,
};
const LIVENESS: Readonly<Record<string, Liveness>> = {
  live: Liveness.LIVENESS_LIVE,
  late: Liveness.LIVENESS_LATE,
  lost: Liveness.LIVENESS_LOST,
};
const ORDERS = {
  id: ListOrder.LIST_ORDER_ID,
  registered: ListOrder.LIST_ORDER_REGISTERED_AT,
  seen: ListOrder.LIST_ORDER_LAST_SEEN_AT,
  liveness: ListOrder.LIST_ORDER_LIVENESS_SINCE,
} as const;

export const KIND_OPTION: OptionTable = {
  kind: {
    type: "string",
    multiple: true,
    valueName: "KIND",
    description: "only source, processor or consumer; may be repeated",
  },
};

export const FILTER_OPTIONS: OptionTable = {
  ...KIND_OPTION,
  liveness: {
    type: "string",
    multiple: true,
    valueName: "STATE",
    description: "only live, late or lost; may be repeated",
  },
  status: {
    type: "string",
    multiple: true,
    valueName: "STATUS",
    description: "only with this reported status, such as HEALTHY; may be repeated",
  },
  metadata: {
    type: "string",
    multiple: true,
    valueName: "KEY=VALUE",
    description: "only with this property, such as provider=demo/local-llm; may be repeated",
  },
  "event-type": {
    type: "string",
    multiple: true,
    valueName: "TYPE",
    description: "only those that take or give this event type; may be repeated",
  },
  order: {
    type: "string",
    valueName: "ORDER",
    description: "id (default), registered, seen or liveness: newest first",
  },
};

export function readKinds(values: OptionValues): ComponentKind[] {
  return listOption(values, "kind").map((text) => readName(text, "--kind", KINDS));
}

export function readFilter(values: OptionValues): Filter {
  return ComponentFilter.fromPartial({
    kinds: readKinds(values),
    liveness: listOption(values, "liveness").map((text) => readName(text, "--liveness", LIVENESS)),
    statuses: [...listOption(values, "status")],
    metadata: pairsOption(values, "metadata"),
    eventTypes: [...listOption(values, "event-type")],
  });
}

export function readOrder(values: OptionValues): ListOrder {
  const orders = Object.keys(ORDERS) as (keyof typeof ORDERS)[];
  return ORDERS[choiceOption(values, "order", orders, "id")];
}

/** The two words, or one with a slash between, that name a component: `processor resize-1`, `processor/resize-1`. */
export function readComponentName({ positionals }: Invocation): { readonly kind: ComponentKind; readonly id: string } {
  const words = positionals.length === 1 ? (positionals[0] ?? "").split("/") : positionals;
  const [kind = "", id = ""] = words;
  if (words.length === 2 && id !== "") return { kind: readName(kind, "KIND", KINDS), id };
  throw new BeamlineError("USAGE_INVALID", "one component must be named by its kind and its id", {
    hint: "For example: processor resize-1",
  });
}

function readName<T>(text: string, where: string, names: Readonly<Record<string, T>>): T {
  const found = Object.hasOwn(names, text) ? names[text] : undefined;
  if (found !== undefined) return found;
  const known = Object.keys(names).join(", ");
  throw new BeamlineError("USAGE_INVALID", `${where} is "${text}": it must be one of ${known}`);
}
