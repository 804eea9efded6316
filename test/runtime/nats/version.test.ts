// Reading and comparing nats-server versions.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { compareVersions, formatVersion, isSupportedVersion, parseVersion } from "../../../runtime/nats/version.ts";

describe("nats version", () => {
  it("reads what servers call themselves", () => {
    for (const [text, want] of [
      ["2.15.2", "2.15.2"],
      ["v2.12.0", "2.12.0"],
      [" 2.12.0-RC.1\n", "2.12.0"],
      ["2.14.0+build7", "2.14.0"],
    ] as const) {
      const version = parseVersion(text);
      assert.ok(version.ok, text);
      assert.equal(formatVersion(version.value), want);
    }
    for (const text of ["", "2", "2.12", "2.12.x", "dev", "2.12.0.1", "unknown"])
      assert.equal(parseVersion(text).ok, false);
  });

  it("compares by number, not by text", () => {
    const sorted = ["2.9.10", "2.12.0", "2.12.10", "2.100.0", "10.0.0"].map((text) => {
      const version = parseVersion(text);
      assert.ok(version.ok);
      return version.value;
    });
    assert.deepEqual([...sorted].reverse().sort(compareVersions), sorted);
  });

  it("supports 2.12 and newer, and nothing that has no version", () => {
    for (const text of ["2.12.0", "2.12.0-RC.1", "2.15.2", "3.0.0"]) assert.ok(isSupportedVersion(text), text);
    for (const text of ["2.11.99", "2.9.10", "1.4.1", "unknown", ""]) assert.ok(!isSupportedVersion(text), text);
  });
});
