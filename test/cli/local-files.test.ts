// What `up` leaves on disk and needs of the machine: endpoints file, free ports.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { readEndpoints, removeEndpoints, writeEndpoints } from "../../cli/endpoints.ts";
import { requireFreePorts } from "../../cli/ports.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

const ENDPOINTS = { natsUrl: "nats://127.0.0.1:14222", httpUrl: "http://127.0.0.1:18080" };

describe("cli local files", () => {
  let folder: TempDir;

  beforeEach(async () => {
    folder = await makeTempDir();
  });
  afterEach(() => folder.remove());

  it("tells other commands where the running system is, until it is gone", async () => {
    assert.equal(await readEndpoints(folder.path), undefined);
    await writeEndpoints(folder.path, ENDPOINTS);
    assert.deepEqual(await readEndpoints(folder.path), { ...ENDPOINTS, pid: process.pid });
    await removeEndpoints(folder.path);
    assert.equal(await readEndpoints(folder.path), undefined);
  });

  it("does not believe the file of a process that is gone", async () => {
    const unusedPid = 2 ** 22 + 1;
    await writeFile(join(folder.path, "endpoints.json"), JSON.stringify({ ...ENDPOINTS, pid: unusedPid }));
    assert.equal(await readEndpoints(folder.path), undefined);
  });

  it("names the port that is taken, what needs it, and the flag that chooses another", async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
    const { port } = taken.address() as AddressInfo;
    try {
      await assert.rejects(requireFreePorts("127.0.0.1", [{ what: "NATS", port, flag: "--nats-port" }]), {
        code: "PORT_IN_USE",
        message: `NATS needs 127.0.0.1:${port}, which another process uses`,
        hint: "Stop that process, or choose another port with --nats-port.",
      });
    } finally {
      await new Promise((resolve) => taken.close(resolve));
    }
    await requireFreePorts("127.0.0.1", [{ what: "NATS", port, flag: "--nats-port" }]);
  });
});
