// The program in controlplane/client/README.md, run as it is printed but for its addresses.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "mocha";
import { RegistryService } from "../../../proto/gen/grpc/beamline/control/v1/registry.ts";
import { ListRequest } from "../../../proto/gen/messages/beamline/control/v1/registry.ts";
import { eventually } from "../../support/await.ts";
import { startTestControlPlane, TestClient, type TestControlPlane } from "../../support/control-plane.ts";
import { freePort } from "../../support/router-process.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");
const README = join(ROOT, "controlplane", "client", "README.md");
const DEADLINE_MS = 20_000;
/** What the README leaves to its reader. */
const OWN_WORK = "const resize = async (payload: Uint8Array, _signal: AbortSignal) => payload;\n";

describe("the program in the client library's README", function () {
  this.timeout(2 * DEADLINE_MS);
  let server: TestControlPlane;
  let client: TestClient;

  before(async () => {
    server = await startTestControlPlane();
    client = new TestClient(server.address);
  });
  after(async () => {
    client?.close();
    await server?.stop();
  });

  it("registers a processor, and takes it away when it is told to stop", async () => {
    const [, printed = ""] = /```ts\n([\s\S]*?)```/.exec(await readFile(README, "utf8")) ?? [];
    const own = `127.0.0.1:${await freePort()}`;
    const program = printed
      .replace(/addresses: \[.*\]/, `addresses: ["${server.address}"]`)
      .replace("0.0.0.0:9000", own)
      .replace("10.0.0.7:9000", own);
    const child = spawn(process.execPath, ["--input-type=module-typescript", "-"], { cwd: ROOT });
    const [output, exited] = [text(child.stderr), once(child, "exit")];
    child.stdin.end(OWN_WORK + program);
    const components = async () =>
      (await client.unary(RegistryService.list, ListRequest.fromPartial({}))).components.map(
        ({ id, endpoint, status, metadata }) => ({ id, endpoint, status, provider: metadata.provider }),
      );
    try {
      await eventually(async () => (await components())[0]?.status === "HEALTHY", {
        deadlineMs: DEADLINE_MS,
        describe: "the processor is registered and has sent a heartbeat",
      });
      assert.deepEqual(await components(), [
        { id: "resize-1", endpoint: own, status: "HEALTHY", provider: "media/resize" },
      ]);
    } finally {
      child.kill("SIGTERM");
      await exited;
    }
    assert.equal(child.exitCode, 0, await output);
    assert.deepEqual(await components(), []);
  });
});
