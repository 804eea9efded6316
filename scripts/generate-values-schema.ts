// Fills router.spec of values.schema.json from the schema of Router. With --check nothing is written, and a difference fails.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fillValuesSchema } from "./values-schema.ts";

const path = join(import.meta.dirname, "..", "values.schema.json");
const before = readFileSync(path, "utf8");
const after = fillValuesSchema(before);

if (!process.argv.includes("--check")) {
  writeFileSync(path, after);
  console.log(`values.schema.json: ${before === after ? "unchanged" : "written"}`);
} else if (before !== after) {
  console.error("values.schema.json differs from the schema of Router; run npm run generate");
  process.exitCode = 1;
} else console.log("values.schema.json is up to date");
