// Columns of the CLI's tables.
import assert from "node:assert/strict";
import { styleText } from "node:util";
import { describe, it } from "mocha";
import { formatTable } from "../../cli/table.ts";

describe("cli table", () => {
  it("aligns columns by their widest cell and leaves nothing after the last one", () => {
    const lines = formatTable({
      columns: ["name", "weight"],
      rows: [
        ["openai", "70"],
        ["a", ""],
      ],
    });
    assert.deepEqual(lines, ["NAME    WEIGHT", "openai  70", "a"]);
  });

  it("does not count colour codes as width", () => {
    const red = styleText("red", "no", { validateStream: false });
    const lines = formatTable({
      columns: ["ready", "name"],
      rows: [
        [red, "one"],
        ["yes", "two"],
      ],
    });
    assert.deepEqual(lines, ["READY  NAME", `${red}     one`, "yes    two"]);
  });

  it("keeps a row on one line whatever a cell holds", () => {
    const lines = formatTable({ columns: ["message"], rows: [["first\n  second\r\nthird"]] });
    assert.deepEqual(lines, ["MESSAGE", "first second third"]);
  });

  it("counts characters, not UTF-16 units", () => {
    const lines = formatTable({
      columns: ["a", "b"],
      rows: [
        ["😀", "x"],
        ["yy", "z"],
      ],
    });
    assert.deepEqual(lines, ["A   B", "😀   x", "yy  z"]);
  });
});
