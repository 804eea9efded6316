// A log that nobody reads does not hold its process.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { describe, it } from "mocha";

const LOG = new URL("../../runtime/log.ts", import.meta.url).href;
/** More than a pipe holds and more than is kept. */
const LINES = 20_000;
const PROGRAM = `
import { createLogger } from ${JSON.stringify(LOG)};
const log = createLogger({ service: "test" });
for (let line = 0; line < ${LINES}; line++) log.info("${"x".repeat(200)}", { line });
process.exit(7);
`;

describe("a log whose reader takes nothing", () => {
  it("is waited for a while, and then its process goes on", async () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", PROGRAM], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    // Never read.
    child.stdout.pause();
    const [code] = await once(child, "exit");
    assert.equal(code, 7);
  });
});
