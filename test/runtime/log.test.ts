// Log lines: their fields, what is hidden, and the limit per message.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import type { Clock } from "../../runtime/clock.ts";
import { createLimitedLogger, createLogger, type LogLevel } from "../../runtime/log.ts";

function capture(level: LogLevel = "debug") {
  const lines: Record<string, unknown>[] = [];
  const stream = { write: (text: string) => void lines.push(JSON.parse(text)) };
  return { lines, log: createLogger({ service: "router", level, stream }) };
}

function settableClock(): Clock & { set(ms: number): void } {
  let nowMs = 0;
  return { nowMs: () => nowMs, monotonicMs: () => nowMs, set: (ms) => (nowMs = ms) };
}

describe("log", () => {
  it("writes a JSON line with time, level, component, message and fields", () => {
    const { lines, log } = capture();
    log.child({ tenant_id: "acme" }).warn("message rejected", { trace_id: "t1", error_code: "X" });
    const [line] = lines;
    assert.ok(line !== undefined);
    const { timestamp, ...rest } = line;
    assert.match(String(timestamp), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    const want = { level: "WARN", component: "router", tenant_id: "acme", trace_id: "t1", error_code: "X" };
    assert.deepEqual(rest, { ...want, message: "message rejected" });
  });

  it("leaves out what is below its level", () => {
    const { lines, log } = capture("warn");
    log.debug("a");
    log.info("b");
    log.error("c");
    assert.deepEqual(
      lines.map((line) => line.message),
      ["c"],
    );
  });

  it("hides secrets at the top and one level down", () => {
    const { lines, log } = capture();
    log.info("connecting", { token: "s3cret", nats: { pass: "s3cret", user: "ada" } });
    assert.doesNotMatch(JSON.stringify(lines), /s3cret/);
    assert.match(JSON.stringify(lines), /ada/);
  });

  it("writes N lines of a message in a window, then says how many it left out", () => {
    const { lines, log } = capture();
    const clock = settableClock();
    const limited = createLimitedLogger(log, { linesPerWindow: 2, windowMs: 1_000, clock });
    const child = limited.child({ tenant_id: "acme" });
    for (let index = 0; index < 5; index++) limited.warn("rejected", { index });
    for (let index = 5; index < 10; index++) child.warn("rejected", { index });
    limited.warn("other");
    limited.error("rejected");
    assert.deepEqual(
      lines.map((line) => [line.level, line.message]),
      [
        ["WARN", "rejected"],
        ["WARN", "rejected"],
        ["WARN", "other"],
        ["ERROR", "rejected"],
      ],
    );
    clock.set(1_000);
    limited.warn("rejected", { index: 10 });
    const [summary, next] = lines.slice(4);
    assert.deepEqual(
      [summary?.message, summary?.suppressed_message, summary?.suppressed],
      ["lines suppressed", "rejected", 8],
    );
    assert.equal(next?.index, 10);
    limited.warn("rejected");
    limited.warn("rejected");
    limited.flush();
    assert.equal(lines.at(-1)?.suppressed, 1);
  });
});
