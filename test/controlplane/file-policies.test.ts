// Policies in files of one machine, while no operator judges them: who waits for it holds nobody else up.
import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { FilePolicies } from "../../controlplane/admin/file-policies.ts";
import { PolicyFolder } from "../../controlplane/admin/policy-folder.ts";
import { StatusPage } from "../../controlplane/admin/status-page.ts";
import { timeWithin } from "../../controlplane/call-time.ts";
import type { AdminPolicy } from "../../core/admin/admin-policy.ts";
import { makeTempDir } from "../support/temp.ts";

/** Nobody listens there. */
const NO_OPERATOR = "http://127.0.0.1:9/status";
const CALL_MS = 1_500;

const policy = (policyId: string): AdminPolicy => ({
  policyId,
  providers: [{ id: "local-llm", weight: 1 }],
  sticky: false,
  rules: [],
});

describe("policies in files", () => {
  it("are changed by the next call while one still waits for the operator's word", async () => {
    await using folder = await makeTempDir();
    const policies = new FilePolicies({ folder: new PolicyFolder(folder.path), status: new StatusPage(NO_OPERATOR) });
    const ended: string[] = [];
    const put = policies.put("demo", policy("first"), timeWithin(CALL_MS)).then((answer) => {
      ended.push("put");
      return answer;
    });
    const removed = await policies.remove({ tenantId: "demo", policyId: "first" }, timeWithin(CALL_MS));
    ended.push("removed");
    assert.deepEqual(removed, { ok: true, value: undefined });
    const answer = await put;
    assert.match(answer.ok ? answer.value : answer.error.message, /the operator has not said yet/);
    assert.deepEqual(ended, ["removed", "put"]);
  });

  it("are not changed for a call that is over", async () => {
    await using folder = await makeTempDir();
    const policies = new FilePolicies({ folder: new PolicyFolder(folder.path), status: undefined });
    await assert.rejects(policies.put("demo", policy("late"), timeWithin(0)), { code: "DEADLINE_EXCEEDED" });
    const listed = await policies.list("demo");
    assert.deepEqual(listed, { ok: true, value: [] });
  });
});
