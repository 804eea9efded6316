// A pipeline under `--secure`: a producer gives events, a worker takes what comes out, each with its own account's rights.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { after, before, describe, it } from "mocha";
import { namesFor } from "../../core/handover/subjects.ts";
import { eventually } from "../support/await.ts";
import { NATS_START_TIMEOUT_MS } from "../support/nats.ts";
import { type SecureUp, startSecureUp } from "./secure-up.ts";

const DEADLINE_MS = 60_000;
const EVENTS = 20;
const { streams } = namesFor();
const DURABLE = "pipeline_demo_direct_audit";
const INPUT = "beamline.pipeline.v1.in.demo.direct";
const PIPELINE = `apiVersion: beamline.dev/v1alpha1
kind: Pipeline
metadata: {name: direct, namespace: demo}
spec:
  source: {id: shop, eventTypes: [order.created]}
  consumers: [{name: audit}]
`;

describe("a pipeline under beamline up --secure", function () {
  this.timeout(NATS_START_TIMEOUT_MS);
  let system: SecureUp;

  before(async function () {
    system = await startSecureUp(this);
    await writeFile(join(system.up.folder.path, "policies", "direct.yaml"), PIPELINE);
  });
  after(() => system?.dispose());

  it("takes events of a producer and gives what it makes to a worker, with nothing refused", async () => {
    const inspector = await system.inspect();
    const manager = await jetstreamManager(inspector);
    await eventually(() => manager.consumers.info(streams.pipelineOutputs, DURABLE), {
      deadlineMs: DEADLINE_MS,
      describe: "the operator makes the durable",
      everyMs: 100,
    });
    const producer = await system.connectAs("producer");
    for (let at = 0; at < EVENTS; at++) {
      const message = { message_id: `m-${at}`, tenant_id: "demo", message_type: "order.created", payload: "e30=" };
      const stored = await jetstream(producer.nc).publish(INPUT, JSON.stringify({ message }));
      assert.equal(stored.stream, streams.pipelines);
    }
    const worker = await system.connectAs("worker");
    const received: string[] = [];
    const consumer = await jetstream(worker.nc).consumers.get(streams.pipelineOutputs, DURABLE);
    const pull = await consumer.consume({
      callback: (message) => {
        received.push(message.json<{ message_id: string }>().message_id);
        message.ack();
      },
    });
    await eventually(
      async () => {
        const { num_pending, num_ack_pending } = await manager.consumers.info(streams.pipelineOutputs, DURABLE);
        return received.length >= EVENTS && num_pending === 0 && num_ack_pending === 0;
      },
      { deadlineMs: DEADLINE_MS, describe: () => `${received.length} of ${EVENTS} events arrive and are settled` },
    );
    pull.stop();
    assert.equal(new Set(received).size, EVENTS);
    assert.equal((await manager.streams.info(streams.pipelines)).state.messages, 0, "every input is settled");
    assert.deepEqual([...producer.refusals, ...worker.refusals], []);
    assert.deepEqual(await system.refusedInside(), []);
  });

  it("keeps a producer from what pipelines store, and a worker from giving events", async () => {
    const producer = await system.connectAs("producer");
    const worker = await system.connectAs("worker");
    producer.nc.publish("beamline.pipeline.v1.out.e.1.demo.direct.audit", "forged");
    producer.nc.publish("beamline.pipeline.v1.done.e", "forged");
    worker.nc.publish(INPUT, "forged");
    await eventually(() => producer.refusals.size === 2 && worker.refusals.size === 1, {
      deadlineMs: DEADLINE_MS,
      describe: () => `all three are refused: ${[...producer.refusals, ...worker.refusals].join("; ")}`,
    });
  });
});
