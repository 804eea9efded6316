// The figures as docs/benchmarks.md.
import type { Figures } from "./drain-run.ts";
import type { Machine } from "./machine.ts";
import type { ConfigurationFigure } from "./measure-configuration.ts";
import type { Series } from "./measure-durable.ts";
import type { FunctionFigure } from "./measure-functions.ts";
import type { MemorySample } from "./measure-memory.ts";
import type { OneChangeFigure } from "./measure-one-change.ts";
import type { RequestSeries } from "./measure-requests.ts";
import { PUBLISHED_FIGURES } from "./published-figures.ts";
import { REQUESTS_IN_FLIGHT } from "./request-run.ts";
import { ratios, type Summary, summarize } from "./statistics.ts";

export interface BenchResults {
  readonly machine: Machine;
  readonly command: string;
  readonly date: string;
  readonly messages: number;
  readonly repetitions: number;
  readonly bodyBytes: number;
  readonly durable: readonly Series[];
  readonly requests: readonly RequestSeries[];
  readonly functions: readonly FunctionFigure[];
  readonly configuration: readonly ConfigurationFigure[];
  readonly oneChange: readonly OneChangeFigure[];
  /** Undefined when it was not measured. */
  readonly memory: readonly MemorySample[] | undefined;
}

const KIB = 1024;
const MIB = KIB * KIB;

export function formatDocument(results: BenchResults): string {
  const sections = [
    formatHead(results),
    formatDurable(results),
    formatRequests(results),
    formatFunctions(results.functions),
    formatConfiguration(results.configuration),
    formatOneChange(results.oneChange),
    formatMemory(results.memory),
    formatPublished(),
  ];
  return `${sections.join("\n\n")}\n`;
}

function formatHead({ machine, command, date, messages, repetitions, bodyBytes }: BenchResults): string {
  const steal =
    machine.stealPercent === undefined ? "" : `, ${machine.stealPercent.toFixed(1)} % of CPU time stolen since boot`;
  return `# Benchmarks

Written by \`${command}\` on ${date}; do not edit. \`npm run bench -- --stdout\` prints it instead.

- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.kernel}${steal}
- Node ${machine.node}, nats-server ${machine.natsServer} (one node, file storage, loopback)
- ${count(messages)} messages a run, ${repetitions} repetitions after one warm-up; a message is a RouteRequest of ${bodyBytes} B
  (protobuf, 256 B payload, 3 metadata, all correlation fields)

How to read: \`median (smallest..largest)\` over the repetitions. Within a repetition the variants run one after the other,
and a ratio is to the reference of the same repetition: rates move with the machine and its neighbours, ratios much less.
CPU time is that of the process named and of nats-server, user and system, by message. Everything shares the cores: server,
measured process and, for requests, the load. After each run the outputs are read back and counted by id; the benchmark
fails when one is missing or there twice.`;
}

function formatDurable({ durable }: BenchResults): string {
  const reference = durable[0]?.runs.map(({ perSecond }) => perSecond) ?? [];
  const referenceCpu = durable[0]?.runs.map(perCpuSecond) ?? [];
  const rows = durable.map(({ name, runs }) => {
    const rates = runs.map(({ perSecond }) => perSecond);
    return [
      name,
      range(summarize(rates), count),
      range(summarize(ratios(rates, reference)), (ratio) => ratio.toFixed(2)),
      range(summarize(ratios(runs.map(perCpuSecond), referenceCpu)), (ratio) => ratio.toFixed(2)),
      range(summarize(runs.map(({ processMicros }) => processMicros)), micros),
      range(summarize(runs.map(({ serverMicros }) => serverMicros)), micros),
    ];
  });
  return `## Durable messages

A backlog waits in the input stream; the time runs from its release until every message is acknowledged. One input, one
stored output with PubAck, one acknowledgement.

${table(["variant", "msg/s", "x bare loop", "x by CPU", "process us/msg", "server us/msg"], rows)}

- *x by CPU*: the ratio of messages by CPU second, process and server together. It is what the ratio of rates comes to when
  all cores are busy, and other work on the machine hardly moves it.
- *Bare loop* (the reference): consume by callback with 1,000 in flight, publish the bytes as they came through the router's
  own publish path, acknowledge on PubAck. No validation, no decision, no claim. Streams with the settings of the product's
  own (work-queue input, limits output, file storage); the second row is the same loop on an input stream that keeps its
  messages.
- *Bare loop that stores claims*: the same again, but what it stores has the size of an assignment (body and headers), a
  subject of its own and the expectation that nothing stands there. No router that stores such assignments can be faster;
  what the router lacks to it is validation and decision.
- *Idiomatic loop*: \`for await\` over the client library's consume(), js.publish(), ack(), all with their defaults, at most
  1,024 publishes in flight.
- *Router*: the process as it is deployed: strict validation, decision (two expressions are evaluated), assignment stored as
  its own claim, acknowledgement. One consumer a provider stands on the output stream, as in production.`;
}

