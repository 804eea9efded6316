// What the scale tests measured, as a section of docs/benchmarks.md, beside what others publish.
import { loadavg } from "node:os";
import type { ScaleFigures } from "../operator/api-server/scale/scale-scenario.ts";
import { count, millis, table } from "./document.ts";
import type { Machine } from "./machine.ts";
import { type ConsumersFigure, STORED_ASSIGNMENTS } from "./measure-consumers.ts";
import { quantile } from "./statistics.ts";

export const HEADING = "## On a cluster's API server";

const MIB = 1024 * 1024;
const MS_PER_SECOND = 1_000;
const SLOPE_SAMPLE = 100;

export function formatClusterSection(
  figures: ScaleFigures,
  consumers: readonly ConsumersFigure[],
  { machine, date }: { readonly machine: Machine; readonly date: string },
): string {
  return [
    `${HEADING}

Written by \`npm run bench -- --cluster\` on ${date}. A real kube-apiserver 1.35 with etcd and its controllers, nats-server
${machine.natsServer}, the operator and two routers share ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB with the client that applies and with
whatever else ran there: the load average over the last 15 minutes was ${loadavg()[2]?.toFixed(0)}. Policies have three providers, a rule and a sticky key, spread over 500 namespaces.
\`test/operator/api-server/scale.test.ts\` holds the targets.`,
    table(["what", "target", "measured"], rowsOf(figures)),
    notes(),
    formatOthers(figures),
    formatConsumers(consumers),
  ].join("\n\n");
}

function rowsOf({ burst, load, propagation, memory }: ScaleFigures): readonly (readonly string[])[] {
  const delays = Float64Array.from(propagation.delaysMs).sort();
  const median = (part: readonly number[]): number => quantile(Float64Array.from(part).sort(), 0.5);
  const first = median(propagation.delaysMs.slice(0, SLOPE_SAMPLE));
  const last = median(propagation.delaysMs.slice(-SLOPE_SAMPLE));
  const heap = ({ heapBytes, residentBytes }: typeof memory.empty): string =>
    `${(heapBytes / MIB).toFixed(0)} MiB heap, ${(residentBytes / MIB).toFixed(0)} MiB resident`;
  const many = count(burst.policies);
  return [
    [`${many} policies applied at once: time that applying took`, "", seconds(burst.applyMs)],
    ["all Accepted, from the last apply", "5 s", seconds(burst.acceptedMs)],
    ["all Programmed, from the last apply", "10 s", seconds(burst.programmedMs)],
    ["writes of the status of each", "1.2", burst.writesEach.toFixed(2)],
    [`deletion of the ${many}, until the configuration holds none`, "", seconds(burst.deletedMs)],
    [`${count(load.policies)} policies: from the first apply until all are Programmed`, "", seconds(load.programmedMs)],
    ["an operator that starts among them: until it leads and has compared all", "", seconds(load.restartMs)],
    ["its writes when nothing has changed, status and configuration", "0", `${load.statusWrites + load.configWrites}`],
    [
      `${count(propagation.policies)} more, one by one under traffic: propagation p50`,
      "150 ms",
      ms(quantile(delays, 0.5)),
    ],
    ["propagation p99", "1 s", ms(quantile(delays, 0.99))],
    ["median of the first hundred, of the last hundred", "10 % more", `${ms(first)}, ${ms(last)}`],
    ["decisions judged, a second", "", `${count(propagation.decisions)}, ${count(propagation.perSecond)}`],
    [
      "of them other than what their revision decides; requests not decided",
      "0; 0",
      `${propagation.wrong.length}; ${propagation.failures.length}`,
    ],
    ["memory of the operator without policies", "", heap(memory.empty)],
    [`with ${count(memory.policies)}`, "", heap(memory.full)],
    ["when all are deleted", "heap as before", heap(memory.left)],
  ];
}

function notes(): string {
  return `- *Propagation*: from the API server's answer to the apply until the first decision by the new policy has come back over
  NATS. The next policy is applied when the one before decides.
- Every decision names a revision. The bucket says which policies that revision has, the test knows what it applied, and
  \`compile\` and \`decide\` of \`core/\` are the judge.
- *Heap*: after garbage was collected. Resident memory follows later, as Node gives it back.`;
}

function formatOthers({ burst }: ScaleFigures): string {
  const machine = "one node, 16-core AMD 9950X";
  const others = [
    ["Cilium", "1 s", "18 s", "193"],
    ["Envoy Gateway", "23 s", "45 s", "1,383"],
    ["Istio", "2 s", "20 s", "311"],
    ["Kgateway", "12 s", "16 s", "323"],
    ["Kong", "1 s", "22 s", "1,403"],
    ["Traefik", "180 s", "16 s", "73"],
    ["Nginx", "29 s", "15 s", "82"],
  ].map((row) => [...row, machine]);
  const own = [
    "Beamline",
    `${seconds(burst.programmedMs)} after ${seconds(burst.applyMs)} of applying`,
    seconds(burst.deletedMs),
    count(burst.writesEach * burst.policies),
    "as above",
  ];
  return `What gateway-api-bench (its README) publishes of 1,000 routes stands beside it for the order of size. Those routes hang on one Gateway whose
status counts them, so few writes can tell of all; here each policy has a status of its own, and one write is the least.

${table(["system", "1,000 in status", "1,000 deleted", "status writes", "machine"], [own, ...others])}

Envoy Gateway 1.9.0 publishes 263 MiB for its controller at 1,000 routes and 246 MiB after they are scaled back to 10 (GitHub
runner, limit of 1 CPU). cert-manager: 500 certificates in 417 s at its default limits of 20 requests a second.`;
}

function formatConsumers(consumers: readonly ConsumersFigure[]): string {
  const rows = consumers.map(({ consumers: size, createMsEach, residentMiB, namesMs, stopMs, startMs }) => [
    count(size),
    Number.isNaN(createMsEach) ? "" : createMsEach.toFixed(1),
    residentMiB.toFixed(0),
    millis(namesMs),
    seconds(stopMs),
    seconds(startMs),
  ]);
  const columns = [
    "providers",
    "ms to make each",
    "server MiB",
    "ms to look for all",
    "server's end",
    "server's start",
  ];
  return `### How many providers a bus carries

Each provider has a durable consumer on the assignments stream. What they cost a server that holds ${count(STORED_ASSIGNMENTS)} assignments:

${table(columns, rows)}

Decisions and configuration do not wait for them: the operator makes eight at a time beside its other work, and looks for all of them
every 30 s by name, a thousand a request. What grows is the server's memory and the time in which it ends and starts, the latter also
with the assignments that it holds. Keep a bus to about a thousand providers. The stream takes at most 5,000 consumers (a server that
is not told otherwise stops at 1,000); the next ones are refused, which the operator's log and
\`operator_work_total{work="consumers",result="error"}\` say, and work for such a provider is stored but has no consumer to take it
from. Teams with many providers share them (\`ref\` and \`allowedNamespaces\`) or have a Router with a \`subjects.prefix\`, which is a
bus of its own.`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / MS_PER_SECOND).toFixed(1)} s`;
}

function ms(milliseconds: number): string {
  return `${milliseconds.toFixed(0)} ms`;
}
