// The command line itself: which command, which flags, what a mistake says, and with which exit code.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { runCli } from "./run-cli.ts";

const USAGE = 64;

/** What is typed, and what stderr must say about it. */
const MISTAKES: readonly { readonly args: readonly string[]; readonly says: RegExp }[] = [
  { args: ["stauts"], says: /unknown command "stauts"\n {2}Did you mean "status"\?/ },
  { args: ["xyzzy"], says: /unknown command "xyzzy"\n {2}Commands are: up, check, / },
  { args: ["dlq"], says: /"dlq" alone is not a command\n {2}Use one of: dlq list/ },
  { args: ["dlq", "show"], says: /"dlq show" is not a command\n {2}Use one of: dlq list/ },
  { args: ["decide", "--tennant", "demo"], says: /unknown flag --tennant\n {2}Did you mean --tenant\?/ },
  { args: ["status", "--url"], says: /'--url <value>' argument missing/ },
  { args: ["decide", "--push=yes"], says: /'--push' does not take an argument/ },
  { args: ["version", "--output", "xml"], says: /--output is "xml": it must be one of table, json/ },
  { args: ["version", "--color", "blue"], says: /--color is "blue": it must be one of auto, always, never/ },
  { args: ["decide", "--type", "chat"], says: /--tenant is required\n {2}For example: --tenant demo/ },
  {
    args: ["decide", "--tenant", "demo", "--type", "chat", "--meta", "tier"],
    says: /--meta is "tier": it must be key=value/,
  },
  {
    args: ["decide", "--tenant", "demo", "--type", "chat", "--timeout", "5"],
    says: /--timeout is "5": it must be a length of time/,
  },
  { args: ["decide", "--tenant", "demo", "--type", "chat", "file.yaml"], says: /unexpected argument "file\.yaml"/ },
  { args: ["dlq", "list", "--limit", "0"], says: /--limit is "0": it must be a whole number from 1 to 10000/ },
  { args: ["help", "nothing"], says: /unknown command "nothing"/ },
];

describe("cli command line", () => {
  for (const { args, says } of MISTAKES) {
    it(`answers "${args.join(" ")}" with the flag, the rule and the way out`, async () => {
      const run = await runCli(args);
      assert.match(run.stderr, says);
      assert.match(run.stderr, /^USAGE_INVALID: /);
      assert.equal(run.stdout, "");
      assert.equal(run.exitCode, USAGE);
    });
  }

  it("shows the overview without a command, and says by the exit code that nothing was done", async () => {
    const run = await runCli([]);
    assert.match(run.stdout, /Commands:\n {2}up /);
    assert.equal(run.exitCode, USAGE);
    assert.equal((await runCli(["--help"])).exitCode, 0);
  });

  it("lists every command in the overview and explains each of them", async () => {
    const { stdout } = await runCli(["help"]);
    for (const name of ["up", "check", "decide", "status", "dlq list", "version"]) {
      assert.ok(stdout.includes(`  ${name} `), `${name} is missing from:\n${stdout}`);
      const help = await runCli(["help", ...name.split(" ")]);
      assert.equal(help.exitCode, 0);
      assert.ok(help.stdout.includes(`Usage: npx beamline ${name}`), help.stdout);
      assert.equal((await runCli([...name.split(" "), "--help"])).stdout, help.stdout);
    }
  });

  it("explains what begins with one word", async () => {
    const asked = await runCli(["components", "--help"]);
    assert.equal(asked.exitCode, 0, asked.stderr);
    assert.match(asked.stdout, /^Usage: npx beamline components COMMAND/);
    assert.deepEqual(asked.stdout.match(/^ {2}components \w+/gm), [
      "  components list",
      "  components get",
      "  components watch",
      "  components unregister",
    ]);
    assert.equal((await runCli(["help", "components"])).stdout, asked.stdout);
  });

  it("takes flags before and behind the command, and short ones", async () => {
    const long = await runCli(["version", "--output", "json"]);
    assert.deepEqual(Object.keys(JSON.parse(long.stdout)), ["beamline", "node", "natsMinimum", "natsTested"]);
    assert.equal((await runCli(["--output", "json", "version"])).stdout, long.stdout);
    assert.equal((await runCli(["-o", "json", "version"])).stdout, long.stdout);
  });

  it("colours only when asked to, or on a terminal that wants it", async () => {
    assert.ok((await runCli(["help", "--color", "always"])).stdout.includes("\u001b["));
    assert.ok(!(await runCli(["help"])).stdout.includes("\u001b["));
    const mistake = await runCli(["status", "--url", "x", "--color", "always"]);
    assert.ok(mistake.stderr.includes("\u001b["));
  });
});
