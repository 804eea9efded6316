// Reads the corpus of objects (test/golden/crds) that files and clusters must agree about.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { API_VERSION } from "../../core/policy/schema.ts";
import type { ObjectKind } from "../../core/policy/spec.ts";

/** The namespace of all objects of the corpus that have one. */
export const CORPUS_NAMESPACE = "corpus";
const folder = join(import.meta.dirname, "..", "golden", "crds");

type Fields = Readonly<Record<string, unknown>>;

/** What must be wrong: one rule at one path, as `core/policy/problems.ts` names them. */
export interface Refusal {
  readonly rule: string;
  readonly path: string;
}

/** Where an API server's verdict is not word for word that of core. */
export interface ClusterDifference {
  /** It takes the object, for this reason. */
  readonly accepted?: string;
  readonly path?: string;
  /** The rule by which it refuses the object. */
  readonly rule?: string;
  /** A further path that it objects to, where core stops at the first. */
  readonly besides?: string;
}

export interface CorpusCase {
  readonly file: string;
  readonly name: string;
  readonly kind: ObjectKind;
  readonly object: Fields;
  /** The object as it was before, when this one is an update of it. */
  readonly before: Fields | undefined;
  readonly refused: Refusal | undefined;
  /** Path of the expression that does not compile. */
  readonly uncompiled: string | undefined;
  readonly cluster: ClusterDifference;
}

interface WrittenCase {
  readonly spec?: unknown;
  readonly metadata?: Fields;
  readonly object?: Fields;
  readonly drop?: readonly string[];
  readonly before?: unknown;
  readonly refused?: Refusal;
  readonly uncompiled?: string;
  readonly cluster?: ClusterDifference;
}

interface WrittenFile {
  readonly kind: ObjectKind;
  /** Why an API server takes what does not compile. */
  readonly why?: string;
  readonly cases: Readonly<Record<string, WrittenCase>>;
}

/** Lists too long to write out, by the word that stands for them. */
const listMakers: Readonly<Record<string, (index: number) => unknown>> = {
  text: (index) => `x${index}`,
  name: (index) => ({ name: `p${index}` }),
  rule: (index) => ({ name: `r${index}`, when: "true" }),
  retry: () => ({ outcomes: ["Timeout"] }),
  step: (index) => ({ name: `s${index}`, subject: "s" }),
};

/** Every case of every file, in the order written. */
export function readCorpus(): readonly CorpusCase[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .flatMap((file) => {
      const written = parse(readFileSync(join(folder, file), "utf8")) as WrittenFile;
      return Object.entries(written.cases).map(([name, each]) => readCase(file, written, name, each));
    });
}

function readCase(file: string, { kind, why }: WrittenFile, name: string, written: WrittenCase): CorpusCase {
  const { refused, uncompiled, before } = written;
  const object = makeObject(kind, name, written);
  return {
    file,
    name,
    kind,
    object,
    before: before === undefined ? undefined : makeObject(kind, name, { ...written, spec: before }),
    refused,
    uncompiled,
    cluster: { ...(why === undefined || uncompiled === undefined ? {} : { accepted: why }), ...written.cluster },
  };
}

function makeObject(kind: ObjectKind, name: string, written: WrittenCase): Fields {
  const namespace = kind === "Tenant" ? {} : { namespace: CORPUS_NAMESPACE };
  const metadata = { name, ...namespace, ...written.metadata };
  const object: Fields = { apiVersion: API_VERSION, kind, metadata, spec: written.spec, ...written.object };
  const kept = Object.entries(object).filter(([field]) => written.drop?.includes(field) !== true);
  return expand(Object.fromEntries(kept)) as Fields;
}

/** Writes out `{a*128}` and `{name*64}`. */
function expand(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expand);
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, expand(field)]));
  if (typeof value !== "string") return value;
  const [, word = "", count] = /^\{([a-z]{2,})\*(\d+)\}$/.exec(value) ?? [];
  const make = listMakers[word];
  if (make !== undefined) return Array.from({ length: Number(count) }, (_, index) => make(index));
  return value.replace(/\{(.)\*(\d+)\}/gu, (_, character: string, times: string) => character.repeat(Number(times)));
}
