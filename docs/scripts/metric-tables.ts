// Tables of metrics: what a process declares at its start, read from the page that a scraper gets.
import type { Metrics } from "../../runtime/metrics.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { code, codes, table } from "./markdown.ts";

const META = /^# (HELP|TYPE) (\S+) (.*)$/gm;

/** Labels of a metric in the page; those that a histogram adds to its series are not its own. */
function labelsOf(page: string, name: string): string[] {
  const labels = new Set<string>();
  for (const line of page.split("\n")) {
    if (!line.startsWith(`${name}{`) && !line.startsWith(`${name}_count{`)) continue;
    for (const match of line.matchAll(/[{,](\w+)="/g)) labels.add(match[1] ?? "");
  }
  return [...labels];
}

/** One row a metric, in the order of the declaration. */
export async function metricTable(declare: (metrics: Metrics) => unknown): Promise<string> {
  const metrics = createMetrics();
  declare(metrics);
  const page = await metrics.text();
  const help = new Map<string, string>();
  const type = new Map<string, string>();
  for (const [, kind, name, text] of page.matchAll(META)) (kind === "HELP" ? help : type).set(name ?? "", text ?? "");
  return table(
    ["Metric", "Type", "Labels", "Meaning"],
    [...help].map(([name, text]) => [code(name), type.get(name) ?? "", codes(labelsOf(page, name)), text]),
  );
}
