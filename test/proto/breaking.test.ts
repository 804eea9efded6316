// Each change that the seed's compatibility table blocks is planted in a copy of the protos; the gate must refuse it.

import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { checkBreaking } from "../../proto/scripts/gate.ts";
import { plant, withProtoCopy } from "./copies.ts";

const flow = "beamline/flow/v1/flow.proto";
const provider = "beamline/provider/v1/provider.proto";
const common = "common/common.proto";

interface Planted {
  readonly change: string;
  readonly path: string;
  readonly before: string;
  readonly after: string;
  /** What the gate must say; it shows that this change was refused, not some other. */
  readonly says: RegExp;
}

const blocked: readonly Planted[] = [
  {
    change: "a removed field",
    path: flow,
    before: "  string trace_id = 3;\n",
    after: "",
    says: /Previously present field "3" with name "trace_id" on message "Message" was deleted/,
  },
  {
    change: "a removed field whose number and name are reserved",
    path: flow,
    before: "  string trace_id = 3;\n",
    after: '  reserved 3;\n  reserved "trace_id";\n',
    says: /Previously present field "3" with name "trace_id" on message "Message" was deleted/,
  },
  {
    change: "a changed field type",
    path: flow,
    before: "int64 timestamp_ms = 7;",
    after: "string timestamp_ms = 7;",
    says: /changed type from "int64" to "string"/,
  },
  {
    change: "string made bytes",
    path: flow,
    before: "string policy_id = 2;",
    after: "bytes policy_id = 2;",
    says: /changed type from "string" to "bytes"/,
  },
  {
    change: "bytes made string",
    path: provider,
    before: "bytes data = 1;",
    after: "string data = 1;",
    says: /changed type from "bytes" to "string"/,
  },
  {
    change: "a changed field number",
    path: flow,
    before: "string span_id = 12;",
    after: "string span_id = 13;",
    says: /Previously present field "12" with name "span_id" on message "Message" was deleted/,
  },
  {
    change: "a renamed field",
    path: flow,
    before: "string run_id = 8;",
    after: "string run = 8;",
    says: /changed name from "run_id" to "run"/,
  },
  {
    change: "a singular field made repeated",
    path: provider,
    before: "bool done = 2;",
    after: "repeated bool done = 2;",
    says: /changed cardinality/,
  },
  {
    change: "a renamed message",
    path: common,
    before: "message Metrics {",
    after: "message Gauges {",
    says: /Previously present message "Metrics" was deleted/,
  },
  {
    change: "a renamed service",
    path: flow,
    before: "service Router {",
    after: "service RouterService {",
    says: /Previously present service "Router" was deleted/,
  },
  {
    change: "a removed rpc",
    path: provider,
    before: "  rpc InvokeStream(ProviderRequest) returns (stream StreamChunk);\n",
    after: "",
    says: /Previously present RPC "InvokeStream" on service "Provider" was deleted/,
  },
  {
    change: "a renamed rpc",
    path: flow,
    before: "rpc Decide(",
    after: "rpc Route(",
    says: /Previously present RPC "Decide" on service "Router" was deleted/,
  },
  {
    change: "a renamed package",
    path: provider,
    before: "package beamline.provider.v1;",
    after: "package beamline.providers.v1;",
    says: /package changed from "beamline.provider.v1" to "beamline.providers.v1"/,
  },
];

const allowed: readonly Omit<Planted, "says">[] = [
  {
    change: "a field under a new number and name",
    path: flow,
    before: "  string span_id = 12;\n",
    after: "  string span_id = 12;\n  // New.\n  string parent_span_id = 13;\n",
  },
  {
    change: "a message and an rpc",
    path: flow,
    before: "  rpc Decide(RouteRequest) returns (RouteDecision);\n}\n",
    after:
      "  rpc Decide(RouteRequest) returns (RouteDecision);\n  // New.\n  rpc Explain(RouteRequest) returns (Why);\n}\n\n// New.\nmessage Why {}\n",
  },
];

describe("breaking-change gate", () => {
  for (const { change, path, before, after, says } of blocked) {
    it(`refuses ${change}`, async () => {
      const problems = await withProtoCopy(async (dir) => {
        await plant(dir, path, before, after);
        return await checkBreaking(dir);
      });
      assert.match(problems.join("\n"), says);
    });
  }

  for (const { change, path, before, after } of allowed) {
    it(`lets ${change} pass`, async () => {
      const problems = await withProtoCopy(async (dir) => {
        await plant(dir, path, before, after);
        return await checkBreaking(dir);
      });
      assert.deepEqual(problems, []);
    });
  }

  it("lets the files pass as they stand", async () => {
    assert.deepEqual(await withProtoCopy(checkBreaking), []);
  });
});
