// `npm run bench`: measures the router beside bare loops in one run and writes docs/benchmarks.md.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { clusterSectionOf, measureClusterSection, putClusterSection } from "./cluster-scale.ts";
import { type BenchResults, formatDocument, formatOneChange } from "./document.ts";
import { describeMachine } from "./machine.ts";
import { measureConfiguration } from "./measure-configuration.ts";
import { measureDurable, type RunPlan } from "./measure-durable.ts";
import { measureFunctions } from "./measure-functions.ts";
import { formatHeartbeats, measureHeartbeats } from "./measure-heartbeats.ts";
import { measureMemory } from "./measure-memory.ts";
import { measureOneChange } from "./measure-one-change.ts";
import { measureRequests } from "./measure-requests.ts";
import { type BenchOptions, parseBenchOptions } from "./options.ts";
import { unkeyedBody } from "./payload.ts";
import { startPrograms } from "./programs.ts";
import { startWorld } from "./world.ts";

const DOCUMENT = join(import.meta.dirname, "..", "..", "docs", "benchmarks.md");

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function measureAll(options: BenchOptions, args: readonly string[]): Promise<BenchResults> {
  const { messages, repetitions, soakMessages } = options;
  const world = await startWorld();
  try {
    const programs = await startPrograms(world, options.profileDir);
    try {
      const plan: RunPlan = { messages, repetitions, numbers: { next: 0 }, progress };
      const durable = await measureDurable(world, programs, plan);
      const requests = await measureRequests(world, programs, plan);
      const memory = soakMessages === 0 ? undefined : await measureMemory(world, programs, plan, soakMessages);
      progress("configuration");
      const configuration = await measureConfiguration(world);
      progress("functions");
      return {
        machine: await describeMachine(),
        command: ["npm run bench", ...(args.length === 0 ? [] : ["--", ...args])].join(" "),
        date: new Date().toISOString().slice(0, 10),
        messages,
        repetitions,
        bodyBytes: unkeyedBody(0).length,
        durable,
        requests,
        functions: measureFunctions(),
        configuration,
        oneChange: measureOneChange(),
        memory,
      };
    } finally {
      await programs.stop();
    }
  } finally {
    await world.stop();
  }
}

async function main(args: readonly string[]): Promise<void> {
  const options = parseBenchOptions(args);
  if (options.functionsOnly) {
    for (const { name, nanos } of measureFunctions()) {
      process.stdout.write(
        `${name}: ${Math.round(nanos.median)} ns (${Math.round(nanos.min)}..${Math.round(nanos.max)})\n`,
      );
    }
    process.stdout.write(`${formatOneChange(measureOneChange())}\n`);
    return;
  }
  if (options.heartbeatsOnly) {
    const series = await measureHeartbeats({ ...options, progress });
    process.stdout.write(`${formatHeartbeats(series)}\n`);
    return;
  }
  const document = await readFile(DOCUMENT, "utf8");
  if (options.cluster) {
    const section = await measureClusterSection(progress);
    process.stdout.write(`${section}\n`);
    if (!options.stdout) await writeFile(DOCUMENT, putClusterSection(document, section));
    return;
  }
  const startMs = performance.now();
  const text = formatDocument(await measureAll(options, args));
  progress(`measured in ${Math.round((performance.now() - startMs) / 1_000)} s`);
  process.stdout.write(text);
  // A profiled router is slower than the one that the document is about.
  if (!options.stdout && options.profileDir === undefined)
    await writeFile(DOCUMENT, putClusterSection(text, clusterSectionOf(document)));
}

await main(process.argv.slice(2));
