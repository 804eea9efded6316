// `beamline doctor`: whether the operator is ready, NATS takes our credentials and the control plane serves; each part is asked,
// and each answer shown.

import { formatConfigProblems, parseConfig } from "../../runtime/config.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats } from "../../runtime/nats/connection.ts";
import { natsOptions, natsSettings } from "../../runtime/nats/settings.ts";
import type { Command, Invocation } from "../command.ts";
import { askServing } from "../control-plane-serving.ts";
import { CONTROL_PLANE_OPTIONS, findControlPlane } from "../control-plane-session.ts";
import { findCredentials, findEndpoints } from "../endpoints.ts";
import { textOption } from "../option-values.ts";
import { withProgress } from "../progress.ts";

/** Exit code when something that was asked is not well. */
const UNWELL = 1;
const TIMEOUT_MS = 5_000;

interface Finding {
  readonly part: string;
  readonly ok: boolean;
  readonly detail: string;
}

const EXAMINATIONS: Readonly<Record<string, (invocation: Invocation) => Promise<string>>> = {
  operator: examineOperator,
  nats: examineNats,
  "control-plane": examineControlPlane,
};

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Ask operator, NATS and control plane how they are; exit code 1 when one is not well",
  usage: "[operator] [nats] [control-plane] [--url URL]",
  options: {
    url: {
      type: "string",
      valueName: "URL",
      description: "readiness page of the operator; default: that of the running `beamline up`",
    },
    ...CONTROL_PLANE_OPTIONS,
  },
  examples: ["npx beamline doctor", "npx beamline doctor nats --output json"],
  run: async (invocation) => {
    const { positionals, terminal } = invocation;
    const parts = positionals.length > 0 ? positionals : await expectedParts(invocation);
    const findings: Finding[] = [];
    for (const part of parts) findings.push(await examine(part, invocation));
    if (terminal.format === "json") terminal.printJson(findings);
    else {
      const rows = findings.map(({ part, ok, detail }) => [
        part,
        ok ? terminal.style("green", "well") : terminal.style("red", "unwell"),
        detail,
      ]);
      terminal.printTable({ columns: ["part", "state", "detail"], rows });
      if (findings.every(({ ok }) => !ok) && (await findEndpoints(invocation)).source === "the default")
        terminal.note("Nothing runs here: start it with npm start, or say where it runs with --url and --nats-url.");
    }
    return findings.every(({ ok }) => ok) ? 0 : UNWELL;
  },
};

/** A control plane is asked when it is known that there is one: a system works without. */
async function expectedParts(invocation: Invocation): Promise<readonly string[]> {
  const { source } = await findControlPlane(invocation);
  return source === "the default" ? ["operator", "nats"] : Object.keys(EXAMINATIONS);
}

async function examine(part: string, invocation: Invocation): Promise<Finding> {
  const ask = Object.hasOwn(EXAMINATIONS, part) ? EXAMINATIONS[part] : undefined;
  if (ask === undefined) {
    throw new BeamlineError(
      "USAGE_INVALID",
      `there is no part named "${part}": it must be one of ${Object.keys(EXAMINATIONS).join(", ")}`,
    );
  }
  try {
    return { part, ok: true, detail: await withProgress(invocation.terminal, `asking ${part}`, () => ask(invocation)) };
  } catch (failure) {
    return { part, ok: false, detail: reasonOf(failure) };
  }
}

async function examineOperator(invocation: Invocation): Promise<string> {
  const url = textOption(invocation.values, "url") ?? `${(await findEndpoints(invocation)).httpUrl}/readyz`;
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch((failure: unknown) => {
    // fetch says why in its cause only.
    const reason = reasonOf(failure instanceof Error && failure.cause instanceof Error ? failure.cause : failure);
    throw new BeamlineError("UNAVAILABLE", `no operator answers at ${url}: ${reason}`, { cause: failure });
  });
  const text = await response.text();
  if (!response.ok) throw new BeamlineError("UNAVAILABLE", `${url} answers ${response.status}: ${text.trim()}`);
  return `ready at ${url}`;
}

async function examineNats(invocation: Invocation): Promise<string> {
  const names = Object.values(natsSettings).map(({ env }) => env);
  const environment = Object.fromEntries(names.map((name) => [name, invocation.env[name]]));
  const config = parseConfig(natsSettings, environment);
  if (!config.ok) throw new BeamlineError("CONFIG_INVALID", formatConfigProblems(config.error));
  const { natsUrl } = await findEndpoints(invocation);
  const credentialsFile = await findCredentials(invocation, "operator");
  const link = await connectNats({
    ...natsOptions(config.value),
    ...(credentialsFile === undefined ? {} : { credentialsFile }),
    url: natsUrl,
    timeoutMs: TIMEOUT_MS,
    name: "beamline-doctor",
    log: createLogger({ service: "cli", level: "silent" }),
  });
  await link.close();
  const login = credentialsFile === undefined ? "without credentials" : `with ${credentialsFile}`;
  return `nats-server ${link.serverVersion} at ${natsUrl} lets us in ${login}`;
}

async function examineControlPlane(invocation: Invocation): Promise<string> {
  const { options, source } = await findControlPlane(invocation);
  const where = `${options.addresses.join(",")} (from ${source})`;
  const { serving, reason } = await askServing(options);
  if (!serving) throw new BeamlineError("UNAVAILABLE", `control plane ${where} does not serve: ${reason}`);
  return `serves at ${where}`;
}
