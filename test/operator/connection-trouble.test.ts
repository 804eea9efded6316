// What the status of a Router says of a NATS that cannot be used: which reason, and the way out.
import assert from "node:assert/strict";
import { errors } from "@nats-io/nats-core";
import { describe, it } from "mocha";
import { connectionTrouble } from "../../operator/kubernetes/connection-trouble.ts";
import { BeamlineError } from "../../runtime/errors.ts";

describe("trouble with a Router's NATS", () => {
  it("names the reason, and what to do about it", () => {
    const hint = "Check the URL.";
    const cases = [
      [new BeamlineError("NATS_UNREACHABLE", "no answer", { hint }), "NatsUnreachable", "no answer. Check the URL."],
      [new BeamlineError("PERMISSION_DENIED", "refused", { hint }), "NatsNotPermitted", "refused. Check the URL."],
      [new BeamlineError("UNAVAILABLE", "not read"), "Unavailable", "not read"],
      [new Error("bug"), "Unavailable", "bug"],
    ] as const;
    for (const [error, reason, message] of cases) {
      assert.deepEqual(connectionTrouble(error), { condition: "Accepted", status: "Unknown", reason, message });
    }
  });

  it("says of rights that lack whose they are", () => {
    const text = 'Permissions Violation for Publish to "$JS.API.STREAM.INFO.KV_beamline-config"';
    const violation = errors.PermissionViolationError.parse(text);
    const { reason, message } = connectionTrouble(violation);
    assert.equal(reason, "NatsNotPermitted");
    assert.match(message, /KV_beamline-config.*; give the user of its credentials the rights of operator and router/);
  });
});
