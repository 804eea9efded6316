// What the status of a Router says of a NATS that cannot be used: which reason, and the way out.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstreamManager } from "@nats-io/jetstream";
import { describe, it } from "mocha";
import { DEFAULT_STREAM_SETTINGS, streamSpecs } from "../../core/handover/streams.ts";
import { namesFor } from "../../core/handover/subjects.ts";
import { connectionTrouble } from "../../operator/kubernetes/connection-trouble.ts";
import { BeamlineError } from "../../runtime/errors.ts";
import { createLogger } from "../../runtime/log.ts";
import { connectNats } from "../../runtime/nats/connection.ts";
import { ensureBucket } from "../../runtime/nats/kv.ts";
import { NATS_START_TIMEOUT_MS, startTestNats } from "../support/nats.ts";
import { makeTempDir } from "../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });

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

  it("says of rights that lack whose they are", async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    await using temp = await makeTempDir();
    const configFile = join(temp.path, "nats.conf");
    await writeFile(configFile, 'authorization { users: [{ user: u, password: p, permissions: { publish: "x" } }] }\n');
    const nats = await startTestNats({ context: this, configFile });
    const url = nats.url.replace("//", "//u:p@");
    const link = await connectNats({ url, name: "trouble", timeoutMs: 5_000, log });
    const manager = await jetstreamManager(link.nc, { checkAPI: false });
    const spec = streamSpecs(namesFor(), DEFAULT_STREAM_SETTINGS).buckets[0];
    assert.ok(spec !== undefined);
    const refused = await ensureBucket(manager, spec).catch((error: unknown) => error);
    const { reason, message } = connectionTrouble(refused);
    await link.close();
    await nats.stop();
    assert.equal(reason, "NatsNotPermitted", message);
    assert.match(message, /beamline-config.*; give the user of its credentials the rights of operator and router/);
  });
});
