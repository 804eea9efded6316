// The rules of the repository's shape, as functions over its files, so that a planted violation can prove each of them.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, join, posix } from "node:path";
import { listImports, type ScannedSource, scanSource } from "./source-scan.ts";

export interface RepositoryFile {
  /** Relative to the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

export interface Violation {
  readonly rule: string;
  readonly path: string;
  readonly message: string;
}

interface PackageRules {
  /** Top-level packages it may import besides itself. */
  readonly packages: readonly string[];
  /** npm packages; a name ending in `/` stands for a whole scope. */
  readonly npm: readonly string[];
  readonly node: boolean;
}

/** Who may import what (docs/architecture.md has the same table for people); a file belongs to the longest name that fits. */
export const IMPORT_TABLE: Readonly<Record<string, PackageRules>> = {
  core: { packages: [], npm: ["@marcbachmann/cel-js"], node: false },
  runtime: { packages: ["core"], npm: ["prom-client", "pino", "@opentelemetry/", "@nats-io/"], node: true },
  kubernetes: { packages: ["core", "runtime"], npm: ["yaml"], node: true },
  router: { packages: ["core", "runtime", "proto"], npm: ["@nats-io/", "@grpc/grpc-js"], node: true },
  operator: { packages: ["core", "runtime", "kubernetes"], npm: ["yaml", "@nats-io/"], node: true },
  cli: {
    packages: ["core", "runtime", "kubernetes", "router", "operator", "controlplane/client", "proto"],
    npm: ["yaml", "@nats-io/", "@grpc/grpc-js"],
    node: true,
  },
  proto: { packages: [], npm: ["@bufbuild/", "@grpc/grpc-js"], node: true },
  controlplane: {
    packages: ["core", "runtime", "kubernetes", "proto"],
    npm: ["@grpc/", "@nats-io/", "yaml"],
    node: true,
  },
  "controlplane/client": { packages: ["proto"], npm: ["@grpc/grpc-js"], node: true },
  examples: { packages: ["controlplane/client", "proto"], npm: ["nats"], node: true },
  docs: {
    packages: ["core", "runtime", "router", "operator", "controlplane", "cli", "proto"],
    npm: ["@bufbuild/", "yaml"],
    node: true,
  },
  scripts: { packages: ["core"], npm: ["yaml"], node: true },
  test: {
    packages: [
      "core",
      "runtime",
      "kubernetes",
      "router",
      "operator",
      "controlplane",
      "controlplane/client",
      "cli",
      "proto",
      "examples",
      "docs",
      "scripts",
    ],
    npm: [
      "mocha",
      "fast-check",
      "nats",
      "yaml",
      "prom-client",
      "pino",
      "@nats-io/",
      "@bufbuild/",
      "@grpc/grpc-js",
      "@marcbachmann/cel-js",
    ],
    node: true,
  },
};

