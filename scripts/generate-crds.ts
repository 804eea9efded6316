// Writes crds/*.yaml from the schemas in core/. With --check nothing is written, and a difference fails.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findCrdDrift, renderCrdFiles } from "./crd-files.ts";

const root = join(import.meta.dirname, "..");
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { readonly version: string };
const wanted = renderCrdFiles(version);
const { outdated, unknown } = findCrdDrift(root, wanted);

if (process.argv.includes("--check")) {
  for (const path of outdated) console.error(`${path} differs from the schemas in core/; run npm run generate`);
  for (const path of unknown) console.error(`${path} belongs to no kind; run npm run generate, which removes it`);
  if (outdated.length + unknown.length > 0) process.exitCode = 1;
  else console.log(`${wanted.size} CRDs are up to date`);
} else {
  mkdirSync(join(root, "crds"), { recursive: true });
  for (const path of outdated) writeFileSync(join(root, path), wanted.get(path) ?? "");
  for (const path of unknown) rmSync(join(root, path));
  console.log(`${wanted.size} CRDs: ${outdated.length} written, ${unknown.length} removed`);
}
