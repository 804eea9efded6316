// `beamline decide`: who takes this message? Asked of the running routers, or worked out locally from policy files.
import { DECIDE_SUBJECT } from "../../core/handover/subjects.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { encodeHeaderBlock, formatHeaderLines } from "../../runtime/nats/headers.ts";
import type { MuxReply } from "../../runtime/nats/mux.ts";
import type { Command, Invocation } from "../command.ts";
import { explanationTable } from "../explanation.ts";
import { visitNats } from "../nats-session.ts";
import { durationOption, flagOption } from "../option-values.ts";
import { withProgress } from "../progress.ts";
import { type RouteAnswer, readRouteAnswer, type ShownDecision } from "../route-answer.ts";
import { buildRouteRequest, encodeRouteRequest, REQUEST_OPTIONS, requestHeaders } from "../route-request.ts";
import type { Terminal } from "../terminal.ts";

const DEFAULT_TIMEOUT_MS = 5_000;
/** Exit code when a router was reached and refused. */
const REFUSED = 1;

export const decideCommand: Command = {
  name: "decide",
  summary: "Ask who takes a message, and why",
  usage: "--tenant TENANT --type TYPE [--policy POLICY] [--explain] [--offline FILE|DIR…]",
  options: {
    ...REQUEST_OPTIONS,
    explain: { type: "boolean", description: "show each stage of the decision" },
    protobuf: { type: "boolean", description: "send protobuf instead of JSON" },
    timeout: { type: "string", valueName: "TIME", description: "how long to wait for the answer (default 5s)" },
    offline: { type: "boolean", description: "decide here, by the policies in the files and folders that follow" },
  },
  examples: [
    `npx beamline decide --tenant demo --policy chat --type chat --payload '{"prompt":"hello"}' --explain`,
    "npx beamline decide --tenant demo --type chat --meta tier=gold --push --key order-17",
    "npx beamline decide --offline examples/quickstart --tenant demo --policy chat --type chat --explain",
  ],
  run: async (invocation) => {
    const offline = flagOption(invocation.values, "offline");
    if (!offline && invocation.positionals.length > 0) {
      const hint = "Files are read only with --offline.";
      throw new BeamlineError("USAGE_INVALID", `unexpected argument "${invocation.positionals[0]}"`, { hint });
    }
    const answer = offline ? await decideHere(invocation) : await askRouter(invocation);
    printAnswer(invocation.terminal, answer, flagOption(invocation.values, "explain"));
    return answer.ok ? 0 : REFUSED;
  },
};

/** The router's code is loaded only here: asking a running one needs none of it. */
async function decideHere(invocation: Invocation): Promise<RouteAnswer> {
  const { decideOffline } = await import("../offline-decision.ts");
  return decideOffline(invocation);
}

async function askRouter(invocation: Invocation): Promise<RouteAnswer> {
  const { values, terminal } = invocation;
  const timeoutMs = durationOption(values, "timeout", DEFAULT_TIMEOUT_MS);
  const encoding = flagOption(values, "protobuf") ? "protobuf" : "json";
  const { body, contentType } = encodeRouteRequest(await buildRouteRequest(invocation), encoding);
  const lines = formatHeaderLines(requestHeaders(contentType, flagOption(values, "explain")));
  if (!lines.ok) throw new Error(lines.error);
  const headers = encodeHeaderBlock(lines.value);
  const reply = await visitNats(invocation, "producer", (link) =>
    withProgress(
      terminal,
      `waiting for a router on ${DECIDE_SUBJECT}`,
      () => new Promise<MuxReply>((resolve) => link.mux.request(DECIDE_SUBJECT, body, headers, timeoutMs, resolve)),
    ),
  );
  if (reply.kind === "reply") {
    const { headers: replyHeaders, data } = reply.msg;
    const header = (name: string): string | undefined => (replyHeaders?.has(name) ? replyHeaders.get(name) : undefined);
    return readRouteAnswer({ header, body: data }, encoding);
  }
  if (reply.kind === "rejected")
    throw new BeamlineError("INPUT_INVALID", `the request cannot be sent: ${reply.description}`);
  if (reply.reason === "timeout") {
    throw new BeamlineError("DEADLINE_EXCEEDED", `no router answered on ${DECIDE_SUBJECT} within ${timeoutMs} ms`, {
      hint: "With --key it is safe to ask again: the same key never has a second effect.",
    });
  }
  throw new BeamlineError("UNAVAILABLE", `no router listens on ${DECIDE_SUBJECT} (${reply.reason})`, {
    hint: "See npx beamline status; start the system with npm start.",
  });
}

function printAnswer(terminal: Terminal, answer: RouteAnswer, explain: boolean): void {
  if (terminal.format === "json") {
    const { steps, ...rest } = answer;
    terminal.printJson(explain && steps !== undefined ? { ...rest, steps } : rest);
    return;
  }
  if (answer.ok) printDecision(terminal, answer.decision);
  else {
    const intake = answer.error.intake_error_code === undefined ? "" : ` (${answer.error.intake_error_code})`;
    terminal.print(terminal.style("red", `refused: ${answer.error.code}${intake}: ${answer.error.message}`));
  }
  if (!explain) return;
  terminal.print("");
  if (answer.steps === undefined)
    terminal.print("No stages: this answer repeats what was decided before, or no decision was begun.");
  else terminal.printTable(explanationTable(answer.steps));
}

function printDecision(terminal: Terminal, decision: ShownDecision): void {
  terminal.print(`provider  ${terminal.style("green", decision.provider_id)}`);
  terminal.print(`reason    ${decision.reason}`);
  terminal.print(`priority  ${decision.priority}`);
  terminal.print(`expected  ${decision.expected_latency_ms} ms, cost ${decision.expected_cost}`);
  const facts = Object.entries(decision.metadata).map(([name, value]) => `${name}=${value}`);
  terminal.print(`metadata  ${facts.join(" ")}`);
}
