// What a registration and a heartbeat may hold: each limit, just kept and just broken.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { capabilitiesFromAnswer } from "../../../core/registry/event-types.ts";
import { FieldProblems } from "../../../core/registry/field-problem.ts";
import { readHealthStatus } from "../../../core/registry/health-status.ts";
import {
  MAX_CONCURRENT,
  MAX_ENDPOINT_CHARS,
  MAX_EVENT_TYPES,
  MAX_ID_CHARS,
  MAX_METADATA_ENTRIES,
  MAX_METADATA_KEY_CHARS,
  MAX_METADATA_VALUE_BYTES,
  MAX_METRICS,
  MAX_STATUS_CHARS,
} from "../../../core/registry/limits.ts";
import { type BeatRequest, validateBeat } from "../../../core/registry/validate-beat.ts";
import { type RegistrationRequest, validateRegistration } from "../../../core/registry/validate-registration.ts";

const CHANCE = "0123456789abcdef";

function register(more: Partial<RegistrationRequest>) {
  return validateRegistration(
    { kind: "processor", id: "p", endpoint: "p.test:9000", metadata: {}, ...more },
    { chance: CHANCE },
  );
}

function problemsOf(more: Partial<RegistrationRequest>): readonly string[] {
  const result = register(more);
  return result.ok ? [] : result.error.map(({ field, rule }) => `${field} ${rule}`);
}

function beatProblems(more: Partial<BeatRequest>): readonly string[] {
  const result = validateBeat({ kind: "processor", id: "p", status: "HEALTHY", metrics: {}, ...more });
  return result.ok ? [] : result.error.map(({ field, rule }) => `${field} ${rule}`);
}

const many = (count: number, value: string): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, value]));

const REGISTRATIONS: readonly (readonly [
  name: string,
  request: Partial<RegistrationRequest>,
  problems: readonly string[],
])[] = [
  ["an id of every allowed character", { id: "Az09._:-" }, []],
  ["the longest id", { id: "a".repeat(MAX_ID_CHARS) }, []],
  ["an id that is too long", { id: "a".repeat(MAX_ID_CHARS + 1) }, ["id id"]],
  ["an id with a slash", { id: "a/b" }, ["id id"]],
  ["an id with a line break", { id: "a\n" }, ["id id"]],
  ["no endpoint for a processor", { endpoint: "" }, ["endpoint required"]],
  ["no endpoint for a consumer", { kind: "consumer", endpoint: "" }, []],
  ["an endpoint without a port", { endpoint: "host" }, ["endpoint endpoint"]],
  ["an endpoint with port 0", { endpoint: "host:0" }, ["endpoint endpoint_port"]],
  ["an endpoint with port 65536", { endpoint: "host:65536" }, ["endpoint endpoint_port"]],
  ["an IPv6 endpoint", { endpoint: "[::1]:50051" }, []],
  ["a name of gRPC", { endpoint: "dns:///p.default.svc:9000" }, []],
  ["a URL", { endpoint: "https://p.test/path?x=1" }, []],
  ["a URL of another scheme", { endpoint: "file://host/etc" }, ["endpoint endpoint"]],
  ["a URL with a password", { endpoint: "http://localhost:secret@host/" }, ["endpoint endpoint_credentials"]],
  ["an endpoint that is too long", { endpoint: `${"a".repeat(MAX_ENDPOINT_CHARS)}:1` }, ["endpoint too_long"]],
  ["the most metadata", { metadata: many(MAX_METADATA_ENTRIES, "v") }, []],
  ["one entry too many", { metadata: many(MAX_METADATA_ENTRIES + 1, "v") }, ["metadata too_many"]],
  [
    "a key that is too long",
    { metadata: { ["k".repeat(MAX_METADATA_KEY_CHARS + 1)]: "v" } },
    [`metadata["${"k".repeat(MAX_METADATA_KEY_CHARS + 1)}"] metadata_key`],
  ],
  ["an empty key", { metadata: { "": "v" } }, ['metadata[""] metadata_key']],
  [
    "a value that is too long, in bytes",
    { metadata: { k: "é".repeat(MAX_METADATA_VALUE_BYTES / 2 + 1) } },
    ['metadata["k"] too_long'],
  ],
  ["a longest value", { metadata: { k: "é".repeat(MAX_METADATA_VALUE_BYTES / 2) } }, []],
  ["too much in all", { metadata: many(5, "v".repeat(MAX_METADATA_VALUE_BYTES)) }, ["metadata too_long"]],
  ["event types", { metadata: { input_event_types: "a.v1, b.v1" } }, []],
  ["a wrong event type", { metadata: { output_event_types: "a b" } }, ['metadata["output_event_types"] event_type']],
  [
    "too many event types",
    { metadata: { input_event_types: Array.from({ length: MAX_EVENT_TYPES + 1 }, (_, index) => `t${index}`).join() } },
    ['metadata["input_event_types"] too_many'],
  ],
  [
    "a limit of messages that is no number",
    { metadata: { max_concurrent: "many" } },
    ['metadata["max_concurrent"] count'],
  ],
  ["a time to live in metadata", { metadata: { heartbeat_ttl: "45s" } }, []],
  ["a time to live that is none", { metadata: { heartbeat_ttl: "soon" } }, ['metadata["heartbeat_ttl"] ttl']],
  ["a time to live that is too short", { ttlMs: 999 }, ["ttl ttl"]],
  ["a time to live that is no number", { ttlMs: Number.NaN }, ["ttl ttl"]],
  ["an instance with a space", { metadata: { instance_id: "a b" } }, ['metadata["instance_id"] instance']],
];

