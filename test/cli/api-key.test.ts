// `beamline api-key`: a key is printed once, its file never holds it, and what is revoked is gone.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { runCli } from "./run-cli.ts";

describe("beamline api-key", () => {
  let temp: TempDir;
  let file: string;
  const run = (...args: readonly string[]) => runCli(["api-key", ...args, "--file", file]);

  before(async () => {
    temp = await makeTempDir("beamline-api-key-");
    file = join(temp.path, "keys", "api-keys");
  });

  after(() => temp.remove());

  it("makes a key, prints it alone on stdout, and keeps only its digest, for its owner's eyes", async () => {
    const made = await run("create", "--name", "ci", "--role", "operator");
    assert.equal(made.exitCode, 0, made.stderr);
    assert.match(made.stdout, /^beamline_[\w-]{43}\n$/);
    const text = await readFile(file, "utf8");
    const digest = createHash("sha256").update(made.stdout.trim()).digest("hex");
    assert.ok(text.includes(`\nci operator sha256:${digest}\n`), text);
    assert.ok(!text.includes(made.stdout.trim()));
    assert.equal((await stat(file)).mode & 0o777, 0o600);
  });

  it("refuses a second key of the name, an unknown role and a name that is none, and changes nothing", async () => {
    const before = await readFile(file, "utf8");
    const again = await run("create", "--name", "ci", "--role", "viewer");
    assert.equal(again.exitCode, 65);
    assert.match(again.stderr, /has a key "ci" already/);
    assert.ok(again.stderr.includes(`npx beamline api-key revoke --name ci --file ${file}\n`), again.stderr);
    assert.match((await run("create", "--name", "x", "--role", "root")).stderr, /must be one of viewer, operator/);
    assert.match((await run("create", "--name", "a b", "--role", "viewer")).stderr, /--name is "a b"/);
    assert.equal(await readFile(file, "utf8"), before);
    // The file that the refused command had begun does not stand in the way of the next one.
    assert.equal((await run("create", "--name", "second", "--role", "viewer")).exitCode, 0);
  });

  it("lists names and roles, and revokes by name", async () => {
    const listed = await run("list", "--output", "json");
    assert.deepEqual(JSON.parse(listed.stdout), {
      keys: [
        { name: "ci", role: "operator" },
        { name: "second", role: "viewer" },
      ],
    });
    assert.equal((await run("revoke", "--name", "ci")).exitCode, 0);
    const again = await run("revoke", "--name", "ci");
    assert.match(again.stderr, /has no key "ci"/);
    assert.ok(again.stderr.includes(`npx beamline api-key list --file ${file}\n`), again.stderr);
    assert.doesNotMatch(await readFile(file, "utf8"), /ci operator/);
  });

  it("names the line of a file that is wrong without showing what is in it", async () => {
    await writeFile(file, "# keys\nci operator beamline_secret\n");
    const listed = await run("list");
    assert.equal(listed.exitCode, 65);
    assert.match(listed.stderr, /line 2 \("ci"\) must end with sha256:/);
    assert.doesNotMatch(listed.stderr, /secret/);
  });
});
