// The log of a list-and-watch that fails for a long time.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { FailureKind } from "../../kubernetes/failure.ts";
import { FailureLog } from "../../kubernetes/failure-log.ts";
import { advanceListWatch, INITIAL_LIST_WATCH, type ListWatchEvent } from "../../kubernetes/list-watch.ts";
import { createLogger } from "../../runtime/log.ts";
import { WIDGET } from "./peers/peer.ts";

const HEALTHY: ListWatchEvent = {
  type: "WatchEnded",
  resourceVersion: "2",
  livedMs: 24_000,
  progressed: true,
  failure: undefined,
};

describe("the log of a list-and-watch", () => {
  const lines: { readonly message: string; readonly reason?: string; readonly failures?: number }[] = [];
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) };

  /** Lets the events happen, from the first list on, and shows what was written. */
  function logOf(events: readonly ListWatchEvent[]): string[] {
    lines.length = 0;
    const log = new FailureLog(createLogger({ service: "test", stream }), WIDGET, undefined);
    let state = INITIAL_LIST_WATCH;
    for (const event of events) {
      state = advanceListWatch(state, event, 0.5);
      const failure = event.type === "PageRead" ? undefined : event.failure;
      if (event.type !== "PageRead") log.record(failure, state.failures + state.expiries, state.step);
    }
    return lines.map(({ message, reason, failures }) => (reason === undefined ? message : `${reason} ${failures}`));
  }

  const listFailed = (kind: FailureKind): ListWatchEvent => ({ type: "ListFailed", failure: { kind, message: "m" } });
  const times = (count: number, event: ListWatchEvent): ListWatchEvent[] => Array.from({ length: count }, () => event);
  const read: ListWatchEvent = { type: "PageRead", resourceVersion: "1", continueToken: undefined };
  const expired: ListWatchEvent = {
    type: "WatchEnded",
    resourceVersion: "1",
    livedMs: 0,
    progressed: false,
    failure: { kind: "Expired", message: "m" },
  };

  it("has ten lines of a thousand failures, and one when that is over", () => {
    const written = logOf([...times(1_000, listFailed("NotFound")), read, HEALTHY, HEALTHY]);
    assert.deepEqual(written, [
      ...[1, 2, 4, 8, 16, 32, 64, 128, 256, 512].map((count) => `NotFound ${count}`),
      "lists and watches work again",
    ]);
  });

  it("has the first of each kind of failure at once, however many there were before", () => {
    const written = logOf([...times(5, listFailed("NotFound")), ...times(2, listFailed("Forbidden"))]);
    assert.deepEqual(written, ["NotFound 1", "NotFound 2", "NotFound 4", "Forbidden 6"]);
  });

  it("does not take a list that works for the end of watches that do not", () => {
    const written = logOf(Array.from({ length: 100 }, () => [read, expired]).flat());
    assert.deepEqual(
      written,
      [1, 2, 4, 8, 16, 32, 64].map((count) => `Expired ${count}`),
    );
  });

  it("has a line for each watch that is cut after it had worked", () => {
    const cut: ListWatchEvent = { ...HEALTHY, failure: { kind: "Unreachable", message: "m" } };
    assert.deepEqual(logOf([read, cut, cut, HEALTHY]), [
      "Unreachable 0",
      "lists and watches work again",
      "Unreachable 0",
      "lists and watches work again",
    ]);
  });

  it("has nothing when all is well", () => {
    assert.deepEqual(logOf([read, HEALTHY, HEALTHY]), []);
  });
});
