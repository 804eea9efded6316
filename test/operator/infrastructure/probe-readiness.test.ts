// Readiness: the answer counts only when it comes from the router that was asked for.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, it } from "mocha";
import { probeReadiness } from "../../../operator/infrastructure/processes/probe-readiness.ts";

const HOST = "127.0.0.1";
const podUid = "0b0e6c1e-uid";

function page(uid: string): string {
  return JSON.stringify({ status: "ok", failing: [], checks: [{ name: "pod", ok: true, detail: uid }] });
}

describe("readiness of a router", () => {
  let server: Server | undefined;

  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)));
    server = undefined;
  });

  const answering = async (status: number, body: string): Promise<number> => {
    const made = createServer((_, response) => response.writeHead(status).end(body));
    server = made;
    await new Promise<void>((resolve) => made.listen(0, HOST, resolve));
    return (made.address() as AddressInfo).port;
  };

  const cases: readonly (readonly [string, number, string, string])[] = [
    ["ready when it says so itself", 200, page(podUid), "ready"],
    ["not ready when it says so itself", 503, page(podUid), "not_ready"],
    ["another's when another router answers", 200, page("another"), "other"],
    ["another's when the page is none of a router", 200, "ok", "other"],
    ["another's when the page is other JSON", 200, "null", "other"],
    ["another's when the checks are of another form", 200, '{"checks":[null,{"name":"pod"}]}', "other"],
    ["not ready when the page has no end", 200, "x".repeat(1_000_000), "not_ready"],
  ];
  for (const [name, status, body, expected] of cases) {
    it(`is ${name}`, async () => {
      assert.equal(await probeReadiness({ host: HOST, port: await answering(status, body), podUid }), expected);
    });
  }

  it("is not ready when nobody listens", async () => {
    const port = await answering(200, "");
    await new Promise((resolve) => server?.close(resolve));
    server = undefined;
    assert.equal(await probeReadiness({ host: HOST, port, podUid }), "not_ready");
  });
});
