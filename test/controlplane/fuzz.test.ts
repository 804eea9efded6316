// Random and mutated calls and frames on the port: the server lives, answers every whole call, and grows by nothing.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { digestOf } from "../../controlplane/access/authenticate.ts";
import { eventually } from "../support/await.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { FuzzedCalls } from "./fuzz/calls.ts";
import { type FuzzedProcess, type Reading, startFuzzedProcess } from "./fuzz/fuzzed-process.ts";
import { makeRandom } from "./fuzz/random.ts";
import { RawFrames } from "./fuzz/raw-frames.ts";

/** Calls and frames together; `BEAMLINE_FUZZ_FRAMES=1000000` for the long run. */
const FRAMES = Number(process.env.BEAMLINE_FUZZ_FRAMES ?? 8_000);
const SEED = Number(process.env.BEAMLINE_FUZZ_SEED ?? 1);
const CALL_SHARE = 0.25;
const CALLS_AT_ONCE = 32;
const CONNECTIONS_AT_ONCE = 8;
/** Of the frames, before the first reading: what is filled once is full by then. */
const WARM_UP = 0.25;
/** Of the rest of a run: 16 bytes a frame in the long one. */
const MAX_GROWTH_BYTES = 16_777_216;
const KEY = "fuzz-key";

describe("random and mutated calls and frames", function () {
  this.timeout(Math.max(120_000, FRAMES * 20));
  let temp: TempDir;
  let server: FuzzedProcess;

  before(async () => {
    temp = await makeTempDir("beamline-fuzz-");
    const apiKeysFile = join(temp.path, "api-keys");
    await writeFile(apiKeysFile, `fuzz operator sha256:${digestOf(KEY)}\n`);
    server = await startFuzzedProcess(apiKeysFile);
  });

  after(async () => {
    await server?.stop();
    await temp?.remove();
  });

  it(`leave a control plane that lives, answers every whole call and holds no more than before (${FRAMES}, seed ${SEED})`, async () => {
    const endings = new Map<string, number>();
    await run(SEED, FRAMES * WARM_UP, endings);
    const before = await settled();
    await run(SEED + 1, FRAMES * (1 - WARM_UP), endings);
    const after = await settled();
    const said = JSON.stringify({ before, after, endings: Object.fromEntries([...endings].toSorted()) });
    if (process.env.BEAMLINE_FUZZ_FRAMES !== undefined) process.stderr.write(`${said}\n`);
    assert.deepEqual([after.sockets, after.files], [before.sockets, before.files], said);
    assert.ok(after.timers <= before.timers, said);
    assert.ok(after.heapBytes - before.heapBytes < MAX_GROWTH_BYTES, said);
    // Taken, refused for a field, unknown, and no message: all of them happened, or the calls are not what they should be.
    for (const code of [
      "whole 0",
      "whole 3",
      "whole 5",
      "whole 13",
      "mutated 16",
      "mutated closed",
      "mutated http 415",
    ])
      assert.ok((endings.get(code) ?? 0) > 0, `no ${code}: ${said}`);
    // Neither a warning nor a line of a library, which would let whoever reaches the port write into the log.
    assert.equal(server.errors(), "");
    const page = await (await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).text();
    assert.match(page, /^controlplane_call_defects_total 0$/m);
  });

  /** A reading with no connection of a client left. */
  async function settled(): Promise<Reading> {
    let last: Reading | undefined;
    await eventually(
      async () => {
        last = await server.read();
        return last.sockets === 0;
      },
      { deadlineMs: 60_000, describe: () => `every connection is gone: ${JSON.stringify(last)}`, everyMs: 100 },
    );
    return last as Reading;
  }

  /** A quarter of the frames as calls, the others on plain sockets, at the same time. */
  async function run(seed: number, frames: number, endings: Map<string, number>): Promise<void> {
    const calls = new FuzzedCalls(server.port, KEY, makeRandom(seed));
    const raw = new RawFrames(server.port, makeRandom(seed + 1_000));
    const count = (ending: string): void => void endings.set(ending, (endings.get(ending) ?? 0) + 1);
    const rawFrames = frames * (1 - CALL_SHARE);
    let called = 0;
    let sent = 0;
    const caller = async (): Promise<void> => {
      while (called++ < frames * CALL_SHARE) {
        if (called % 2 === 0) count(`whole ${await calls.callWhole()}`);
        else count(`mutated ${await calls.callMutated()}`);
        server.checkAlive();
      }
    };
    const connector = async (): Promise<void> => {
      while (sent < rawFrames) sent += await raw.sendConnection(rawFrames - sent);
    };
    try {
      await Promise.all([
        ...Array.from({ length: CALLS_AT_ONCE }, caller),
        ...Array.from({ length: CONNECTIONS_AT_ONCE }, connector),
      ]);
    } finally {
      calls.close();
    }
  }
});
