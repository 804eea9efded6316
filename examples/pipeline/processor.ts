// Example processor: takes an order and answers one event for each of its lines, none for an order without lines.
import { hostname } from "node:os";
import { parseArgs } from "node:util";
import { MessageRefused, type ProcessorMessage, serveProcessor } from "../../controlplane/client/serve-processor.ts";
import { CONTROL_PLANE_OPTIONS, controlPlaneOf, tellEvents } from "../control-plane.ts";

interface Order {
  readonly order: string;
  readonly lines: readonly { readonly item: string; readonly quantity: number }[];
}

const { values: options } = parseArgs({
  options: {
    ...CONTROL_PLANE_OPTIONS,
    id: { type: "string", default: "order-lines" },
    listen: { type: "string", default: "127.0.0.1:0" },
    /** Name or address under which routers reach it. */
    host: { type: "string", default: process.env.KUBERNETES_SERVICE_HOST === undefined ? "127.0.0.1" : hostname() },
  },
});
const MAX_CONCURRENT = 16;
let done = 0;

const server = await serveProcessor({
  address: options.listen,
  capabilities: {
    processorId: options.id,
    inputEventTypes: ["order.created"],
    outputEventTypes: ["order.line"],
    maxConcurrent: MAX_CONCURRENT,
  },
  process: async (message) => splitOrder(message),
  onError: (error) => console.error(`processor: ${String(error)}`),
});
const controlPlane = controlPlaneOf(options);
const component = controlPlane.registerProcessor({
  id: options.id,
  endpoint: `${options.host}:${server.port}`,
  metadata: {
    input_event_types: "order.created",
    output_event_types: "order.line",
    max_concurrent: String(MAX_CONCURRENT),
  },
  onEvent: tellEvents("processor"),
});
console.log(`processor ${options.id} listens on port ${server.port}`);
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, async () => {
    await component.drain(() => server.stop());
    controlPlane.close();
  });
}

function splitOrder({ payload }: ProcessorMessage): readonly ProcessorMessage[] {
  const { order, lines } = readOrder(payload);
  done += 1;
  component.setMetrics({ messages_done: done });
  return lines.map((line) => ({
    payload: Buffer.from(JSON.stringify({ order, ...line })),
    metadata: { event_type: "order.line" },
  }));
}

function readOrder(payload: Uint8Array): Order {
  try {
    return JSON.parse(Buffer.from(payload).toString("utf8")) as Order;
  } catch (error) {
    // The same bytes would be refused again: said so, the message becomes a dead letter at once.
    throw new MessageRefused("INVALID_ARGUMENT", `the order is not JSON: ${String(error)}`);
  }
}