const BEATS: readonly (readonly [name: string, request: Partial<BeatRequest>, problems: readonly string[]])[] = [
  ["the longest status", { status: "s".repeat(MAX_STATUS_CHARS) }, []],
  ["a status that is too long", { status: "s".repeat(MAX_STATUS_CHARS + 1) }, ["status status"]],
  ["a status that would move a cursor", { status: "\u001b[2J" }, ["status status"]],
  ["an empty id", { id: "" }, ["id id"]],
  ["a metric that is not finite", { metrics: { load: Number.NaN } }, ['metrics["load"] finite']],
  ["a metric that is infinite", { metrics: { load: Number.POSITIVE_INFINITY } }, ['metrics["load"] finite']],
  ["a metric without a name", { metrics: { "": 1 } }, ['metrics[""] metric_key']],
  [
    "the most metrics",
    { metrics: Object.fromEntries(Array.from({ length: MAX_METRICS }, (_, index) => [`m${index}`, index])) },
    [],
  ],
  [
    "one metric too many",
    { metrics: Object.fromEntries(Array.from({ length: MAX_METRICS + 1 }, (_, index) => [`m${index}`, index])) },
    ["metrics too_many"],
  ],
  ["a revision that is negative", { configurationRevision: -1 }, ["configuration_revision revision"]],
];

describe("registry: what may come in", () => {
  for (const [name, request, problems] of REGISTRATIONS)
    it(`${problems.length === 0 ? "takes" : "refuses"} ${name}`, () => assert.deepEqual(problemsOf(request), problems));

  for (const [name, request, problems] of BEATS)
    it(`${problems.length === 0 ? "takes" : "refuses"} a heartbeat with ${name}`, () =>
      assert.deepEqual(beatProblems(request), problems));

  it("makes up an id and an instance for whoever has none", () => {
    const result = register({ id: "" });
    assert.ok(result.ok);
    assert.deepEqual([result.value.id, result.value.instance], [`processor-${CHANCE}`, CHANCE]);
  });

  it("reads instance, time to live and event types from metadata, each type once", () => {
    const metadata = { instance_id: "i1", heartbeat_ttl: "1m30s", input_event_types: "b,a,,b ", max_concurrent: "8" };
    const result = register({ metadata });
    assert.ok(result.ok);
    const { instance, ttlMs, capabilities } = result.value;
    assert.deepEqual([instance, ttlMs], ["i1", 90_000]);
    assert.deepEqual(capabilities, {
      inputEventTypes: ["a", "b"],
      outputEventTypes: [],
      maxConcurrent: 8,
      source: "metadata",
    });
  });

  it("reads what a component answers of itself, and bounds it", () => {
    const problems = new FieldProblems();
    const answer = { inputEventTypes: ["b", "a", "b"], outputEventTypes: ["not one"], maxConcurrent: 1e9 };
    const capabilities = capabilitiesFromAnswer(answer, problems);
    assert.deepEqual([capabilities.inputEventTypes, capabilities.maxConcurrent], [["a", "b"], MAX_CONCURRENT]);
    assert.deepEqual(
      problems.list.map(({ field, rule }) => `${field} ${rule}`),
      ["output_event_types event_type"],
    );
    const silent = capabilitiesFromAnswer({ inputEventTypes: [], outputEventTypes: [], maxConcurrent: 0 }, problems);
    assert.equal(silent.maxConcurrent, undefined);
  });

  it("keeps names that objects have by themselves", () => {
    const metadata: Record<string, string> = JSON.parse('{"__proto__":"a","constructor":"b"}');
    const result = register({ metadata });
    assert.ok(result.ok);
    assert.deepEqual(
      [...result.value.metadata],
      [
        ["__proto__", "a"],
        ["constructor", "b"],
      ],
    );
  });

  it("reads the names of HealthStatus in any case, and anything else as UNKNOWN", () => {
    const read = ["HEALTHY", "healthy", " Unhealthy ", "HEALTH_STATUS_STOPPING", "DEGRADED", "", "toString"].map(
      readHealthStatus,
    );
    assert.deepEqual(read, ["HEALTHY", "HEALTHY", "UNHEALTHY", "STOPPING", "UNKNOWN", "UNKNOWN", "UNKNOWN"]);
  });
});
