// Example source: registers, and gives orders to a pipeline. An order that was acknowledged is processed once, whatever restarts.
import { parseArgs } from "node:util";
import { headers, JSONCodec } from "nats";
import { CONTROL_PLANE_OPTIONS, controlPlaneOf, NATS_OPTIONS, tellEvents } from "../control-plane.ts";
import { connectNats } from "../nats-connection.ts";

const { values: options } = parseArgs({
  options: {
    ...CONTROL_PLANE_OPTIONS,
    ...NATS_OPTIONS,
    id: { type: "string", default: "shop" },
    pipeline: { type: "string", default: "demo/orders" },
    tenant: { type: "string", default: "demo" },
    /** Orders to give; then the source ends. */
    count: { type: "string", default: "10" },
    /** Begins the numbers of orders: the same numbers again are the same orders. */
    batch: { type: "string", default: new Date().toISOString() },
  },
});
const MAX_LINES = 4;
const RETRY_MS = 500;

const json = JSONCodec();
const nc = await connectNats("source", options);
const controlPlane = controlPlaneOf(options);
const component = controlPlane.registerSource({
  id: options.id,
  endpoint: `nats://${nc.getServer()}`,
  metadata: { output_event_types: "order.created" },
  onEvent: tellEvents("source"),
});

const subject = `beamline.pipeline.v1.in.${options.pipeline.replace("/", ".")}`;
for (let at = 0; at < Number(options.count); at++) {
  await give(`${options.batch}-${at}`, at % (MAX_LINES + 1));
  component.setMetrics({ messages_done: at + 1 });
}
console.log(`gave ${options.count} orders`);
await component.drain(() => nc.drain());
controlPlane.close();

/** A decide message in proto3 JSON. The key makes an order that is given twice one order. */
async function give(order: string, lines: number): Promise<void> {
  const payload = {
    order,
    lines: Array.from({ length: lines }, (_, at) => ({ item: `item-${at}`, quantity: at + 1 })),
  };
  const message = {
    message_id: order,
    tenant_id: options.tenant,
    message_type: "order.created",
    payload: Buffer.from(JSON.stringify(payload)).toString("base64"),
  };
  const about = headers();
  about.set("Content-Type", "application/json");
  about.set("Nats-Msg-Id", order);
  for (;;) {
    try {
      await nc.jetstream().publish(subject, json.encode({ message, idempotency_key: order }), { headers: about });
      return;
    } catch (error) {
      console.error(`source: ${order} was not stored, tried again: ${String(error)}`);
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
