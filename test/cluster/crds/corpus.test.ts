// The corpus against a real API server with our CRDs: it takes and refuses what core does, for the same reason, at the same
// place, and fills in the same defaults.
import assert from "node:assert/strict";
import { after, before, describe, it } from "mocha";
import { objectDefinitions } from "../../../core/policy/object-definitions.ts";
import { CORPUS_NAMESPACE, type CorpusCase, readCorpus } from "../../crds/corpus.ts";
import { fillDefaults, judgeObject } from "../../crds/judge.ts";
import { listViolations } from "../../crds/violations.ts";
import { type ApiResponse, expectStatus } from "../api-request.ts";
import { API_SERVER_START_TIMEOUT_MS, type ApiServer } from "../api-server.ts";
import { startTestApiServer } from "../for-tests.ts";
import { createObject, installCrds, replaceObject } from "./crds.ts";
import { type Cause, expectedOf, readCauses } from "./verdict.ts";

async function submit(server: ApiServer, { kind, object, before: stored }: CorpusCase): Promise<ApiResponse> {
  if (stored === undefined) return createObject(server, kind, CORPUS_NAMESPACE, object);
  const created = await createObject(server, kind, CORPUS_NAMESPACE, stored);
  assert.equal(created.status, 201, JSON.stringify(created.body));
  return replaceObject(server, kind, CORPUS_NAMESPACE, created.body, object);
}

/** Rules in CEL, whose message is the schema's in both. */
const CEL_RULES = new Set(["invalid", "forbidden"]);

/** Fails unless the response refuses the object as core does; returns what else it objects to. */
function assertRefused(each: CorpusCase, response: ApiResponse): readonly Cause[] {
  const { refused, cluster } = each;
  assert.ok(refused !== undefined);
  const causes = readCauses(response);
  // Of two entries with one key an API server names the entry, core the key in it.
  const path = cluster.path ?? (refused.rule === "duplicate" ? refused.path.replace(/\.name$/, "") : refused.path);
  const { reason, message } = expectedOf(cluster.rule ?? refused.rule, path);
  const words = CEL_RULES.has(refused.rule) ? judgeObject(each)[0]?.message : "";
  assert.ok(words !== undefined, "core refuses it too");
  const matches = (cause: Cause): boolean =>
    cause.path === path && cause.reason === reason && message.test(cause.message) && cause.message.includes(words);
  assert.ok(causes.some(matches), `no cause ${reason} (${words}) at ${path} in ${JSON.stringify(causes)}`);
  return causes.filter((cause) => cause.path !== path && cause.path !== cluster.besides);
}

describe("the corpus of objects, judged by an API server", function () {
  this.timeout(API_SERVER_START_TIMEOUT_MS);
  let server: ApiServer;

  before(async function () {
    server = await startTestApiServer(this);
    await installCrds(server);
    const body = { apiVersion: "v1", kind: "Namespace", metadata: { name: CORPUS_NAMESPACE } };
    await expectStatus(server, 201, "POST", "/api/v1/namespaces", { body });
  });

  after(async () => {
    // Absent when it was skipped.
    await server?.stop();
  });

  for (const each of readCorpus()) {
    const taken = each.refused === undefined || each.cluster.accepted !== undefined;
    it(`${taken ? "takes" : "refuses"} ${each.file} ${each.name}`, async () => {
      const response = await submit(server, each);
      if (!taken) {
        assert.deepEqual(assertRefused(each, response), [], "objections to something else");
        return;
      }
      assert.deepEqual(readCauses(response), []);
      if (each.refused === undefined)
        assert.deepEqual((response.body as { readonly spec: unknown }).spec, fillDefaults(each));
    });
  }

  for (const kind of Object.keys(objectDefinitions)) {
    it(`refuses every violation of every field of ${kind}`, async () => {
      for (const each of listViolations().filter((violation) => violation.kind === kind)) {
        // Where a field is broken, rules between fields may be too; core does not look at them then.
        assertRefused(each, await createObject(server, each.kind, CORPUS_NAMESPACE, each.object));
      }
    });
  }
});
