// Example consumer: takes what a pipeline makes from its durable, which the operator made, and prints a line for each event.
import { parseArgs } from "node:util";
import { JSONCodec, type JsMsg } from "nats";
import { CONTROL_PLANE_OPTIONS, controlPlaneOf, NATS_OPTIONS, tellEvents } from "../control-plane.ts";
import { connectNats } from "../nats-connection.ts";

interface Event {
  readonly message_id: string;
  readonly message_type: string;
  readonly payload: string;
}

const OUTPUTS_STREAM = "BEAMLINE_PIPELINE_OUTPUTS";
const MAX_IN_WORK = 32;
/** Half of it is the time between heartbeats of a pull. */
const PULL_EXPIRES_MS = 10_000;
const RETRY_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    ...CONTROL_PLANE_OPTIONS,
    ...NATS_OPTIONS,
    id: { type: "string", default: "warehouse" },
    /** The durable: pipeline_<namespace>_<pipeline>_<consumer>. */
    durable: { type: "string", default: "pipeline_demo_orders_warehouse" },
  },
});

const json = JSONCodec<Event>();
const nc = await connectNats("consumer", options);
const controlPlane = controlPlaneOf(options);
const component = controlPlane.registerConsumer({
  id: options.id,
  endpoint: `nats://${nc.getServer()}`,
  metadata: { input_event_types: "order.line" },
  onEvent: tellEvents("consumer"),
});
let drained: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    drained ??= component.drain(() => nc.drain());
  });
}
let done = 0;
while (!nc.isClosed() && drained === undefined) {
  try {
    const durable = await nc.jetstream({ checkAPI: false }).consumers.get(OUTPUTS_STREAM, options.durable);
    const messages = await durable.consume({
      max_messages: MAX_IN_WORK,
      expires: PULL_EXPIRES_MS,
      abort_on_missing_resource: true,
    });
    for await (const message of messages) take(message);
  } catch (error) {
    if (drained === undefined) console.error(`consumer: ${options.durable}: ${String(error)}`);
  }
  if (drained === undefined) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
}
await drained;
controlPlane.close();

/** One that is not acknowledged comes again: whoever must not do anything twice looks at the id, which stays the same. */
function take(message: JsMsg): void {
  const { message_id: id, message_type: type, payload } = json.decode(message.data);
  const line = JSON.parse(Buffer.from(payload, "base64").toString("utf8")) as object;
  console.log(JSON.stringify({ id, type, ...line }));
  message.ack();
  done += 1;
  component.setMetrics({ messages_done: done });
}
