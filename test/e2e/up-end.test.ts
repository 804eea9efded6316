// How `beamline up` ends: in order on Ctrl-C, and without leaving anything behind when it is killed.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "@nats-io/transport-node";
import { afterEach, beforeEach, describe, it } from "mocha";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS, testNatsServer } from "../support/nats.ts";
import { skipUnless } from "../support/skip.ts";
import { DecideLoad } from "./decide-load.ts";
import { commandOf, isAlive, type RunningUp, requireProcessTable, startUp, WORKER } from "./up-process.ts";

/** Ctrl-C drains and exits within this. */
const STOP_MS = 10_000;
/** Children notice the end of their parent by a closed pipe; a router drains first. */
const GONE_MS = 15_000;

describe("beamline up: the end", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let up: RunningUp;

  beforeEach(async function () {
    const program = await testNatsServer().catch(() => undefined);
    skipUnless(this, program !== undefined, "no nats-server can be had");
    requireProcessTable(this);
    up = await startUp({ flags: ["--worker", WORKER] });
  });
  afterEach(() => up?.dispose());

  function listChildren(): readonly number[] {
    const children = up.descendants();
    const commands = children.map(commandOf);
    for (const part of ["nats-server", "router/main.ts", "worker.ts"]) {
      assert.ok(
        commands.some((command) => command.includes(part)),
        `${part} among ${commands.join("\n")}`,
      );
    }
    return children;
  }

  async function assertGone(children: readonly number[]): Promise<void> {
    await eventually(() => children.every((pid) => !isAlive(pid)), {
      deadlineMs: GONE_MS,
      describe: () => `no child is left; there are ${children.filter(isAlive).map(commandOf).join(", ")}`,
    });
  }

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`drains and exits 0 within ten seconds on ${signal}, and answers what it took`, async () => {
      const children = listChildren();
      const nc = await connect({ servers: up.natsUrl, reconnect: false });
      await using load = new DecideLoad(nc, { tenant: "demo", policy: "chat" });
      load.start();
      await load.answered(100);
      const startedMs = performance.now();
      const exitCode = await up.end(signal);
      const tookMs = performance.now() - startedMs;
      assert.equal(exitCode, 0);
      assert.ok(tookMs < STOP_MS, `it took ${Math.round(tookMs)} ms`);
      await assertGone(children);
      // Once no router listens, requests are refused by the server; none may be taken and left without an answer.
      const { failures } = await load.stop();
      assert.deepEqual(
        failures.filter((failure) => /timeout/i.test(failure)),
        [],
      );
      await assert.rejects(readFile(join(up.folder.path, ".beamline", "endpoints.json")), { code: "ENOENT" });
      process.stdout.write(`      stopped after ${Math.round(tookMs)} ms\n`);
    });
  }

  it("leaves no child when it is killed with -9, and starts again on the same folder", async () => {
    const keyed = [
      "decide",
      "--tenant",
      "demo",
      "--policy",
      "chat",
      "--type",
      "chat",
      "--key",
      "k1",
      "--output",
      "json",
    ];
    const before = JSON.parse((await up.cli(...keyed)).stdout);
    const children = listChildren();
    await up.end("SIGKILL");
    await assertGone(children);
    up = await startUp({ folder: up.folder });
    assert.deepEqual(JSON.parse((await up.cli(...keyed)).stdout), before);
    const [chat] = (await up.status()).policies;
    assert.equal(chat?.generation, 1, "the same objects, not new ones");
  });
});
