// `beamline status`: what is in force, on which routers, and what is wrong, by file, field, value and rule.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { StatusDocument } from "../../operator/status-document.ts";
import { BeamlineError, reasonOf } from "../../runtime/errors.ts";
import type { Command, Invocation } from "../command.ts";
import { dataDirOf, findEndpoints } from "../endpoints.ts";
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
    else printStatus(terminal, document);
    return 0;
  },
};

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
