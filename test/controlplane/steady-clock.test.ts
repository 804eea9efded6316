// Time for deadlines goes on steadily when somebody sets the machine's clock, and comes back to it slowly.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { SteadyClock } from "../../controlplane/steady-clock.ts";

/** A machine whose clock somebody sets. */
function machine() {
  const time = { wall: 1_700_000_000_000, monotonic: 5_000 };
  return {
    clock: { nowMs: () => time.wall, monotonicMs: () => time.monotonic },
    pass: (ms: number) => {
      time.wall += ms;
      time.monotonic += ms;
    },
    set: (ms: number) => {
      time.wall += ms;
    },
  };
}

describe("the steady clock", () => {
  it("is the wall clock while nobody sets it", () => {
    const { clock, pass } = machine();
    const steady = new SteadyClock(clock);
    for (let i = 0; i < 100; i++) {
      pass(250);
      assert.equal(steady.nowMs(), clock.nowMs());
    }
  });

  for (const jumpMs of [3_600_000, -3_600_000]) {
    it(`goes on when the clock is set by ${jumpMs} ms, never backwards`, () => {
      const { clock, pass, set } = machine();
      const steady = new SteadyClock(clock);
      set(jumpMs);
      let before = steady.nowMs();
      for (let i = 0; i < 1_000; i++) {
        pass(250);
        const stepMs = steady.nowMs() - before;
        assert.ok(stepMs > 248 && stepMs < 252, `a step of ${stepMs} ms`);
        before += stepMs;
      }
    });
  }

  it("comes back to a clock that was set by a little", () => {
    const { clock, pass, set } = machine();
    const steady = new SteadyClock(clock);
    set(400);
    for (let i = 0; i < 400; i++) {
      pass(250);
      steady.nowMs();
    }
    assert.ok(Math.abs(steady.nowMs() - clock.nowMs()) < 1);
  });
});
