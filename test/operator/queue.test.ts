// The queue: one call a key at a time, nothing lost that was added meanwhile, failures tried again.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { KeyedQueue } from "../../operator/queue.ts";
import { eventually } from "../support/await.ts";

const BACKOFF = { baseMs: 1, maxMs: 4 };
const DEADLINE_MS = 2_000;

describe("keyed queue", () => {
  it("makes one call of what was added many times, and one more of what was added during it", async () => {
    const calls: string[] = [];
    const gate = Promise.withResolvers<void>();
    const queue = new KeyedQueue({
      work: async (key) => {
        calls.push(key);
        if (calls.length === 1) await gate.promise;
      },
      onError: (_key, error) => assert.fail(String(error)),
      backoff: BACKOFF,
    });
    for (let count = 0; count < 5; count++) queue.add("a", 1);
    await eventually(() => calls.length === 1, { deadlineMs: DEADLINE_MS, describe: "the first call" });
    queue.add("b");
    await eventually(() => calls.includes("b"), { deadlineMs: DEADLINE_MS, describe: "another key does not wait" });
    for (let count = 0; count < 5; count++) queue.add("a");
    gate.resolve();
    await eventually(() => calls.length === 3, { deadlineMs: DEADLINE_MS, describe: "the second call" });
    await queue.stop();
    assert.deepEqual(calls, ["a", "b", "a"]);
  });

  it("is due at the earliest time that was asked for", async () => {
    let calls = 0;
    const queue = new KeyedQueue({ work: async () => void calls++, onError: () => undefined, backoff: BACKOFF });
    queue.add("a", 60_000);
    queue.add("a", 1);
    queue.add("a", 30_000);
    await eventually(() => calls === 1, { deadlineMs: DEADLINE_MS, describe: "it is due" });
    await queue.stop();
  });

  it("tries again what failed, and tells of it", async () => {
    const failures: string[] = [];
    let calls = 0;
    const queue = new KeyedQueue({
      work: async () => {
        if (++calls < 4) throw new Error(`failure ${calls}`);
      },
      onError: (key, error) => failures.push(`${key}: ${(error as Error).message}`),
      backoff: BACKOFF,
    });
    queue.add("a");
    await eventually(() => calls === 4, { deadlineMs: DEADLINE_MS, describe: "the fourth try" });
    await queue.stop();
    assert.deepEqual(failures, ["a: failure 1", "a: failure 2", "a: failure 3"]);
  });

  it("ends when what runs has ended, and starts nothing more", async () => {
    const gate = Promise.withResolvers<void>();
    let calls = 0;
    const queue = new KeyedQueue({
      work: async () => {
        calls++;
        await gate.promise;
      },
      onError: () => undefined,
      backoff: BACKOFF,
    });
    queue.add("a");
    queue.add("b", 60_000);
    await eventually(() => calls === 1, { deadlineMs: DEADLINE_MS, describe: "it runs" });
    queue.add("a");
    const stopped = queue.stop();
    queue.add("c");
    gate.resolve();
    await stopped;
    assert.equal(calls, 1);
  });
});
