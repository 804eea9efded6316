// How long an event waits while nothing is known against it.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Delivery } from "../../../router/delivery.ts";
import { awayDelayMs } from "../../../router/pipelines/run-pipeline.ts";
import { isPoisonSuspected } from "../../../router/window.ts";

const DEFAULT_RETENTION_MS = 900_000;

function delivered(deliveryCount: number): Delivery {
  const position = { stream: "s", streamCreated: "c", sequence: 1, deliveryCount, timestampMs: 0 };
  const headers = { get: () => undefined };
  return { subject: "x", headers, body: new Uint8Array(), replyTo: undefined, position, nowMs: 0, errorCount: 0 };
}

describe("an event that waits for its processor", () => {
  it("is tried again within ten seconds at first", () => {
    assert.deepEqual([1, 2, 3, 4, 5, 20].map(awayDelayMs), [1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  });

  it("does not come to count as one that was delivered suspiciously often before its window is over", () => {
    let waitedMs = 0;
    for (let count = 1; !isPoisonSuspected(delivered(count)); count++) waitedMs += awayDelayMs(count);
    assert.ok(waitedMs > 2 * DEFAULT_RETENTION_MS, `${waitedMs} ms`);
  });
});
