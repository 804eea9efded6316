// Configuration: how long thousands of policies take to compile, to reach a router that starts, and to reach one that runs.
import { applyChanges, tableFromEntries } from "../../core/config/apply.ts";
import type { ConfigEntry, RouterKey, StagedEntry } from "../../core/config/entry.ts";
import { ExpressionCache } from "../../core/policy/expression.ts";
import type { RoutingTable } from "../../core/policy/table.ts";
import { TableSource } from "../../router/table-source.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { createLogger } from "../../runtime/log.ts";
import { PRODUCT_VERSION } from "../../runtime/product-version.ts";
import { manyEntries, stageEntries } from "./objects.ts";
import { type Summary, summarize } from "./statistics.ts";
import { publishEntries, type World } from "./world.ts";

export interface ConfigurationFigure {
  readonly policies: number;
  /** Bytes of all entries together. */
  readonly bytes: number;
  /** Entries to a table, nothing known before; milliseconds. */
  readonly compileMs: Summary;
  /** The same with one entry changed since the table before. */
  readonly changeMs: Summary;
  /** From the first read of the bucket to the table in force, in a router that starts. */
  readonly loadMs: Summary;
  /** From the write of one changed policy and its head to the new table in force. */
  readonly spreadMs: Summary;
}

const SIZES = [1_000, 5_000];
const ROUNDS = 3;
const LOAD_DEADLINE_MS = 60_000;

export async function measureConfiguration(world: World): Promise<ConfigurationFigure[]> {
  const figures: ConfigurationFigure[] = [];
  for (const policies of SIZES) {
    const router = { namespace: "bench", name: `policies-${policies}` };
    const entries = manyEntries(policies);
    const staged = stageEntries(router, entries);
    const changed = stageEntries(router, withOneChanged(entries, 2));
    figures.push({
      policies,
      bytes: staged.reduce((sum, { value }) => sum + value.length, 0),
      ...timeCompile(router, staged, changed, policies),
      ...(await timeSpread(world, router, entries)),
    });
  }
  return figures;
}

/** The last policy with other settings and another generation. */
function withOneChanged(entries: readonly ConfigEntry[], generation: number): ConfigEntry[] {
  const last = entries.at(-1);
  if (last === undefined) throw new Error("no entries");
  const assignment = { push: "Always", maxAttempts: generation };
  const current = { ...(last.current as object), assignment };
  return [...entries.slice(0, -1), { ...last, generation, current }];
}

function timeCompile(
  router: RouterKey,
  staged: readonly StagedEntry[],
  changed: readonly StagedEntry[],
  policies: number,
): Pick<ConfigurationFigure, "compileMs" | "changeMs"> {
  const compileMs: number[] = [];
  const changeMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const host = { codec: nodeCodec, router, compile: { expressions: new ExpressionCache() } };
    const startMs = performance.now();
    const first = tableFromEntries(staged, host);
    const middleMs = performance.now();
    const second = applyChanges(first, { changes: lastOf(changed), isWhole: false }, host);
    compileMs.push(middleMs - startMs);
    changeMs.push(performance.now() - middleMs);
    const { policyCount } = second.table;
    if (policyCount !== policies || second.rejected.length > 0) {
      throw new Error(
        `${policyCount} of ${policies} policies compiled; refused: ${JSON.stringify(second.rejected[0])}`,
      );
    }
  }
  return { compileMs: summarize(compileMs), changeMs: summarize(changeMs) };
}

function lastOf(staged: readonly StagedEntry[]): ReadonlyMap<string, StagedEntry> {
  return new Map(staged.slice(-1).map((entry) => [entry.key, entry]));
}

async function timeSpread(
  world: World,
  router: RouterKey,
  entries: readonly ConfigEntry[],
): Promise<Pick<ConfigurationFigure, "loadMs" | "spreadMs">> {
  const policies = entries.filter(({ kind }) => kind === "RoutingPolicy").length;
  await publishEntries(world.link, world.names, router, entries);
  const loadMs: number[] = [];
  const spreadMs: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const link = await world.connect("bench-table");
    let arrived = Promise.withResolvers<RoutingTable>();
    const startMs = performance.now();
    const source = new TableSource({
      link,
      names: world.names,
      router,
      pod: { name: "bench", uid: `bench-${round}`, version: PRODUCT_VERSION },
      log: createLogger({ service: "bench", level: "error" }),
      onTable: (table) => arrived.resolve(table),
    });
    source.start();
    const loaded = await within(arrived.promise, "the first table");
    loadMs.push(performance.now() - startMs);
    if (loaded.policyCount !== policies) throw new Error(`${loaded.policyCount} of ${policies} policies were loaded`);

    arrived = Promise.withResolvers();
    const changed = withOneChanged(entries, round + 2);
    const writeMs = performance.now();
    await publishEntries(world.link, world.names, router, changed.slice(-1), changed);
    await within(arrived.promise, "the changed table");
    spreadMs.push(performance.now() - writeMs);
    source.stop();
    await link.close();
  }
  return { loadMs: summarize(loadMs), spreadMs: summarize(spreadMs) };
}

async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what} did not come in ${LOAD_DEADLINE_MS} ms`)), LOAD_DEADLINE_MS);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
