// `beamline nats-accounts --dir`: what it writes, for whom, and that running it again changes nothing.
import assert from "node:assert/strict";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decode, parseCreds, type User } from "@nats-io/jwt";
import { describe, it } from "mocha";
import { makeTempDir } from "../support/temp.ts";
import { type CliRun, runCli } from "./run-cli.ts";

const FILES = [
  "accounts.conf",
  "controlplane.creds",
  "keys.json",
  "operator.creds",
  "producer.creds",
  "router.creds",
  "system.creds",
  "worker.creds",
];
const SEED = /\bS[OAU][A-Z2-7]{56}\b/;

const make = (folder: string, ...more: readonly string[]): Promise<CliRun> =>
  runCli(["nats-accounts", "--dir", folder, "--output", "json", ...more]);

async function contents(folder: string): Promise<ReadonlyMap<string, string>> {
  const names = (await readdir(folder)).sort();
  return new Map(
    await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name), "utf8")] as const)),
  );
}

function written({ stdout }: CliRun): readonly string[] {
  const { written: parts }: { written: { part: string; action: string }[] } = JSON.parse(stdout);
  return parts.map(({ part, action }) => `${part} ${action}`);
}

/** The tokens of the accounts, by name. */
function accountsOf(conf: string): ReadonlyMap<string, { sub: string; nats: Record<string, unknown> }> {
  const lines = conf.matchAll(/^ {2}(A[A-Z2-7]{55}): (\S+)$/gm);
  return new Map(
    [...lines].map(([, id, token]) => {
      const claims = decode<Record<string, unknown>>(token ?? "");
      assert.equal(claims.sub, id);
      return [claims.name, claims];
    }),
  );
}

