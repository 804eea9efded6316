// `beamline status`: what is in force, on which routers, and what is wrong, by file, field, value and rule.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StatusDocument } from "../../operator/status-document.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Command, Invocation } from "../command.ts";
import { askServing } from "../control-plane-serving.ts";
import { dataDirOf, findEndpoints, readEndpoints } from "../endpoints.ts";
import { withProgress } from "../progress.ts";
import { printStatus } from "../status-view.ts";

const TIMEOUT_MS = 3_000;
const STATUS_FILE = "status.json";

/** Where the document came from: a running system, or what one left behind. */
interface FoundStatus {
  readonly document: StatusDocument;
  readonly source: string;
  readonly live: boolean;
}

export const statusCommand: Command = {
  name: "status",
  summary: "Show policies with their conditions, routers, revision, and every problem",
  usage: "[--url URL]",
  options: {
    url: {
      type: "string",
      valueName: "URL",
      description: "status page of the operator; default: that of the running `beamline up`",
    },
  },
  examples: ["npx beamline status", "npx beamline status --output json"],
  run: async (invocation) => {
    const { terminal } = invocation;
    const { document, source, live } = await findStatus(invocation);
    if (!live) terminal.note(`no operator answers: this is what the last one wrote to ${source}`, "yellow");
    if (terminal.format === "json") terminal.printJson(document);
    else {
      printStatus(terminal, document);
      if (live) await printControlPlane(invocation);
    }
    return 0;
  },
};

/** One line on the control plane of the running `up`, where it has one. */
async function printControlPlane(invocation: Invocation): Promise<void> {
  const { terminal } = invocation;
  const address = (await readEndpoints(dataDirOf(invocation)))?.controlPlane?.address;
  if (address === undefined || typeof invocation.values.url === "string") return;
  const { serving, reason } = await askServing({ addresses: [address] });
  const state = serving ? terminal.style("green", "serves") : terminal.style("red", `does not serve: ${reason}`);
  terminal.print("");
  terminal.print(`${terminal.style("bold", "Control plane")} ${address} ${state}; see: npx beamline components list`);
}

async function findStatus(invocation: Invocation): Promise<FoundStatus> {
  const { terminal, values } = invocation;
  const url = typeof values.url === "string" ? values.url : `${(await findEndpoints(invocation)).httpUrl}/status`;
  if (!URL.canParse(url))
    throw new BeamlineError(
      "USAGE_INVALID",
      `--url is "${url}": it must be a URL such as http://127.0.0.1:8080/status`,
    );
  try {
    const document = await withProgress(terminal, `asking ${url}`, () => fetchStatus(url));
    return { document, source: url, live: true };
  } catch (failure) {
    const left =
      typeof values.url === "string" ? undefined : await readStatusFile(join(dataDirOf(invocation), STATUS_FILE));
    if (left !== undefined) return left;
    throw new BeamlineError("UNAVAILABLE", `no operator answers at ${url}: ${reasonOf(failure)}`, {
      hint: "Start the system with npm start, or name its status page with --url.",
      cause: failure,
    });
  }
}

async function fetchStatus(url: string): Promise<StatusDocument> {
  const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`HTTP status ${response.status}`);
  return (await response.json()) as StatusDocument;
}

async function readStatusFile(path: string): Promise<FoundStatus | undefined> {
  try {
    return { document: JSON.parse(await readFile(path, "utf8")) as StatusDocument, source: path, live: false };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
