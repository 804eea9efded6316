// What a handler answers or throws becomes a status with details; a defect says nothing of itself and is counted.
import assert from "node:assert/strict";
import { type ServerErrorResponse, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import { describe, it } from "mocha";
import { AccessControl } from "../../controlplane/access/access-control.ts";
import { AuditLog } from "../../controlplane/access/audit.ts";
import { authorizeByRole } from "../../controlplane/access/authorize.ts";
import { ANYBODY } from "../../controlplane/access/caller.ts";
import { CAUSES, type Cause, failureOf, fieldsInvalid, toStatus } from "../../controlplane/call-failure.ts";
import { CallFrame, type UnaryHandler } from "../../controlplane/call-frame.ts";
import { createControlPlaneMetrics } from "../../controlplane/metrics.ts";
import { err, ok } from "../../core/result.ts";
import { ControlPlaneService } from "../../proto/gen/grpc/controlplane/controlplane.ts";
import { systemClock } from "../../runtime/clock.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/log.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { readFailure } from "../support/control-plane.ts";

const { path } = ControlPlaneService.registerProcessor;

async function answerOf(handler: UnaryHandler<string, string>) {
  const metrics = createMetrics();
  const lines: string[] = [];
  const log = createLogger({ service: "test", stream: { write: (line: string) => lines.push(line) } });
  const access = new AccessControl({
    authenticate: () => ok(ANYBODY),
    authorize: authorizeByRole,
    audit: new AuditLog(log),
  });
  const frame = new CallFrame({ access, metrics: createControlPlaneMetrics(metrics), clock: systemClock, log });
  const handle = frame.unary(path, handler);
  const answer = await new Promise<{ error: ServerErrorResponse | null; value: string | null | undefined }>(
    (resolve) => {
      const callback: sendUnaryData<string> = (error, value) => resolve({ error: error as ServerErrorResponse, value });
      handle({ request: "ask" } as ServerUnaryCall<string, string>, callback);
    },
  );
  return { ...answer, lines, page: await metrics.text() };
}

describe("the frame of a call", () => {
  it("passes an answer on, at once or promised", async () => {
    for (const handler of [(ask: string) => ok(`${ask}ed`), async (ask: string) => ok(`${ask}ed`)]) {
      const { error, value, page } = await answerOf(handler);
      assert.deepEqual([error, value], [null, "asked"]);
      assert.match(page, /calls_total\{method="\S+\/RegisterProcessor",code="OK"\} 1/);
    }
  });

  it("makes a status of a failure", async () => {
    const { error } = await answerOf(() => err({ cause: "COMPONENT_UNKNOWN", message: "who?", values: { id: "x" } }));
    assert.deepEqual([error?.code, error?.details], [status.NOT_FOUND, "who?"]);
  });

  it("tells nothing of a defect but that there is one, logs it and counts it", async () => {
    for (const handler of [
      () => {
        throw new TypeError("secret detail");
      },
      () => Promise.reject(new TypeError("secret detail")),
    ]) {
      const { error, lines, page } = await answerOf(handler);
      assert.equal(error?.code, status.INTERNAL);
      assert.doesNotMatch(JSON.stringify(error), /secret/);
      assert.match(lines.join(""), /secret detail/);
      assert.match(page, /^controlplane_call_defects_total 1$/m);
    }
  });

  it("gives errors of the process their status, with the way out", () => {
    const away = failureOf(new BeamlineError("NATS_UNREACHABLE", "NATS is away", { hint: "Start it." }));
    assert.deepEqual([away.cause, away.message], ["DEPENDENCY_UNAVAILABLE", "NATS is away (Start it.)"]);
    assert.equal(failureOf(new BeamlineError("CONFIG_INVALID", "no")).cause, "INTERNAL");
  });

  for (const cause of Object.keys(CAUSES) as Cause[]) {
    it(`carries the details of ${cause}`, () => {
      const row: { code: status; retryAfterMs?: number } = CAUSES[cause];
      const { code, details, metadata } = toStatus({ cause, message: "why", values: { a: "b" } });
      assert.deepEqual(
        readFailure(Object.assign(new Error(), { code, details, metadata: metadata ?? undefined } as never)),
        {
          code: status[row.code],
          message: "why",
          reason: cause,
          values: { a: "b" },
          ...(row.retryAfterMs === undefined ? {} : { retryAfterMs: row.retryAfterMs }),
        },
      );
    });
  }

  it("keeps the trailer of a request with many bad fields small enough for every client", () => {
    const problems = Array.from({ length: 1_000 }, (_, i) => ({ field: `f${i}`, rule: "r", message: "m".repeat(100) }));
    const { metadata, details } = toStatus(fieldsInvalid(problems));
    assert.match(details, /^f0: m+ \(and 999 more\)$/);
    assert.ok((metadata.get("grpc-status-details-bin")[0]?.length ?? 0) < 4_096);
  });
});
