// A decision without a server: the router's own handling of one request, run here on the policies of some files.
import { randomBytes } from "node:crypto";
import type { Effect, EffectResult } from "../core/handover/effects.ts";
import { DECIDE_SUBJECT, namesFor } from "../core/handover/subjects.ts";
import type { RoutingTable } from "../core/policy/table.ts";
import { assertNever } from "../core/result.ts";
import { DEFAULT_ROUTER } from "../operator/source/files/load-file.ts";
import { schemaTable } from "../proto/gen/messages/schema.ts";
import { routerConfig } from "../router/config.ts";
import { contextFor } from "../router/context.ts";
import type { Delivery } from "../router/delivery.ts";
import { handleDelivery } from "../router/handle.ts";
import { parseConfig } from "../runtime/config.ts";
import { BeamlineError } from "../runtime/errors.ts";
import type { Invocation } from "./command.ts";
import { flagOption } from "./option-values.ts";
import { readPolicyFiles } from "./policy-files.ts";
import { type RouteAnswer, type RouteReply, readRouteAnswer } from "./route-answer.ts";
import { buildRouteRequest, encodeRouteRequest, requestHeaders } from "./route-request.ts";
import { fileProblemTable } from "./status-view.ts";

/** Effects that one request can have: a few publishes, reads and waits, then the reply. */
const MAX_EFFECTS = 100;

/** Decides by the files of the command line. Throws INPUT_INVALID when something in them is wrong. */
export async function decideOffline(invocation: Invocation): Promise<RouteAnswer> {
  const { positionals, cwd, terminal, values } = invocation;
  if (positionals.length === 0) {
    const hint = "For example: npx beamline decide --offline examples/quickstart --tenant demo --type chat";
    throw new BeamlineError("USAGE_INVALID", "--offline names no file or folder", { hint });
  }
  const request = await buildRouteRequest(invocation);
  const { table, problems } = await readPolicyFiles(positionals, cwd);
  if (problems.length > 0) {
    for (const row of fileProblemTable(problems).rows) terminal.note(row.join("  "));
    throw new BeamlineError("INPUT_INVALID", `the policy files have ${problems.length} problems`, {
      hint: `See: npx beamline check ${positionals.join(" ")}`,
    });
  }
  const encoding = flagOption(values, "protobuf") ? "protobuf" : "json";
  const { body, contentType } = encodeRouteRequest(request, encoding);
  const headers = new Map(requestHeaders(contentType, flagOption(values, "explain")));
  return readRouteAnswer(handleOffline(table, { body, headers }), encoding);
}

/** What a router with this table and an empty store would reply. */
function handleOffline(
  table: RoutingTable,
  { body, headers }: { readonly body: Uint8Array; readonly headers: ReadonlyMap<string, string> },
): RouteReply {
  const config = parseConfig(routerConfig, {});
  if (!config.ok) throw new Error("the router's defaults are not a configuration");
  const context = contextFor({
    config: config.value,
    routerKey: DEFAULT_ROUTER,
    names: namesFor(),
    schemas: schemaTable,
    table,
    revision: 0,
  });
  const delivery: Delivery = {
    subject: DECIDE_SUBJECT,
    headers,
    body,
    replyTo: `_INBOX.${randomBytes(8).toString("hex")}`,
    position: undefined,
    nowMs: Date.now(),
    errorCount: 0,
  };
  const handling = handleDelivery(delivery, context);
  let step = handling.next();
  for (let effects = 0; !step.done && effects < MAX_EFFECTS; effects++) {
    if (step.value.kind === "reply") return toReply(step.value);
    step = handling.next(pretend(step.value));
  }
  throw new Error("the router ended without a reply");
}

function toReply(effect: Extract<Effect, { kind: "reply" }>): RouteReply {
  const headers = new Map(effect.headers);
  return { header: (name) => headers.get(name), body: effect.body };
}

/** Nothing is stored offline: every publish is the first of its effect, and nothing stands. Steps are not called: all agree. */
function pretend(effect: Exclude<Effect, { kind: "reply" }>): EffectResult {
  switch (effect.kind) {
    case "publish":
      return { kind: "stored", sequence: 1, duplicate: false };
    case "readLast":
      return { kind: "absent" };
    case "callStep":
      return { kind: "called", outcome: { kind: "answered", parts: [] }, elapsedMs: 0 };
    case "withdraw":
    case "wait":
      return { kind: "done" };
    default:
      return assertNever(effect);
  }
}
