// `beamline status`: what it shows of a document, where it finds one, and what it says when there is none.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "mocha";
import { writeEndpoints } from "../../cli/endpoints.ts";
import type { Condition } from "../../core/reconcile/conditions.ts";
import type { StatusDocument } from "../../operator/status-document.ts";
import { startHealthServer } from "../../runtime/health.ts";
import { createMetrics } from "../../runtime/metrics.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";
import { runCli } from "./run-cli.ts";

function condition(type: string, status: Condition["status"], reason: string, message: string): Condition {
  return { type, status, reason, message, observedGeneration: 2, lastTransitionTime: "2026-01-01T00:00:00Z" };
}

const PROBLEM = {
  file: "chat.yaml",
  line: 6,
  column: 30,
  path: "spec.providers[0].weight",
  rule: "minimum",
  message: "must be at least 0",
  value: "-1",
};

const DOCUMENT: StatusDocument = {
  revision: 17,
  epoch: "e1",
  router: {
    namespace: "beamline-system",
    name: "default",
    generation: 1,
    desiredRouters: 2,
    updatedRouters: 2,
    conditions: [],
  },
  routers: [
    {
      name: "router-0",
      uid: "u0",
      pid: 11,
      ready: true,
      appliedRevision: 17,
      rejectedCount: 0,
      healthUrl: "http://127.0.0.1:9100",
      starts: 1,
    },
    {
      name: "router-1",
      uid: "u1",
      pid: undefined,
      ready: false,
      appliedRevision: 9,
      rejectedCount: 1,
      healthUrl: "http://127.0.0.1:9101",
      starts: 3,
    },
  ],
  policies: [
    {
      namespace: "demo",
      name: "chat",
      uid: "0d1e",
      tenantId: "demo",
      policyId: "chat",
      generation: 2,
      observedGeneration: 2,
      file: "chat.yaml",
      conditions: [
        condition("Accepted", "True", "Accepted", "valid"),
        condition("ResolvedRefs", "True", "ImplicitProviders", "used with defaults: openal"),
        condition("Programmed", "False", "NotAccepted", "generation 1 stays in force"),
        condition("Ready", "False", "NotAccepted", "Programmed: generation 1 stays in force"),
        condition("PartiallySupported", "True", "FieldsWithoutEffect", "spec.rateLimit"),
      ],
      problems: [PROBLEM],
    },
  ],
  providers: [
    {
      namespace: "demo",
      name: "openai",
      uid: "0d1f",
      providerId: "openai",
      consumer: "provider_demo_openai",
      processors: { live: 11, late: 0, lost: 1, names: ["openai-1", "openai-2"] },
      generation: 1,
      observedGeneration: 1,
      conditions: [condition("Accepted", "True", "Accepted", "valid")],
      problems: [],
    },
  ],
  tenants: [],
  pipelines: [
    {
      namespace: "demo",
      name: "orders",
      uid: "p",
      generation: 1,
      observedGeneration: 1,
      conditions: [
        condition("Accepted", "True", "Accepted", "valid"),
        condition("Linked", "False", "ComponentLost", "lost"),
      ],
      problems: [],
      tenantId: "demo",
      input: "beamline.pipeline.v1.in.demo.orders",
      consumers: ["pipeline_demo_orders_warehouse"],
    },
  ],
  files: [{ file: "chat.yaml", problems: [PROBLEM] }],
  unfenced: true,
};

describe("cli status", () => {
  let folder: TempDir;
  let server: Awaited<ReturnType<typeof startHealthServer>>;
  let url: string;

  before(async () => {
    folder = await makeTempDir();
    server = await startHealthServer({
      host: "127.0.0.1",
      port: 0,
      metrics: createMetrics(),
      live: () => [],
      ready: () => [],
      extra: { "/status": () => ({ status: 200, contentType: "application/json", body: JSON.stringify(DOCUMENT) }) },
    });
    url = `http://127.0.0.1:${server.port}/status`;
  });
  after(async () => {
    await server?.stop();
    await folder?.remove();
  });

  it("shows routers, policies, conditions and problems by file, field, value and rule", async () => {
    const { stdout, exitCode } = await runCli(["status", "--url", url]);
    assert.equal(exitCode, 0);
    assert.match(stdout, /^Revision 17, epoch e1 \(unfenced/);
    assert.match(stdout, /^router-0 +11 +yes +17 +0 +1 +http:\/\/127\.0\.0\.1:9100$/m);
    assert.match(stdout, /^router-1 +- +no +9 \(behind\) +1 +3 +http:/m);
    assert.match(
      stdout,
      /^demo\/openai +openai +provider_demo_openai +11 live, 1 lost: openai-1, openai-2, 10 more +-$/m,
    );
    assert.match(
      stdout,
      /^demo\/chat +demo +chat +2 +True +True +False \(NotAccepted\) +False \(NotAccepted\) +chat\.yaml$/m,
    );
    assert.match(
      stdout,
      /^demo\/orders +demo +1 +True +- +False \(ComponentLost\) +- +beamline\.pipeline\.v1\.in\.demo\.orders +pipeline_demo_orders_warehouse +-$/m,
    );
    assert.match(stdout, /^Pipeline demo\/orders +Linked=False +ComponentLost/m);
    assert.match(
      stdout,
      /^RoutingPolicy demo\/chat +ResolvedRefs=True +ImplicitProviders +used with defaults: openal$/m,
    );
    assert.match(stdout, /^RoutingPolicy demo\/chat +PartiallySupported=True +FieldsWithoutEffect +spec\.rateLimit$/m);
    assert.match(stdout, /^chat\.yaml:6:30 +spec\.providers\[0\]\.weight +-1 +minimum +must be at least 0$/m);
    assert.equal(stdout.match(/must be at least 0/g)?.length, 1, "a problem is shown once");
  });

  it("gives the document as it is in JSON", async () => {
    const { stdout } = await runCli(["status", "--url", url, "--output", "json"]);
    assert.deepEqual(JSON.parse(stdout), JSON.parse(JSON.stringify(DOCUMENT)));
  });

  it("finds the page of the system that runs on the data folder", async () => {
    await writeEndpoints(folder.path, { natsUrl: "nats://127.0.0.1:1", httpUrl: url.replace("/status", "") });
    const { stdout, stderr } = await runCli(["status", "--data-dir", folder.path]);
    assert.match(stdout, /^Revision 17/);
    assert.equal(stderr, "");
  });

  it("shows what the last operator wrote when none answers, and says so", async () => {
    const endpoints = { natsUrl: "nats://127.0.0.1:1", httpUrl: "http://127.0.0.1:1" };
    await writeEndpoints(folder.path, endpoints);
    await writeFile(join(folder.path, "status.json"), JSON.stringify(DOCUMENT));
    const { stdout, stderr } = await runCli(["status", "--data-dir", folder.path]);
    assert.match(stdout, /^Revision 17/);
    assert.match(stderr, /no operator answers: this is what the last one wrote to .*status\.json/);
  });

  it("says where nobody answered, and how to start", async () => {
    const { stderr, exitCode } = await runCli(["status", "--url", "http://127.0.0.1:1/status"]);
    assert.equal(exitCode, 69);
    assert.match(
      stderr,
      /^UNAVAILABLE: no operator answers at http:\/\/127\.0\.0\.1:1\/status: .*\n {2}Start the system with npm start/,
    );
  });
});