/** npm packages of core that only one of its folders may name. */
const CORE_FOLDER_OF: Readonly<Record<string, string>> = { "@marcbachmann/cel-js": "core/policy/" };
const MAX_LINES = 300;
const MAX_FILES = 5_000;
const SKIPPED_FOLDERS = new Set(["node_modules", "dist", ".git", ".beamline", ".cache"]);
const GENERATED = /^proto\/gen\/|^proto\/image\/|^package-lock\.json$|^LICENSE$/;
const GOLDEN = /^test\/golden\//;
/** Binary files are not text to be judged. */
const TEXT = /\.(?:ts|js|json|md|ya?ml|proto|sh|txt|py)$|^\.(?:ci|githooks)\/|^(?:LICENSE|\.npmrc|\.gitignore)$/;
const SOURCE = /\.ts$/;
/** What core may not say: clock, chance, asynchrony, the host. */
const CORE_WORDS =
  /\bDate\.now\b|\bnew Date\(|\bDate\(|\bMath\.random\b|(?<![.\w$])(?:async|await|Promise|setTimeout|setInterval|setImmediate|queueMicrotask|process|console|performance|crypto|fetch|Buffer|globalThis)(?![\w$]|\??:)/g;
const VAGUE_NAMES = new Set(["utils", "util", "helpers", "helper", "common", "manager", "misc"]);
/** The seeds name this file. */
const NAMED_BY_SEEDS = /^(?:proto\/|test\/proto\/seed\/).*\bcommon\.(?:proto|ts|txt)$/;
/** Started by a person, a script or another process, so that nothing imports them. */
export const ENTRY_POINTS: readonly RegExp[] = [
  /^(?:cli|router|operator|controlplane)\/main\.ts$/,
  /^operator\/kubernetes-main\.ts$/,
  /^examples\/(?:worker\/worker|producer\/producer|pipeline\/(?:source|processor|consumer))\.ts$/,
  /^scripts\/generate-(?:crds|values-schema)\.ts$/,
  /^(?:proto|docs)\/scripts\/(?:generate|check|check-abi)\.ts$/,
  /\.test\.ts$/,
  /^test\/.*\/fixtures\//,
  /^test\/(?:bench|cluster)\/main\.ts$/,
  /^test\/cluster\/(?:relay-main|load\/load-main)\.ts$/,
  /^test\/support\/(?:run-tests|test-lane)\.ts$/,
];

interface WordRule {
  readonly rule: string;
  readonly pattern: RegExp;
  readonly say: string;
}

/** Words that no file of the repository may hold. Written so that this list does not contain them itself. */
const WORD_RULES: readonly WordRule[] = [
  {
    rule: "unfinished",
    pattern: /\b(?:TO[D]O|FIX[M]E|X{3})\b|\bnot (?:yet )?implement[e]d\b|\bplace[h]older\b/gi,
    say: "finish it or leave it out",
  },
  {
    rule: "metaphor",
    pattern: /\b(?:ro{2}ms|(?:the|a|each|every) ro{2}m|do{2}rs?|hou[s]es?|fat[e]s?)\b|\bhand(?:s|ed|ing)?[ -]over\b/gi,
    say: "use the field's word: package, interface, disposition, dispatch",
  },
  { rule: "machine-path", pattern: /(?<![\w.])\/(?:work|tmp|root|home)\/\w/g, say: "a path of one machine" },
  {
    rule: "process-words",
    pattern: /\bhelper [A-I]\b|\bthe lead\b|\bissue \d+\b|\bthe brie[f]\b/g,
    say: "how the work was organised is no part of the product",
  },
];
/** Hosts that text may link to; any other, such as a private registry, would tie the repository to one network. */
const KNOWN_HOSTS =
  /^(?:localhost|host|\[?::1\]?|127\.\d+\.\d+\.\d+|0\.0\.0\.0|[\w.-]*\.?example(?:\.com|\.org|\.net)?|[\w.-]+\.(?:test|invalid|local|svc)|(?:[\w-]+\.)*(?:github\.com|githubusercontent\.com|nats\.io|nodejs\.org|npmjs\.com|npmjs\.org|pypi\.org|apache\.org|keepachangelog\.com|semver\.org|w3\.org|ietf\.org|rfc-editor\.org|kubernetes\.io|protobuf\.dev|buf\.build|prometheus\.io|opentelemetry\.io|mochajs\.org|biomejs\.dev|cel\.dev|knip\.dev|opencollective\.com|paulmillr\.com|python\.org|developers\.google\.com|mozilla\.org|joda-time\.sourceforge\.net|go\.dev|typescriptlang\.org|schemastore\.org|docs\.rs|mermaid\.live|jsonschema\.org|json-schema\.org))$/;
const URL_HOST = /\bhttps?:\/\/([^\s/"'`)>\]:,;\\}]+)/g;

/** Every text file below a folder, sorted by path. Throws when there are more than 5,000: then something is not excluded. */
export function readTree(root: string): RepositoryFile[] {
  const files: RepositoryFile[] = [];
  const walk = (folder: string): void => {
    for (const name of readdirSync(join(root, folder)).sort()) {
      if (SKIPPED_FOLDERS.has(name)) continue;
      const path = posix.join(folder, name);
      if (statSync(join(root, path)).isDirectory()) walk(path);
      else if (TEXT.test(path)) files.push({ path, text: readFileSync(join(root, path), "utf8") });
      if (files.length > MAX_FILES) throw new Error(`more than ${MAX_FILES} files below ${root}`);
    }
  };
  walk("");
  return files;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

function npmName(specifier: string): string {
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}

function resolveImport(path: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(path), specifier)) : undefined;
}

/** The package that a file belongs to. */
function ownerOf(path: string): string {
  const [first = "", second = ""] = path.split("/");
  const nested = `${first}/${second}`;
  return nested in IMPORT_TABLE ? nested : first;
}

function importProblem(path: string, specifier: string): string | undefined {
  const owner = ownerOf(path);
  const rules = IMPORT_TABLE[owner];
  if (rules === undefined) return `${owner}/ is not in the import table`;
  const target = resolveImport(path, specifier);
  if (target !== undefined) {
    const other = ownerOf(target);
    const allowed = other === owner || rules.packages.includes(other) || !target.includes("/");
    return allowed ? undefined : `${owner}/ may not import ${target}`;
  }
  if (isBuiltin(specifier)) return rules.node ? undefined : `${owner}/ may not import ${specifier}`;
  const name = npmName(specifier);
  if (!rules.npm.some((entry) => (entry.endsWith("/") ? name.startsWith(entry) : name === entry)))
    return `${owner}/ may not use ${name}`;
  const folder = owner === "core" ? CORE_FOLDER_OF[name] : undefined;
  return folder !== undefined && !path.startsWith(folder) ? `only ${folder} may use ${name}` : undefined;
}

function checkSource(file: RepositoryFile, source: ScannedSource, add: (rule: string, message: string) => void): void {
  for (const specifier of listImports(source)) {
    const problem = importProblem(file.path, specifier);
    if (problem !== undefined) add("imports", problem);
  }
  if (file.path.startsWith("core/")) {
    for (const match of source.code.matchAll(CORE_WORDS))
      add("core-words", `line ${lineOf(source.code, match.index)} says ${match[0]}`);
  }
  const first = file.text.replace(/^#!.*\n/, "").trimStart();
  if (!first.startsWith("//") && !first.startsWith("/*"))
    add("first-comment", "does not begin with a comment that says what it is for");
  const lines = file.text.split("\n").length - 1;
  if (lines > MAX_LINES) add("length", `has ${lines} lines; at most ${MAX_LINES}`);
}

function checkText(file: RepositoryFile, add: (rule: string, message: string) => void): void {
  for (const { rule, pattern, say } of WORD_RULES) {
    for (const match of file.text.matchAll(pattern))
      add(rule, `line ${lineOf(file.text, match.index)}: "${match[0]}" (${say})`);
    const inPath = file.path.replaceAll(/[/.-]/g, " ").match(pattern);
    if (inPath !== null) add(rule, `its name says "${inPath[0]}" (${say})`);
  }
  for (const match of file.text.matchAll(URL_HOST)) {
    const host = match[1] ?? "";
    if (!KNOWN_HOSTS.test(host) && !host.includes("$"))
      add("hosts", `line ${lineOf(file.text, match.index)} names the host ${host}`);
  }
}

/** A comment that names a page sends the reader there, so the page must be in the repository. */
function findDanglingPages(files: readonly RepositoryFile[]): Violation[] {
  const pages = new Set(files.filter(({ path }) => path.endsWith(".md")).map(({ path }) => basename(path)));
  return files
    .filter(({ path }) => /\.(?:ts|proto|yaml)$/.test(path) && !GENERATED.test(path) && path !== "test/tidy.test.ts")
    .flatMap(({ path, text }) =>
      [...text.matchAll(/\b([\w-]+\.md)\b/g)]
        .filter((match) => !pages.has(match[1] ?? ""))
        .map((match) => ({
          rule: "pages",
          path,
          message: `line ${lineOf(text, match.index)} refers to ${match[1]}, which does not exist`,
        })),
    );
}

function findOrphans(sources: ReadonlyMap<string, ScannedSource>): string[] {
  const imported = new Set<string>();
  for (const [path, source] of sources) {
    for (const specifier of listImports(source)) imported.add(resolveImport(path, specifier) ?? specifier);
  }
  return [...sources.keys()].filter((path) => !imported.has(path) && !ENTRY_POINTS.some((entry) => entry.test(path)));
}

/** Every violation in a set of files, in the order of the files. */
export function findViolations(files: readonly RepositoryFile[]): Violation[] {
  const violations: Violation[] = [];
  const sources = new Map<string, ScannedSource>();
  for (const file of files) {
    if (GENERATED.test(file.path)) continue;
    const add = (rule: string, message: string): void => {
      violations.push({ rule, path: file.path, message });
    };
    if (!GOLDEN.test(file.path)) checkText(file, add);
    const words = basename(file.path).toLowerCase().split(/[.-]/);
    const vague = words.find((word) => VAGUE_NAMES.has(word));
    if (vague !== undefined && !NAMED_BY_SEEDS.test(file.path))
      add("names", `"${vague}" says nothing about what it holds`);
    if (!SOURCE.test(file.path) || GOLDEN.test(file.path)) continue;
    const source = scanSource(file.text);
    sources.set(file.path, source);
    checkSource(file, source, add);
  }
  for (const path of findOrphans(sources))
    violations.push({ rule: "orphans", path, message: "nothing imports it and it is no entry point" });
  return [...violations, ...findDanglingPages(files)];
}
