// `npm run check:proto`: runs the gate on this checkout, says what fails and what to do, exits 1 on a failure.

import { protoDir } from "./buf.ts";
import { gateSteps } from "./gate.ts";

for (const step of gateSteps) {
  const problems = await step.run(protoDir);
  if (problems.length === 0) {
    console.log(`proto: ${step.name} ok`);
    continue;
  }
  console.error([`proto: ${step.name} FAILED`, ...problems.map((line) => `  ${line}`), `  ${step.remedy}`].join("\n"));
  process.exitCode = 1;
  break;
}