describe("beamline nats-accounts", () => {
  it("writes keys, accounts and credentials, secrets for their owner only, and tells no secret", async () => {
    await using temp = await makeTempDir();
    const folder = join(temp.path, "accounts");
    const run = await make(folder);
    assert.equal(run.exitCode, 0, run.stderr);
    assert.doesNotMatch(run.stdout + run.stderr, SEED);
    const files = await contents(folder);
    assert.deepEqual([...files.keys()], FILES);
    for (const [name, text] of files) {
      const { mode } = await stat(join(folder, name));
      const secret = name !== "accounts.conf";
      assert.equal(mode & 0o777, secret ? 0o600 : 0o644, name);
      assert.equal(SEED.test(text), secret, `${name} holds a seed: ${secret}`);
    }
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    // Seeds of operator and accounts are in the keys and nowhere else.
    for (const name of FILES.filter((file) => file !== "keys.json"))
      assert.doesNotMatch(files.get(name) ?? "", /\bS[OA][A-Z2-7]{56}\b/);
    const accounts = accountsOf(files.get("accounts.conf") ?? "");
    assert.deepEqual([...accounts.keys()], ["SYS", "BEAMLINE", "PRODUCERS", "WORKERS"]);
    const worker = await parseCreds(Buffer.from(files.get("worker.creds") ?? ""));
    assert.equal(worker.aid, accounts.get("WORKERS")?.sub);
    assert.ok((worker.uc.nats as User).pub?.allow?.includes("caf.exec.result.v1"));
  });

  it("leaves everything as it is when run again, and completes what was cut short", async () => {
    await using temp = await makeTempDir();
    await make(temp.path);
    const before = await contents(temp.path);
    assert.deepEqual(written(await make(temp.path)), []);
    assert.deepEqual(await contents(temp.path), before);
    await rm(join(temp.path, "accounts.conf"));
    await rm(join(temp.path, "worker.creds"));
    assert.deepEqual(written(await make(temp.path)), ["worker created", "accounts created"]);
    const { key } = await parseCreds(await readFile(join(temp.path, "worker.creds")));
    assert.ok((before.get("worker.creds") ?? "").includes(key), "the same key again");
  });

  it("gives a role of a later release a key, and leaves the keys of an earlier one as they are", async () => {
    await using temp = await makeTempDir();
    await make(temp.path);
    const before = await contents(temp.path);
    const ring = JSON.parse(before.get("keys.json") ?? "");
    const { controlplane: _, ...users } = ring.users;
    await writeFile(join(temp.path, "keys.json"), JSON.stringify({ ...ring, users }));
    await rm(join(temp.path, "controlplane.creds"));
    assert.deepEqual(written(await make(temp.path)), ["keys updated", "controlplane created"]);
    const after = await contents(temp.path);
    const rest = FILES.filter((name) => name !== "keys.json" && name !== "controlplane.creds");
    for (const name of rest) assert.equal(after.get(name), before.get(name), name);
    assert.deepEqual(written(await make(temp.path)), []);
  });

  it("gives several runs at once one set of keys", async () => {
    await using temp = await makeTempDir();
    const runs = await Promise.all(Array.from({ length: 4 }, () => make(temp.path)));
    assert.deepEqual(
      runs.map(({ exitCode }) => exitCode),
      [0, 0, 0, 0],
    );
    assert.equal(runs.filter((run) => written(run).includes("keys created")).length, 1);
    assert.deepEqual([...(await contents(temp.path)).keys()], FILES);
    assert.deepEqual(written(await make(temp.path)), []);
  });

  it("rotates one role: another key, the old one revoked in its account, all others untouched", async () => {
    await using temp = await makeTempDir();
    await make(temp.path);
    const before = await contents(temp.path);
    assert.deepEqual(written(await make(temp.path, "--rotate", "router")), [
      "keys updated",
      "router updated",
      "accounts updated",
    ]);
    const after = await contents(temp.path);
    const changed = FILES.filter((name) => before.get(name) !== after.get(name));
    assert.deepEqual(changed, ["accounts.conf", "keys.json", "router.creds"]);
    const user = async (files: ReadonlyMap<string, string>): Promise<string> =>
      (await parseCreds(Buffer.from(files.get("router.creds") ?? ""))).uc.sub;
    assert.notEqual(await user(after), await user(before));
    const { nats } = accountsOf(after.get("accounts.conf") ?? "").get("BEAMLINE") ?? {};
    assert.deepEqual(Object.keys((nats?.revocations as object | undefined) ?? {}), [await user(before)]);
    assert.deepEqual(written(await make(temp.path)), [], "a revocation is not forgotten");
  });

  it("follows what it is asked for: prefixes and fixed subjects change rights, not keys", async () => {
    await using temp = await makeTempDir();
    await make(temp.path);
    const before = await contents(temp.path);
    const run = await make(temp.path, "--subjects-prefix", "team-a", "--fixed-subject", "caf.exec.assign.v1");
    assert.equal(run.exitCode, 0, run.stderr);
    const after = await contents(temp.path);
    assert.equal(after.get("keys.json"), before.get("keys.json"));
    const { uc } = await parseCreds(Buffer.from(after.get("router.creds") ?? ""));
    const allow = (uc.nats as User).pub?.allow ?? [];
    for (const subject of ["team-a.caf.exec.assign.v1.to.>", "caf.exec.assign.v1", "team-a.caf.exec.assign.v1"])
      assert.ok(allow.includes(subject), subject);
  });

  it("says what is wrong with the keys without quoting them, and touches nothing", async () => {
    await using temp = await makeTempDir();
    await make(temp.path);
    const path = join(temp.path, "keys.json");
    const keys = await readFile(path, "utf8");
    for (const damaged of [
      "",
      keys.slice(0, 300),
      keys.replace(/"SO/, '"SX'),
      keys.replace('"version": 1', '"version": 2'),
    ]) {
      await writeFile(path, damaged);
      const run = await make(temp.path);
      assert.equal(run.exitCode, 78);
      assert.match(run.stderr, /CONFIG_INVALID: .*keys\.json does not hold the keys of NATS accounts/);
      assert.doesNotMatch(run.stderr, /S[OAUX][A-Z2-7]{20}/);
      assert.equal(await readFile(path, "utf8"), damaged);
    }
  });

  it("refuses flags that do not make sense", async () => {
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [[], /one of --dir and --kubernetes/],
      [["--dir", "x", "--kubernetes"], /one of --dir and --kubernetes/],
      [["--kubernetes"], /--namespace is required/],
      [["--kubernetes", "--namespace", "n"], /--prefix is required/],
      [["--dir", "x", "--rotate", "nobody"], /must be one of operator, router, controlplane, producer, worker, system/],
      [["--dir", "x", "--subjects-prefix", "a_b"], /--subjects-prefix is "a_b"/],
      [["--dir", "x", "--fixed-subject", "caf.>"], /--fixed-subject is "caf\.>"/],
    ];
    for (const [flags, message] of cases) {
      const run = await runCli(["nats-accounts", ...flags]);
      assert.equal(run.exitCode, 64, flags.join(" "));
      assert.match(run.stderr, message);
    }
  });
});
