// What `beamline up` says once it runs: what runs where, and what to try next, with the real ports.
import { relative } from "node:path";
import { DEFAULT_STREAM_SETTINGS } from "../core/handover/streams.ts";
import type { StatusDocument } from "../operator/status-document.ts";
import { credentialsPath } from "./accounts/account-folder.ts";
import { type ControlPlaneEndpoint, DEFAULT_DATA_DIR } from "./endpoints.ts";
import { fileProblemTable } from "./status-view.ts";
import type { Terminal } from "./terminal.ts";
import type { UpSettings } from "./up-settings.ts";

/** What is known once everything has started. */
export interface RunningSystem {
  readonly settings: UpSettings;
  readonly cwd: string;
  readonly natsUrl: string;
  /** Such as `nats-server 2.15.2 from the cache, process 123`. */
  readonly natsOrigin: string;
  readonly httpUrl: string;
  readonly workerPid: number | undefined;
  /** Undefined when it runs without one. */
  readonly controlPlane:
    | (ControlPlaneEndpoint & {
        readonly pid: number | undefined;
        /** API key that was made by this start, which is shown once. */
        readonly newKey: string | undefined;
      })
    | undefined;
  readonly logDir: string;
  /** Folder of the credentials of a secure NATS. */
  readonly accountsDir: string | undefined;
  /** How long a stored assignment proves its effect. */
  readonly retentionMs: number;
  readonly status: StatusDocument;
}

const SECONDS_PER_MINUTE = 60;
const MS_PER_SECOND = 1_000;

/** The promise and its bounds: what holds producers back, and the rate at which it begins to. */
function describeWindow(retentionMs: number): string {
  const { maxAssignments } = DEFAULT_STREAM_SETTINGS;
  const seconds = retentionMs / MS_PER_SECOND;
  const kept = seconds < SECONDS_PER_MINUTE ? `${seconds} s` : `${Math.round(seconds / SECONDS_PER_MINUTE)} min`;
  const perSecond = Math.floor(maxAssignments / seconds).toLocaleString("en");
  return `one assignment an effect for ${kept}; up to ${maxAssignments.toLocaleString("en")} are kept (${perSecond}/s sustained), more is back-pressure`;
}

export function printSummary(terminal: Terminal, system: RunningSystem): void {
  if (terminal.format === "json") {
    const { natsUrl, httpUrl, workerPid, controlPlane, logDir, accountsDir, status } = system;
    const credentials = accountsDir === undefined ? {} : { credentials: credentialsOf(accountsDir) };
    const { routers } = status;
    terminal.printJson({
      pid: process.pid,
      natsUrl,
      httpUrl,
      workerPid,
      controlPlane,
      logDir,
      ...credentials,
      routers,
    });
    return;
  }
  terminal.print(terminal.style("bold", "Beamline is running."));
  for (const [name, text] of describeParts(system)) terminal.print(`  ${name.padEnd(NAME_WIDTH)}${text}`);
  const problems = system.status.files.flatMap((file) => file.problems);
  if (problems.length > 0) {
    terminal.print("");
    terminal.print(terminal.style("yellow", "Some files are not in force as they stand:"));
    terminal.printTable(fileProblemTable(problems));
  }
  terminal.print("");
  terminal.print(terminal.style("bold", "Try next, in another terminal:"));
  for (const line of suggestCommands(system)) terminal.print(`  ${line}`);
  terminal.print("");
  terminal.print("Ctrl-C stops everything.");
}

const NAME_WIDTH = 10;

/** What is given to those who are no part of Beamline. */
function credentialsOf(accountsDir: string): { readonly producer: string; readonly worker: string } {
  return { producer: credentialsPath(accountsDir, "producer"), worker: credentialsPath(accountsDir, "worker") };
}

function describeParts(system: RunningSystem): readonly (readonly [string, string])[] {
  const { settings, status, cwd } = system;
  const inForce = status.policies.filter(({ conditions }) => conditions.some(isReady)).length;
  const folder = shortPath(cwd, settings.policiesDir);
  const parts: [string, string][] = [
    ["NATS", `${system.natsUrl} (${system.natsOrigin})`],
    ["status", `${system.httpUrl}/status, also /metrics and /readyz`],
    ["routers", status.routers.map(({ name, healthUrl }) => `${name} ${healthUrl}`).join(", ")],
    [
      "policies",
      `${folder}: ${inForce} of ${status.policies.length} in force; save a file and it is in force within a second`,
    ],
    ["window", describeWindow(system.retentionMs)],
    ["data", shortPath(cwd, settings.dataDir)],
    ["logs", shortPath(cwd, system.logDir)],
  ];
  if (settings.worker !== undefined) {
    parts.splice(4, 0, ["worker", `${shortPath(cwd, settings.worker)} (process ${system.workerPid ?? "not running"})`]);
  }
  if (system.controlPlane !== undefined) parts.splice(3, 0, ...describeControlPlane(system.controlPlane, cwd));
  if (system.accountsDir !== undefined) {
    const { producer, worker } = credentialsOf(system.accountsDir);
    parts.splice(1, 0, ["producers", `log in with ${shortPath(cwd, producer)}`]);
    parts.splice(2, 0, ["workers", `log in with ${shortPath(cwd, worker)}`]);
  }
  return parts;
}

function describeControlPlane(
  { address, tokenFile, pid, newKey }: NonNullable<RunningSystem["controlPlane"]>,
  cwd: string,
): [string, string][] {
  const asks = tokenFile === undefined ? "" : `; asks for an API key: --token-file ${shortPath(cwd, tokenFile)}`;
  const described: [string, string] = ["control", `gRPC ${address} (process ${pid ?? "not running"})${asks}`];
  return newKey === undefined ? [described] : [described, ["API key", `${newKey} (role admin; shown this once)`]];
}

/** As a person in `cwd` would write it. */
function shortPath(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short.startsWith("..") ? path : short || ".";
}

function isReady({ type, status }: { readonly type: string; readonly status: string }): boolean {
  return type === "Ready" && status === "True";
}

/** Commands that work as printed: with the flags that this `up` needs and others do not. */
function suggestCommands({ settings, status, cwd, accountsDir, controlPlane }: RunningSystem): readonly string[] {
  const dataDir = shortPath(cwd, settings.dataDir);
  const flags = dataDir === DEFAULT_DATA_DIR ? "" : ` --data-dir ${dataDir}`;
  const login =
    accountsDir === undefined ? "" : ` --nats-credentials ${shortPath(cwd, credentialsOf(accountsDir).producer)}`;
  const policy = status.policies.find(({ policyId }) => policyId === "chat") ?? status.policies[0];
  const decide =
    policy === undefined
      ? []
      : [
          `npx beamline decide --tenant ${policy.tenantId} --policy ${policy.policyId} --type chat --payload '{"prompt":"hello"}' --explain${flags}${login}`,
        ];
  const components = controlPlane === undefined ? [] : [`npx beamline components list${flags}`];
  return [...decide, `npx beamline status${flags}`, ...components, `npx beamline dlq list${flags}`];
}
