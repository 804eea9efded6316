// `npm run check:abi`: the version gate and the breaking-change gate alone, for a pre-commit hook and a workflow.

import { protoDir } from "./buf.ts";
import { checkBreaking, checkVersionGate } from "./gate.ts";

const problems = [...(await checkVersionGate(protoDir)), ...(await checkBreaking(protoDir))];
if (problems.length > 0) {
  console.error(["proto: ABI check FAILED", ...problems.map((line) => `  ${line}`)].join("\n"));
  process.exitCode = 1;
} else {
  console.log("proto: ABI check ok");
}