/** Messages a second of CPU time, process and server together. */
function perCpuSecond({ processMicros, serverMicros }: Figures): number {
  return 1e6 / (processMicros + serverMicros);
}

function formatRequests({ requests }: BenchResults): string {
  const rows = requests.map(({ name, runs }, index) => {
    // Echo, router without key, storing echo, router with key: each pair has its reference first.
    const reference = requests[index - (index % 2)]?.runs.map(({ perSecond }) => perSecond) ?? [];
    const rates = runs.map(({ perSecond }) => perSecond);
    return [
      name,
      range(summarize(rates), count),
      range(summarize(ratios(rates, reference)), (ratio) => ratio.toFixed(2)),
      range(summarize(runs.map(({ p50Ms }) => p50Ms)), millis),
      range(summarize(runs.map(({ p99Ms }) => p99Ms)), millis),
      range(summarize(runs.map(({ processMicros }) => processMicros)), micros),
      range(summarize(runs.map(({ serverMicros }) => serverMicros)), micros),
    ];
  });
  const columns = ["variant", "requests/s", "x its echo", "p50 ms", "p99 ms", "process us/req", "server us/req"];
  return `## Request/reply

A closed loop with ${REQUESTS_IN_FLIGHT} requests in flight. The first row is the reference of the second, the third of the fourth.

${table(columns, rows)}

- Without key nothing is stored; the reference answers at once with the bytes of a decision.
- With key the decision is stored before it is answered; the reference stores the same number of bytes, waits for the PubAck,
  then answers.
- Latency is at saturation, so it is queueing: in flight divided by rate.`;
}

function formatFunctions(functions: readonly FunctionFigure[]): string {
  const rows = functions.map(({ name, nanos }) => [name, range(nanos, (value) => count(value))]);
  return `## Functions alone

One thread, no I/O, seven rounds of 100 ms; CPU time.

${table(["function", "ns a call"], rows)}`;
}

function formatConfiguration(configuration: readonly ConfigurationFigure[]): string {
  const rows = configuration.map(({ policies, bytes, compileMs, changeMs, loadMs, spreadMs }) => [
    count(policies),
    `${(bytes / MIB).toFixed(1)} MiB`,
    range(compileMs, millis),
    range(changeMs, millis),
    range(loadMs, millis),
    range(spreadMs, millis),
  ]);
  const columns = [
    "policies",
    "size",
    "compile ms",
    "compile one changed ms",
    "start to table ms",
    "change to table ms",
  ];
  return `## Configuration

Policies with three providers and three rules each, ten a namespace, and their Provider objects. *Start to table*: an empty
router reads the bucket until its table is in force. *Change to table*: from the write of one changed policy and its head
until a running router serves the new table.

${table(columns, rows)}`;
}

export function formatOneChange(oneChange: readonly OneChangeFigure[]): string {
  const rows = oneChange.map(({ policies, planMs, encodeMs, observeMs, tableMs }) => [
    count(policies),
    ...[planMs, encodeMs, observeMs, tableMs].map(({ median }) => millis(median)),
  ]);
  const columns = ["policies", "operator: plan ms", "operator: encode ms", "operator: status ms", "router: table ms"];
  return `## One change

One policy more in the configuration above: the median of 200 changes, one after the other, without I/O. What is worked out
is the change and what depends on it, so the number of policies should not matter.

${table(columns, rows)}`;
}

function formatMemory(memory: readonly MemorySample[] | undefined): string {
  if (memory === undefined) {
    return `## Memory

Not measured in this run: \`npm run bench -- --soak 1000000\` adds it.`;
  }
  const rows = memory.map(({ messages, residentMiB }) => [count(messages), residentMiB.toFixed(0)]);
  return `## Memory

Resident memory of the router process, after the runs above, over further durable messages without key.

${table(["messages", "MiB"], rows)}`;
}

function formatPublished(): string {
  const rows = PUBLISHED_FIGURES.map(({ system, figure, compare, source }) => [system, figure, compare, source]);
  return `## Beside other systems

Figures of other machines say what order of size is usual, no more.

${table(["system", "figure", "beside which of ours", "source"], rows)}`;
}

export function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(columns), line(columns.map(() => "---")), ...rows.map(line)].join("\n");
}

function range({ median, min, max }: Summary, format: (value: number) => string): string {
  return `${format(median)} (${format(min)}..${format(max)})`;
}

export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

function micros(value: number): string {
  return Number.isNaN(value) ? "unknown" : value.toFixed(1);
}

export function millis(value: number): string {
  return value < 10 ? value.toFixed(2) : value.toFixed(0);
}
