// `beamline components list | get | unregister`: what is registered with the control plane.

import type { Connection } from "../../controlplane/client/connection.ts";
import { RegistryService } from "../../proto/gen/grpc/beamline/control/v1/registry.ts";
import type { Component, ListRequest } from "../../proto/gen/messages/beamline/control/v1/registry.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import type { Command } from "../command.ts";
import { FILTER_OPTIONS, readComponentName, readFilter, readOrder } from "../component-query.ts";
import { componentData, componentTable, kindName, printComponent } from "../component-view.ts";
import { CALL_TIMEOUT_MS, CONTROL_PLANE_OPTIONS, visitControlPlane } from "../control-plane-session.ts";
import { integerOption, textOption } from "../option-values.ts";
import { withProgress } from "../progress.ts";

const DEFAULT_LIMIT = 1_000;
const MAX_LIMIT = 100_000;
const MAX_PAGE = 1_000;

export const componentsListCommand: Command = {
  name: "components list",
  summary: "List components: whether they live, what they say of themselves, where they are",
  usage: "[--kind KIND] [--liveness STATE] [--metadata KEY=VALUE] [--limit N]",
  options: {
    ...FILTER_OPTIONS,
    limit: { type: "string", short: "n", valueName: "N", description: `at most N (default ${DEFAULT_LIMIT})` },
    ...CONTROL_PLANE_OPTIONS,
  },
  examples: [
    "npx beamline components list",
    "npx beamline components list --kind processor --liveness lost --output yaml",
    "npx beamline components list --metadata provider=demo/local-llm --order seen",
  ],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const limit = integerOption(values, "limit", { min: 1, max: MAX_LIMIT, fallback: DEFAULT_LIMIT });
    const request = {
      filter: readFilter(values),
      order: readOrder(values),
      pageSize: Math.min(limit, MAX_PAGE),
      pageToken: "",
    };
    const { components, more } = await visitControlPlane(invocation, (connection, address) =>
      withProgress(terminal, `asking ${address}`, () => listAll(connection, request, limit)),
    );
    if (terminal.format === "json") terminal.printJson({ components: components.map(componentData), more });
    else if (components.length === 0) terminal.note("no components");
    else terminal.printTable(componentTable(terminal, components, Date.now()));
    if (more) terminal.note("there are more: raise --limit");
    return 0;
  },
};

async function listAll(
  connection: Connection,
  first: ListRequest,
  limit: number,
): Promise<{ readonly components: readonly Component[]; readonly more: boolean }> {
  const components: Component[] = [];
  let request = first;
  for (;;) {
    const page = await connection.use((channel) => channel.unary(RegistryService.list, request, CALL_TIMEOUT_MS));
    components.push(...page.components);
    const more = page.nextPageToken !== "" || components.length > limit;
    if (page.nextPageToken === "" || components.length >= limit)
      return { components: components.slice(0, limit), more };
    request = { ...request, pageToken: page.nextPageToken };
  }
}

export const componentsGetCommand: Command = {
  name: "components get",
  summary: "Show one component in full",
  usage: "KIND ID",
  options: CONTROL_PLANE_OPTIONS,
  examples: ["npx beamline components get processor resize-1", "npx beamline components get source/feed --output json"],
  run: async (invocation) => {
    const { terminal } = invocation;
    const name = readComponentName(invocation);
    const { component } = await visitControlPlane(invocation, (connection) =>
      connection.use((channel) => channel.unary(RegistryService.get, name, CALL_TIMEOUT_MS)),
    );
    if (component === undefined)
      throw new BeamlineError("UNAVAILABLE", "the control plane answered without a component");
    if (terminal.format === "json") terminal.printJson(componentData(component));
    else printComponent(terminal, component, Date.now());
    return 0;
  },
};

export const componentsUnregisterCommand: Command = {
  name: "components unregister",
  summary: "End the registration of a component; one that lives registers again",
  usage: "KIND ID [--instance INSTANCE]",
  options: {
    instance: { type: "string", valueName: "INSTANCE", description: "only when this instance holds the id" },
    ...CONTROL_PLANE_OPTIONS,
  },
  examples: ["npx beamline components unregister processor resize-1"],
  run: async (invocation) => {
    const { terminal, values } = invocation;
    const { kind, id } = readComponentName(invocation);
    const request = { kind, id, instance: textOption(values, "instance") ?? "" };
    await visitControlPlane(invocation, (connection) =>
      connection.use((channel) => channel.unary(RegistryService.unregister, request, CALL_TIMEOUT_MS)),
    );
    if (terminal.format === "json") terminal.printJson({ unregistered: { kind: kindName(kind), id } });
    else {
      terminal.print(`unregistered ${kindName(kind)} ${id}`);
      terminal.note("If it still runs it registers again with its next heartbeat: stop it first.");
    }
    return 0;
  },
};
