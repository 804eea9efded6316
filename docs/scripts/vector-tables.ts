// Test vectors of the hashes that other implementations must reproduce, from the golden file the tests run on.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { code, table } from "./markdown.ts";

interface Vectors {
  readonly digests: readonly { readonly tag: string; readonly parts: readonly string[]; readonly sha256: string }[];
  readonly keyedEffectIds: readonly {
    readonly routerNamespace: string;
    readonly routerName: string;
    readonly tenantId: string;
    readonly key: string;
    readonly effectId: string;
  }[];
  readonly streamEffectIds: readonly {
    readonly streamCreated: string;
    readonly sequence: number;
    readonly effectId: string;
  }[];
  readonly fingerprints: readonly {
    readonly policyId: string;
    readonly messageType: string;
    readonly payloadBase64: string;
    readonly metadata: Readonly<Record<string, string>>;
    readonly context: Readonly<Record<string, string>>;
    readonly fingerprint: string;
  }[];
}

/** Longer inputs are cut here; the golden file has them whole. */
const MAX_SHOWN = 60;
/** A text with such characters is shown as its JSON. */
const CONTROL = /\p{Cc}/u;

interface PickVectors {
  readonly hashes: readonly { readonly text: string; readonly high: string; readonly low: string }[];
  readonly draws: readonly { readonly key: string; readonly provider: string; readonly uniform: number }[];
  readonly picks: readonly {
    readonly key: string;
    readonly weights: Readonly<Record<string, number>>;
    readonly picked: string;
  }[];
}

function readVectors(): Vectors {
  return readGolden("handover", "vectors.json") as Vectors;
}

function readPickVectors(): PickVectors {
  return readGolden("decide", "pick-vectors.json") as PickVectors;
}

function readGolden(...path: string[]): unknown {
  return JSON.parse(readFileSync(join(import.meta.dirname, "..", "..", "test", "golden", ...path), "utf8"));
}

function shown(value: unknown): string {
  const text = typeof value === "string" && !CONTROL.test(value) ? value : JSON.stringify(value);
  return text === "" ? "(empty)" : code(text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text);
}

export function digestVectors(): string {
  return table(
    ["Tag", "Parts", "SHA-256"],
    readVectors().digests.map(({ tag, parts, sha256 }) => [code(tag), shown(parts), code(sha256)]),
  );
}

export function keyedEffectVectors(): string {
  return table(
    ["Router", "Tenant", "Key", "Effect id"],
    readVectors().keyedEffectIds.map((row) => [
      code(`${row.routerNamespace}/${row.routerName}`),
      shown(row.tenantId),
      shown(row.key),
      code(row.effectId),
    ]),
  );
}

export function streamEffectVectors(): string {
  return table(
    ["Stream created", "Sequence", "Effect id"],
    readVectors().streamEffectIds.map((row) => [code(row.streamCreated), String(row.sequence), code(row.effectId)]),
  );
}

export function fingerprintVectors(): string {
  return table(
    ["Policy", "Message type", "Payload, base64", "Metadata", "Context", "Fingerprint"],
    readVectors().fingerprints.map((row) => [
      shown(row.policyId),
      shown(row.messageType),
      shown(row.payloadBase64),
      shown(row.metadata),
      shown(row.context),
      code(row.fingerprint),
    ]),
  );
}

export function pickHashVectors(): string {
  return table(
    ["Text", "Hash, 64 bits"],
    readPickVectors().hashes.map(({ text, high, low }) => [shown(text), code(`${high}${low}`)]),
  );
}

export function pickDrawVectors(): string {
  return table(
    ["Key", "Provider", "Uniform"],
    readPickVectors().draws.map(({ key, provider, uniform }) => [shown(key), code(provider), code(String(uniform))]),
  );
}

export function pickVectors(): string {
  return table(
    ["Key", "Weights", "Picked"],
    readPickVectors().picks.map(({ key, weights, picked }) => [shown(key), shown(weights), code(picked)]),
  );
}
