// A pipeline of the example's source, processor and consumer on real servers: everything arrives once, whatever is killed.
import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import type { PipelineStatus } from "../../operator/status-document.ts";
import { OperatorHarness } from "../operator/harness.ts";
import { eventually } from "../support/await.ts";
import { type ControlPlaneProcess, startControlPlaneProcess } from "../support/control-plane-process.ts";
import { NATS_START_TIMEOUT_MS, startTestNats, type TestNats } from "../support/nats.ts";
import { ComponentProcess } from "./component-process.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const DEADLINE_MS = 90_000;
/** Lines of the orders that the source gives: 0, 1, 2, 3, 4, 0, 1 … */
const LINES_OF_FIVE = 10;
const INPUT = "beamline.pipeline.v1.in.demo.orders";
const UNLIKE = "order.cancelled";

describe("a pipeline of example components", function () {
  this.timeout(240_000);
  let nats: TestNats;
  let harness: OperatorHarness;
  let controlPlane: ControlPlaneProcess;
  let processor: ComponentProcess;
  let consumer: ComponentProcess;
  const sources: ComponentProcess[] = [];

  const common = (): readonly string[] => ["--control-plane", controlPlane.address];
  const onNats = (): readonly string[] => [...common(), "--nats-url", nats.url];
  const startProcessor = () => new ComponentProcess("examples/pipeline/processor.ts", common());
  const give = (batch: string, count: number): ComponentProcess => {
    const options = [...onNats(), "--batch", batch, "--count", String(count)];
    const source = new ComponentProcess("examples/pipeline/source.ts", options);
    sources.push(source);
    return source;
  };
  const pipeline = (): PipelineStatus | undefined => harness.document().pipelines[0];
  const condition = (type: string) => pipeline()?.conditions.find((one) => one.type === type);
  const whenCondition = (type: string, status: string, reason: string): Promise<unknown> =>
    eventually(() => condition(type)?.status === status && condition(type)?.reason === reason, {
      deadlineMs: DEADLINE_MS,
      describe: () =>
        `${type} is ${status} (${reason}): ${JSON.stringify(pipeline(), undefined, 1)}\n${processor?.log}\n${consumer?.log}`,
    });
  const arrived = (batch: string): readonly { readonly id: string; readonly line: string }[] =>
    consumer.lines.flatMap((text) => {
      const { id, order, item } = JSON.parse(text) as { id: string; order: string; item: string };
      return order.startsWith(`${batch}-`) ? [{ id, line: `${order}/${item}` }] : [];
    });
  const whenArrived = (batch: string, count: number): Promise<unknown> =>
    eventually(() => new Set(arrived(batch).map(({ line }) => line)).size === count, {
      deadlineMs: DEADLINE_MS,
      describe: () =>
        `${count} events of ${batch} arrive, ${arrived(batch).length} did\n${processor.log}\n${consumer.log}`,
    });

  before(async function () {
    this.timeout(NATS_START_TIMEOUT_MS);
    nats = await startTestNats({ context: this });
    harness = await OperatorHarness.make(nats.url, { BEAMLINE_ACK_WAIT: "2s" });
    await copyFile(join(ROOT, "examples/pipeline/orders.yaml"), join(harness.folder.path, "orders.yaml"));
    await harness.start();
    controlPlane = await startControlPlaneProcess({ BEAMLINE_NATS_URL: nats.url, BEAMLINE_REGISTRY_TTL: "4s" });
    await harness.whenRoutersReady(2);
  });

  after(async () => {
    for (const one of [processor, consumer, ...sources]) await one?.end();
    await controlPlane?.end("SIGKILL");
    await harness?.remove();
    await nats?.stop();
  });

  it("says which components are missing", async () => {
    await whenCondition("Linked", "False", "ComponentNotRegistered");
    const { message = "" } = condition("Linked") ?? {};
    assert.match(message, /source shop is not registered.*processor order-lines.*consumer warehouse/);
    assert.equal(condition("Programmed")?.status, "True");
  });

  it("leads every event of the source through the processor to the consumer, once", async () => {
    processor = startProcessor();
    consumer = new ComponentProcess("examples/pipeline/consumer.ts", onNats());
    const source = give("first", 50);
    assert.equal(await source.whenEnded(), 0, source.log);
    await whenArrived("first", 10 * LINES_OF_FIVE);
    assert.equal(arrived("first").length, 10 * LINES_OF_FIVE, "nothing arrives twice");
    assert.equal(new Set(arrived("first").map(({ id }) => id)).size, 10 * LINES_OF_FIVE, "each has an id of its own");
  });

  it("gives an order once that the source gives again", async () => {
    const again = give("first", 50);
    assert.equal(await again.whenEnded(), 0, again.log);
    await whenSettled();
    assert.equal(arrived("first").length, 10 * LINES_OF_FIVE);
  });

  it("loses and doubles nothing while a processor and a router are killed", async () => {
    const source = give("second", 1_000);
    await eventually(() => arrived("second").length > 20, { deadlineMs: DEADLINE_MS, describe: "events arrive" });
    await processor.end("SIGKILL");
    const [router] = harness.document().routers;
    assert.ok(router?.pid !== undefined);
    process.kill(router.pid, "SIGKILL");
    processor = startProcessor();
    await whenArrived("second", 200 * LINES_OF_FIVE);
    assert.equal(await source.whenEnded(), 0, source.log);
    await whenSettled();
    assert.equal(arrived("second").length, 200 * LINES_OF_FIVE, "nothing arrives twice");
  });

  it("puts an event of another type into the dead letters, with its reason", async () => {
    const { nc } = harness.link ?? assert.fail("the operator runs");
    const message = { tenant_id: "demo", message_type: UNLIKE, payload: Buffer.from("{}").toString("base64") };
    await jetstream(nc, { checkAPI: false }).publish(INPUT, JSON.stringify({ message }));
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const letter = await eventually(
      () => jsm.streams.getMessage("BEAMLINE_DLQ", { last_by_subj: "beamline.router.v1.intake.dlq" }),
      { deadlineMs: DEADLINE_MS, describe: "there is a dead letter", everyMs: 100 },
    );
    const { validation_error: error, original_subject: subject } = letter.json<{
      validation_error: { code: string; message: string };
      original_subject: string;
    }>();
    assert.equal(error.code, "event_type_not_expected");
    assert.match(error.message, new RegExp(UNLIKE));
    assert.equal(subject, INPUT);
  });

  it("says when a component is gone for good", async () => {
    await processor.end("SIGKILL");
    await eventually(() => /processor order-lines is lost/.test(condition("Linked")?.message ?? ""), {
      deadlineMs: DEADLINE_MS,
      describe: () => `the processor is lost: ${JSON.stringify(condition("Linked"))}`,
    });
    assert.equal(condition("Ready")?.status, "False");
  });

  /** No input waits, and nothing that was made is still to be taken. */
  async function whenSettled(): Promise<void> {
    const { nc } = harness.link ?? assert.fail("the operator runs");
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    const [durable = ""] = pipeline()?.consumers ?? [];
    await eventually(
      async () => {
        const inputs = await jsm.streams.info("BEAMLINE_PIPELINES");
        const { num_pending, num_ack_pending } = await jsm.consumers.info("BEAMLINE_PIPELINE_OUTPUTS", durable);
        return inputs.state.messages === 0 && num_pending === 0 && num_ack_pending === 0;
      },
      { deadlineMs: DEADLINE_MS, describe: "everything is settled", everyMs: 100 },
    );
  }
});
