// `beamline decide --offline`: the router's own answer, from files alone.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "mocha";
import { makeTempDir } from "../support/temp.ts";
import { runCli } from "./run-cli.ts";

const QUICKSTART = join(import.meta.dirname, "..", "..", "examples", "quickstart");
const CHAT = ["decide", "--offline", QUICKSTART, "--tenant", "demo", "--type", "chat", "--policy", "chat"];

async function decideJson(...args: readonly string[]) {
  const run = await runCli([...CHAT, "--output", "json", ...args]);
  return { exitCode: run.exitCode, answer: JSON.parse(run.stdout), stderr: run.stderr };
}

describe("cli decide --offline", () => {
  it("answers as a router does, equally in both encodings", async () => {
    const args = ["--context", "session_id=s1", "--meta", "tier=gold"];
    const { exitCode, answer } = await decideJson(...args);
    assert.equal(exitCode, 0);
    assert.equal(answer.decision.provider_id, "openai");
    assert.equal(answer.decision.reason, "rule");
    assert.equal(answer.decision.expected_latency_ms, 850);
    assert.equal(answer.decision.expected_cost, 0.012);
    assert.equal(answer.decision.metadata.rule, "gold");
    assert.deepEqual((await decideJson(...args, "--protobuf")).answer, answer);
  });

  it("keeps a session with its provider, and splits sessions by weight", async () => {
    const providers = new Set<string>();
    for (let session = 0; session < 12; session++) {
      const args = ["--context", `session_id=${session}`];
      const { answer } = await decideJson(...args);
      assert.equal(answer.decision.reason, "sticky");
      assert.equal((await decideJson(...args)).answer.decision.provider_id, answer.decision.provider_id);
      providers.add(answer.decision.provider_id);
    }
    assert.deepEqual([...providers].sort(), ["anthropic", "openai"]);
  });

  it("explains each stage in order", async () => {
    const { stdout } = await runCli([...CHAT, "--explain", "--context", "session_id=s1"]);
    const stages = stdout
      .slice(stdout.indexOf("STAGE"))
      .trim()
      .split("\n")
      .map((line) => line.split(" ")[0]);
    assert.deepEqual(stages, ["STAGE", "policy", "rule", "rule", "filter", "tier", "pick"]);
    assert.match(stdout, /policy +demo\/chat, generation 1, is policy chat of tenant demo/);
    assert.match(stdout, /rule +gold: not matched: /);
    assert.match(stdout, /tier +priority 0: openai, anthropic/);
    assert.match(stdout, /pick +key s1: openai weight 70 scores [\d.]+, anthropic weight 30 scores [\d.]+: chose /);
    const { answer } = await decideJson("--explain");
    assert.equal(answer.steps[0].stage, "policy");
    assert.equal((await decideJson()).answer.steps, undefined);
  });

  it("decides by the rule that matches", async () => {
    const { answer } = await decideJson("--context", "private=true");
    assert.equal(answer.decision.provider_id, "local_llm");
    assert.equal(answer.decision.metadata.rule, "private");
  });

  it("shows a refusal with its code, and ends with 1", async () => {
    const unknown = await decideJson("--policy", "nothing");
    assert.equal(unknown.exitCode, 1);
    assert.equal(unknown.answer.error.code, "policy_not_found");
    const foreign = await runCli(["decide", "--offline", QUICKSTART, "--tenant", "other", "--type", "chat"]);
    assert.equal(foreign.exitCode, 1);
    assert.match(foreign.stdout, /^refused: unauthorized \(TENANT_FORBIDDEN\): /);
  });

  it("refuses to decide by files that are wrong, and says what is", async () => {
    await using folder = await makeTempDir();
    await writeFile(join(folder.path, "bad.yaml"), "kind: RoutingPolicy\n");
    const run = await runCli(["decide", "--offline", "bad.yaml", "--tenant", "demo", "--type", "chat"], {
      cwd: folder.path,
    });
    assert.equal(run.exitCode, 65);
    assert.match(run.stderr, /bad\.yaml:1:1 +apiVersion +/);
    assert.match(run.stderr, /INPUT_INVALID: the policy files have \d+ problems/);
  });

  it("takes the payload from a file, and says when it is not there", async () => {
    await using folder = await makeTempDir();
    await writeFile(join(folder.path, "payload.json"), '{"prompt":"hello"}');
    const args = ["decide", "--offline", QUICKSTART, "--tenant", "demo", "--type", "chat", "--payload"];
    assert.equal((await runCli([...args, "@payload.json"], { cwd: folder.path })).exitCode, 0);
    const missing = await runCli([...args, "@nowhere.json"], { cwd: folder.path });
    assert.equal(missing.exitCode, 66);
    assert.match(missing.stderr, /^INPUT_MISSING: --payload names .*nowhere\.json, which cannot be read/);
  });
});
