// The pick hash against its published vectors, which other implementations must reproduce.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "mocha";
import { pickProvider, scoreProvider } from "../../../core/decide/pick.ts";
import { drawUniform, hashPickText } from "../../../core/decide/pick-hash.ts";
import type { CompiledProvider } from "../../../core/policy/table.ts";
import { compileWritten } from "../policy/fixtures.ts";

interface Vectors {
  readonly about: string;
  readonly hashes: readonly { readonly text: string; readonly high: string; readonly low: string }[];
  readonly draws: readonly { readonly key: string; readonly provider: string; readonly uniform: number }[];
  readonly picks: readonly {
    readonly key: string;
    readonly weights: Readonly<Record<string, number>>;
    readonly picked: string;
  }[];
}

const path = join(import.meta.dirname, "..", "..", "golden", "decide", "pick-vectors.json");
const texts = [
  "",
  "a",
  "b",
  "ab",
  "ba",
  "demo/openai",
  "demo/anthropic",
  "shared/openai",
  "0123456789abcdef0123456789abcdef",
  "Grüße",
  "日本語",
  "🚀",
  "x".repeat(300),
];
const keys = ["", "key-1", "key-2", "session-42", "0123456789abcdef0123456789abcdef", "🚀"];
const weights = [
  { "demo/openai": 70, "demo/anthropic": 30 },
  { "demo/openai": 7, "demo/anthropic": 3, "shared/local": 0.5 },
];

function hex(half: number): string {
  return (half >>> 0).toString(16).padStart(8, "0");
}

function makeProviders(byKey: Readonly<Record<string, number>>): readonly CompiledProvider[] {
  const { table } = compileWritten([{ kind: "RoutingPolicy", name: "p", spec: { providers: [{ name: "any" }] } }]);
  const [base] = table.policies.get("default")?.get("p")?.providers ?? [];
  assert.ok(base);
  return Object.entries(byKey).map(([key, weight]) => ({
    ...base,
    key,
    name: key,
    weight,
    pickSeed: hashPickText(key),
  }));
}

function computeVectors(): Vectors {
  return {
    about:
      "hashes: hashPickText over UTF-16 code units, halves as hex. draws: drawUniform of two texts. picks: the provider with the highest -weight/ln(uniform).",
    hashes: texts.map((text) => ({ text, high: hex(hashPickText(text).high), low: hex(hashPickText(text).low) })),
    draws: keys.flatMap((key) =>
      ["demo/openai", "demo/anthropic"].map((provider) => ({
        key,
        provider,
        uniform: drawUniform(hashPickText(key), hashPickText(provider)),
      })),
    ),
    picks: keys.flatMap((key) =>
      weights.map((byKey) => ({ key, weights: byKey, picked: pickProvider(makeProviders(byKey), key)?.key ?? "" })),
    ),
  };
}

describe("pick", () => {
  it("reproduces the published vectors", () => {
    if (process.env.UPDATE_GOLDEN === "1") writeFileSync(path, `${JSON.stringify(computeVectors(), undefined, 2)}\n`);
    assert.deepEqual(computeVectors(), JSON.parse(readFileSync(path, "utf8")));
  });

  it("never scores nothing or infinity for a positive weight", () => {
    const [provider] = makeProviders({ "demo/openai": 1 });
    assert.ok(provider);
    for (let index = 0; index < 20_000; index += 1) {
      const score = scoreProvider(hashPickText(`k${index}`), provider);
      assert.ok(Number.isFinite(score) && score > 0);
    }
  });

  it("picks nobody of nobody, and the only one of one", () => {
    assert.equal(pickProvider([], "k"), undefined);
    assert.equal(pickProvider(makeProviders({ "demo/openai": 1 }), "k")?.key, "demo/openai");
  });

  it("spreads every bit of the hash, on keys that differ in little", () => {
    const count = 20_000;
    const ones = new Array<number>(64).fill(0);
    for (let index = 0; index < count; index += 1) {
      const { high, low } = hashPickText(`session-${index}`);
      for (let bit = 0; bit < 32; bit += 1) {
        ones[bit] = (ones[bit] ?? 0) + ((low >>> bit) & 1);
        ones[bit + 32] = (ones[bit + 32] ?? 0) + ((high >>> bit) & 1);
      }
    }
    // Five standard deviations of a fair coin.
    for (const [bit, seen] of ones.entries())
      assert.ok(Math.abs(seen - count / 2) < 2.5 * Math.sqrt(count), `bit ${bit}: ${seen}`);
  });
});
