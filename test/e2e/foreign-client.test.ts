// A client that shares no code with the router: Python, messages compiled from proto/, both encodings, every error code.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface, type Interface } from "node:readline";
import { jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { createLogger } from "../../runtime/log.ts";
import { connectNats, type NatsLink } from "../../runtime/nats/connection.ts";
import { eventually } from "../support/await.ts";
import { startTestNats, type TestNats } from "../support/nats.ts";
import { startTestOperator, type TestOperator } from "../support/operator.ts";
import { foreignPython } from "../support/python.ts";
import { freePort, type RouterProcess, startRouterProcess } from "../support/router-process.ts";
import { makeTempDir, type TempDir } from "../support/temp.ts";

interface Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly decision?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly error: { readonly code: string; readonly intake_error_code?: string; readonly message: string };
  };
  readonly failure?: string;
}

interface Case {
  readonly encoding: "protobuf" | "json" | "raw";
  readonly request: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const policy = (openai: number, anthropic: number): string => `
apiVersion: beamline.dev/v1alpha1
kind: RoutingPolicy
metadata: {name: chat, namespace: demo}
spec:
  tenantId: demo
  providers:
    - {name: openai, weight: ${openai}}
    - {name: anthropic, weight: ${anthropic}}
`;

const message = {
  message_id: "m-1",
  tenant_id: "demo",
  message_type: "chat",
  payload: Buffer.from("hello").toString("base64"),
};
const request = { message, policy_id: "chat" };
const older = {
  version: "1",
  request_id: "r-1",
  tenant_id: "demo",
  task: { type: "chat", payload: { text: "hello there" } },
  policy_id: "chat",
};

describe("a foreign client (nats-py, protobuf)", function () {
  this.timeout(420_000);
  let nats: TestNats;
  let operator: TestOperator;
  let router: RouterProcess;
  let temp: TempDir;
  let link: NatsLink;
  let python: ChildProcess;
  let lines: Interface;
  const answers: ((answer: Answer) => void)[] = [];

  const ask = (one: Case): Promise<Answer> =>
    new Promise((resolve) => {
      answers.push(resolve);
      python.stdin?.write(`${JSON.stringify(one)}\n`);
    });
  const assertRefused = (answer: Answer, code: string, intakeCode: string, status: string): void => {
    assert.equal(answer.error?.error.code, code, JSON.stringify(answer));
    assert.equal(answer.error?.error.intake_error_code, intakeCode);
    assert.equal(answer.headers["Nats-Service-Error-Code"], status);
  };
  const applyPolicy = async (openai: number, anthropic: number): Promise<void> => {
    const before = operator.revision();
    await writeFile(join(temp.path, "policies.yaml"), policy(openai, anthropic));
    await eventually(() => operator.revision() > before && operator.programmed(), {
      deadlineMs: 10_000,
      describe: "the policy is in force",
    });
  };

  before(async function () {
    temp = await makeTempDir("beamline-foreign-");
    const outside = await makeTempDir("beamline-foreign-messages-");
    const { program, messages } = await foreignPython(this, outside.path);
    nats = await startTestNats({ context: this });
    await writeFile(join(temp.path, "policies.yaml"), policy(1, 0));
    operator = await startTestOperator({ natsUrl: nats.url, policies: temp.path });
    router = await startRouterProcess({
      name: "router-0",
      natsUrl: nats.url,
      healthPort: await freePort(),
      logFile: join(outside.path, "router.log"),
    });
    link = await connectNats({
      url: nats.url,
      name: "test",
      timeoutMs: 5_000,
      log: createLogger({ service: "test", level: "silent" }),
    });
    const script = join(import.meta.dirname, "foreign", "client.py");
    python = spawn(program, [script, messages, nats.url], { stdio: ["pipe", "pipe", "inherit"] });
    lines = createInterface({ input: python.stdout as NodeJS.ReadableStream });
    lines.on("line", (line) => answers.shift()?.(JSON.parse(line) as Answer));
  });

  after(async () => {
    python?.stdin?.end();
    router?.signal("SIGKILL");
    await link?.close();
    await operator?.stop();
    await nats?.stop();
    await temp?.remove();
  });

  it("gets the same decision in protobuf and in proto3 JSON", async () => {
    for (const encoding of ["protobuf", "json"] as const) {
      const answer = await ask({ encoding, request });
      assert.equal(answer.decision?.providerId, "openai", JSON.stringify(answer));
      assert.equal(answer.decision?.reason, "weighted");
    }
  });

  it("gets the older DecideResponse for the older DecideRequest", async () => {
    const answer = await ask({ encoding: "json", request: older });
    const body = answer.decision as { ok: boolean; decision: { provider_id: string }; context: { request_id: string } };
    assert.equal(body.ok, true);
    assert.equal(body.decision.provider_id, "openai");
    assert.equal(body.context.request_id, "r-1");
  });

  it("SCHEMA_VALIDATION_FAILED", async () => {
    assertRefused(
      await ask({ encoding: "raw", request: "0a7f01" }),
      "invalid_request",
      "SCHEMA_VALIDATION_FAILED",
      "400",
    );
    const wrongType = { ...request, policy_id: 5 };
    assertRefused(
      await ask({ encoding: "json", request: wrongType }),
      "invalid_request",
      "SCHEMA_VALIDATION_FAILED",
      "400",
    );
  });

  it("VERSION_UNSUPPORTED", async () => {
    const answer = await ask({ encoding: "protobuf", request, headers: { version: "2" } });
    assertRefused(answer, "invalid_request", "VERSION_UNSUPPORTED", "400");
  });

  it("CORRELATION_FIELDS_INVALID", async () => {
    const answer = await ask({
      encoding: "protobuf",
      request: { ...request, message: { ...message, trace_id: "tr-123" } },
    });
    assertRefused(answer, "invalid_request", "CORRELATION_FIELDS_INVALID", "400");
  });

  it("TENANT_FORBIDDEN", async () => {
    const answer = await ask({
      encoding: "json",
      request: { ...request, message: { ...message, tenant_id: "nobody" } },
    });
    assertRefused(answer, "unauthorized", "TENANT_FORBIDDEN", "401");
  });

  it("PAYLOAD_TOO_SMALL", async () => {
    const answer = await ask({ encoding: "json", request: { ...older, task: { type: "chat", payload: {} } } });
    assertRefused(answer, "invalid_request", "PAYLOAD_TOO_SMALL", "400");
  });

  it("gives one key one decision over a change of the policy, and IDEMPOTENCY_VIOLATION to another body", async () => {
    const keyed = { ...request, idempotency_key: "order-1" };
    const first = await ask({ encoding: "protobuf", request: keyed });
    assert.equal(first.decision?.providerId, "openai", JSON.stringify(first));
    await applyPolicy(0, 1);
    const unkeyed = await ask({ encoding: "protobuf", request });
    assert.equal(unkeyed.decision?.providerId, "anthropic", JSON.stringify(unkeyed));
    const again = await ask({ encoding: "json", request: keyed });
    assert.deepEqual(again.decision, first.decision);
    const other = { ...keyed, message: { ...message, payload: Buffer.from("other").toString("base64") } };
    assertRefused(
      await ask({ encoding: "protobuf", request: other }),
      "invalid_request",
      "IDEMPOTENCY_VIOLATION",
      "400",
    );
  });

  it("INTERNAL_VALIDATION_ERROR while the assignments stream is gone", async () => {
    const manager = await jetstreamManager(link.nc);
    await manager.streams.delete("BEAMLINE_ASSIGNMENTS");
    const answer = await ask({ encoding: "protobuf", request: { ...request, idempotency_key: "order-2" } });
    assertRefused(answer, "unavailable", "INTERNAL_VALIDATION_ERROR", "503");
  });
});
