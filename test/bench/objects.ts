// The objects that the measured routers serve: one tenant's policy with providers and rules, and thousands of others.
import type { ConfigEntry, RouterKey, StagedEntry } from "../../core/config/entry.ts";
import { encodeEntry } from "../../core/config/entry-value.ts";
import { configHead, encodeHead } from "../../core/config/head.ts";
import { entryKey } from "../../core/config/keys.ts";
import type { ProviderKey } from "../../core/handover/record.ts";
import { nodeCodec } from "../../runtime/bytes.ts";
import { BENCH_POLICY, BENCH_TENANT } from "./payload.ts";

/** Router of the messages that are measured. */
export const BENCH_ROUTER: RouterKey = { namespace: "beamline-system", name: "default" };

const CREATION_MS = 1_790_000_000_000;
const POLICIES_A_NAMESPACE = 10;

export const BENCH_PROVIDERS: readonly ProviderKey[] = ["openai", "anthropic", "local-llm"].map((name) => ({
  namespace: BENCH_TENANT,
  name,
}));

/** Two vendors share the traffic, a third stands by; two rules are evaluated on each message and do not match. */
const chatSpec = {
  policyId: BENCH_POLICY,
  tenantId: BENCH_TENANT,
  providers: [
    { name: "openai", weight: 70 },
    { name: "anthropic", weight: 30 },
    { name: "local-llm", weight: 1, priority: 1 },
  ],
  rules: [
    {
      name: "gold",
      when: "'tier' in message.metadata && message.metadata.tier == 'gold'",
      prefer: ["openai"],
      fallback: "anthropic",
    },
    { name: "private", when: "'private' in context && context.private == 'true'", prefer: ["local-llm"] },
  ],
  sticky: { key: "context.session_id" },
};

/** Entries of the router whose messages are measured. */
export function benchEntries(): ConfigEntry[] {
  return [
    entry("RoutingPolicy", BENCH_TENANT, "chat", chatSpec),
    ...BENCH_PROVIDERS.map(({ namespace, name }) => entry("Provider", namespace, name, providerSpec(name))),
  ];
}

/** One policy without rules, with `providers` equal providers. */
export function plainEntries(policyId: string, providers: number): ConfigEntry[] {
  return [entry("RoutingPolicy", BENCH_TENANT, policyId, { ...equalProviders(providers), policyId })];
}

/** One policy with 16 equal providers and a rule of five clauses that is evaluated whole. */
export function ruleEntries(policyId: string): ConfigEntry[] {
  const when =
    "message.type == 'chat' && message.payload_size < 4096 && message.metadata.tier != 'gold' && tenant.id == 'bench' && 'vip' in context";
  const rules = [{ name: "five-clauses", when, prefer: ["p-0"] }];
  return [entry("RoutingPolicy", BENCH_TENANT, policyId, { ...equalProviders(16), policyId, rules })];
}

/** `count` policies of about 1 KB with three providers and two rules each, ten a namespace, and the providers' objects. */
export function manyEntries(count: number): ConfigEntry[] {
  const entries: ConfigEntry[] = [];
  for (let index = 0; index < count; index++) {
    const namespace = `team-${Math.floor(index / POLICIES_A_NAMESPACE)}`;
    const name = `policy-${index}`;
    if (index % POLICIES_A_NAMESPACE === 0) {
      for (const provider of BENCH_PROVIDERS) {
        entries.push(entry("Provider", namespace, provider.name, providerSpec(provider.name)));
      }
    }
    entries.push(entry("RoutingPolicy", namespace, name, manySpec(namespace, name, index)));
  }
  return entries;
}

function manySpec(namespace: string, name: string, index: number): object {
  const [gold, secret] = chatSpec.rules;
  const customer = `'customer' in context && context.customer == 'c-${index}'`;
  return {
    ...chatSpec,
    policyId: name,
    tenantId: namespace,
    rules: [gold, secret, { name: "customer", when: customer, prefer: ["openai"] }],
    assignment: { push: "OnRequest", deadline: "30s", ackTimeout: "5s", maxAttempts: 3 },
  };
}

function equalProviders(count: number): object {
  const providers = Array.from({ length: count }, (_, index) => ({ name: `p-${index}`, weight: 10 }));
  return { tenantId: BENCH_TENANT, providers };
}

function providerSpec(name: string): object {
  return {
    providerId: name,
    displayName: name,
    expectedLatency: "850ms",
    expectedCost: "0.012",
    capabilities: ["chat", "completion"],
    failureDomain: { vendor: name },
  };
}

function entry(kind: ConfigEntry["kind"], namespace: string, name: string, current: object): ConfigEntry {
  return {
    kind,
    namespace,
    name,
    uid: `${kind}-${namespace}-${name}`,
    generation: 1,
    creationMs: CREATION_MS,
    current,
  };
}

/** Entries as a router has staged them. */
export function stageEntries(router: RouterKey, entries: readonly ConfigEntry[]): StagedEntry[] {
  return entries.map((one, index) => ({
    key: entryKey(router, one),
    value: encodeEntry(nodeCodec, one),
    sequence: index + 1,
  }));
}

/** Bytes of the head that names exactly these entries. */
export function headOf(epoch: string, staged: readonly StagedEntry[]): Uint8Array {
  return encodeHead(nodeCodec, configHead(nodeCodec, epoch, staged));
}
