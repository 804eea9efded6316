// The rest of the gate on planted changes: version gate, checkpoint file, generated files, lint.

import assert from "node:assert/strict";
import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { parseCheckpoint } from "../../proto/scripts/checkpoint.ts";
import { checkVersionGate, gateSteps } from "../../proto/scripts/gate.ts";
import { plant, withProtoCopy } from "./copies.ts";

const flow = "beamline/flow/v1/flow.proto";

async function runStep(name: string, dir: string): Promise<string> {
  const step = gateSteps.find((candidate) => candidate.name === name);
  assert.ok(step, `no step ${name}`);
  return (await step.run(dir)).join("\n");
}

describe("version gate", () => {
  it("names every CP2 field when the checkpoint is CP1", async () => {
    const problems = await withProtoCopy(async (dir) => {
      await writeFile(join(dir, "checkpoint.json"), '{"current_cp": "CP1"}');
      return await checkVersionGate(dir);
    });
    const fields = problems.filter((line) => line.startsWith("beamline.flow.v1."));
    const names = ["run_id = 8", "flow_id = 9", "step_id = 10", "idempotency_key = 11", "span_id = 12"];
    const expected = [
      ...names.map((name) => `beamline.flow.v1.Message.${name}`),
      "beamline.flow.v1.RouteRequest.idempotency_key = 4",
    ];
    assert.deepEqual(
      fields,
      expected.map((field) => `${field} needs checkpoint CP2-LC, but checkpoint.json says CP1`),
    );
    assert.equal(problems.filter((line) => line.includes(".ExecResult.")).length, 7);
    assert.equal(problems.filter((line) => line.includes(".ExecAssignmentAck.")).length, 7);
    assert.match(problems.join("\n"), /^beamline\.worker\.v1\.ExecAssignment needs checkpoint CP2-LC/m);
  });

  it("passes at CP2-LC and at later checkpoints", async () => {
    for (const checkpoint of ["CP2-LC", "CP3"]) {
      const problems = await withProtoCopy(async (dir) => {
        await writeFile(join(dir, "checkpoint.json"), JSON.stringify({ current_cp: checkpoint }));
        return await checkVersionGate(dir);
      });
      assert.deepEqual(problems, []);
    }
  });

  it("lets CP1 pass once the CP2 fields of a message are gone", async () => {
    const problems = await withProtoCopy(async (dir) => {
      await writeFile(join(dir, "checkpoint.json"), '{"current_cp": "CP1"}');
      await plant(dir, flow, "  string idempotency_key = 4;\n", "");
      return await checkVersionGate(dir);
    });
    assert.ok(problems.length > 0);
    assert.ok(!problems.some((line) => line.includes("RouteRequest")));
  });

  for (const text of ['{"current_cp": "CP0"}', '{"current_cp": "2"}', "{}", "[]", "null", '{"current_cp": 2}']) {
    it(`refuses the checkpoint file ${text}`, () => {
      assert.throws(() => parseCheckpoint(text), /checkpoint\.json: current_cp is/);
    });
  }
});

describe("generated-files gate", () => {
  it("names a file that was edited, one that is missing, and one too much", async () => {
    const problems = await withProtoCopy(async (dir) => {
      await appendFile(join(dir, "gen/messages/beamline/flow/v1/flow.ts"), "// edited\n");
      await rm(join(dir, "gen/messages/schema.ts"));
      await writeFile(join(dir, "gen/stray.ts"), "export {};\n");
      await plant(dir, "README.md", "1 `message_id` string", "1 `message` string");
      return await runStep("generated files", dir);
    });
    assert.deepEqual(problems.split("\n"), [
      "README.md differs from what is generated",
      "gen/messages/beamline/flow/v1/flow.ts differs from what is generated",
      "gen/messages/schema.ts is missing",
      "gen/stray.ts is not generated from any .proto file",
    ]);
  });

  it("fails when a field was added and nothing regenerated", async () => {
    const problems = await withProtoCopy(async (dir) => {
      await plant(dir, flow, "string span_id = 12;\n", "string span_id = 12;\n  // New.\n  string state = 13;\n");
      return await runStep("generated files", dir);
    });
    assert.deepEqual(problems.split("\n"), [
      "README.md differs from what is generated",
      "gen/descriptors.ts differs from what is generated",
      "gen/messages/beamline/flow/v1/flow.ts differs from what is generated",
      "gen/messages/schema.ts differs from what is generated",
    ]);
  });
});

describe("lint and format gates", () => {
  it("refuse a field without a comment, a bad name and a file that does not compile", async () => {
    const said = await withProtoCopy(async (dir) => {
      await plant(dir, flow, "string span_id = 12;\n", "string span_id = 12;\n\n\n  string spanState = 13;\n");
      const lint = await runStep("lint", dir);
      const format = await runStep("format", dir);
      await plant(dir, flow, "string spanState = 13;", "strung spanState = 13;");
      return { lint, format, build: await runStep("build", dir) };
    });
    assert.match(said.lint, /Field "spanState" should have a non-empty comment/);
    assert.match(said.lint, /Field name "spanState" should be lower_snake_case/);
    assert.match(said.format, /flow\.proto/);
    assert.match(said.build, /strung/);
  });
});
