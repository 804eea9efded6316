// Log files of children: bounded whatever stands in the way, and never the end of the process that writes them.
import assert from "node:assert/strict";
import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "mocha";
import { type LogFile, MAX_LOG_FILE_BYTES, openLogFile } from "../../../operator/infrastructure/processes/log-file.ts";
import { createLogger } from "../../../runtime/log.ts";
import { eventually } from "../../support/await.ts";
import { makeTempDir, type TempDir } from "../../support/temp.ts";

const log = createLogger({ service: "test", level: "silent" });
const DEADLINE_MS = 10_000;
/** Below what may wait for a slow disk. */
const LINE = "x".repeat(512 * 1024);

describe("log file of a child", () => {
  let folder: TempDir;
  let path: string;

  beforeEach(async () => {
    folder = await makeTempDir();
    path = join(folder.path, "router-0.log");
  });
  afterEach(() => folder.remove());

  /** One line at a time, each on the disk before the next. */
  const fill = async (file: LogFile): Promise<void> => {
    for (let written = 0; written <= MAX_LOG_FILE_BYTES; written += LINE.length + 1) {
      file.write(LINE);
      const size = written + LINE.length + 1;
      if (size > MAX_LOG_FILE_BYTES) return;
      await eventually(async () => (await stat(path)).size === size, { deadlineMs: DEADLINE_MS, describe: "written" });
    }
  };

  it("is set aside when it is full", async () => {
    const file = openLogFile(path, log);
    await fill(file);
    file.write("next");
    await file.close();
    assert.deepEqual(await readdir(folder.path), ["router-0.log", "router-0.log.1"]);
    assert.equal(await readFile(path, "utf8"), "next\n");
  });

  it("is begun anew when it cannot be set aside", async () => {
    await mkdir(join(`${path}.1`, "in the way"), { recursive: true });
    const warnings: string[] = [];
    const file = openLogFile(path, { ...log, warn: (message) => warnings.push(message) });
    await fill(file);
    file.write("next");
    await file.close();
    assert.deepEqual(warnings, ["log file not set aside"]);
    assert.ok((await stat(path)).size < MAX_LOG_FILE_BYTES);
    assert.match((await readFile(path, "utf8")).slice(-"next\n".length), /^next\n$/);
  });
});
