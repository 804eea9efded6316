// Objects made by chance from the schemas: core and a real API server take and refuse the same ones, and read the same values.
import assert from "node:assert/strict";
import fc from "fast-check";
import { after, before, describe, it } from "mocha";
import { objectDefinitions } from "../../../core/policy/object-definitions.ts";
import { parseObject } from "../../../core/policy/parse.ts";
import { API_VERSION } from "../../../core/policy/schema.ts";
import type { ObjectKind } from "../../../core/policy/spec.ts";
import { arbitrarySpec } from "../../crds/arbitrary.ts";
import { fillDefaults, parseDefaults } from "../../crds/judge.ts";
import { requestApi } from "../api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../api-server.ts";
import { startTestApiServer } from "../for-tests.ts";
import { collectionPath, installCrds } from "./crds.ts";

/** Objects of each kind; some 5 ms each. */
const RUNS = Number(process.env.BEAMLINE_AGREEMENT_RUNS ?? 250);
const NAMESPACE = "default";
/** At least this share of the objects must be taken, and of them refused, or chance proves little. */
const LEAST_SHARE = 0.05;

describe("objects made by chance", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;

  before(async function () {
    server = await startTestApiServer(this);
    await installCrds(server);
  });

  after(async () => {
    // Absent when it was skipped.
    await server?.stop();
  });

  for (const kind of Object.keys(objectDefinitions) as ObjectKind[]) {
    it(`are judged alike as ${kind}`, async () => {
      const path = `${collectionPath(kind, NAMESPACE)}?dryRun=All&fieldValidation=Strict`;
      let taken = 0;
      let total = 0;
      await fc.assert(
        fc.asyncProperty(arbitrarySpec(kind), async (spec) => {
          const object = { apiVersion: API_VERSION, kind, metadata: { name: "chance" }, spec };
          const parsed = parseObject(object, parseDefaults);
          const { status, body } = await requestApi(server, "POST", path, { body: object });
          total += 1;
          const problems = parsed.ok ? [] : parsed.error;
          assert.equal(status === 201, parsed.ok, JSON.stringify({ problems, body }, undefined, 1));
          if (!parsed.ok) return;
          taken += 1;
          assert.deepEqual((body as { readonly spec: unknown }).spec, fillDefaults({ kind, object }));
        }),
        { numRuns: RUNS },
      );
      assert.ok(Math.min(taken, total - taken) >= RUNS * LEAST_SHARE, `${taken} of ${total} were taken`);
    });
  }
});
