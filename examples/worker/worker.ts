// Example worker: takes the assignments of its providers from JetStream, acknowledges, works, answers. Where there is a control
// plane it registers there, so that routers see whether it lives; it works the same without.
import { parseArgs } from "node:util";
import type { JetStreamClient, JsMsg, NatsConnection } from "nats";
import { CONTROL_PLANE_OPTIONS } from "../control-plane.ts";
import { connectNats } from "../nats-connection.ts";
import { type Assignment, readAssignment, writeAcknowledgement, writeResult } from "./assignment.ts";
import { FinishedEffects } from "./finished-effects.ts";
import { registerWorker } from "./registration.ts";
import { doWork } from "./work.ts";

const ASSIGNMENTS_STREAM = "BEAMLINE_ASSIGNMENTS";
const ACK_SUBJECT = "caf.exec.assign.v1.ack";
const RESULT_SUBJECT = "caf.exec.result.v1";
/** Assignments taken at once from one consumer. */
const MAX_IN_WORK = 32;
/**
 * Half of it is the time between heartbeats: a pull that the server has forgotten, as it does when its accounts are reloaded, is
 * made again after two that are missed.
 */
const PULL_EXPIRES_MS = 10_000;
/** How often a worker that was given no names looks for consumers that have come. */
const DISCOVERY_INTERVAL_MS = 2_000;
/** Consumers that one worker serves. */
const MAX_CONSUMERS = 100;
const RETRY_MS = 1_000;

const { values: options } = parseArgs({
  options: {
    "nats-url": { type: "string", default: process.env.NATS_URL ?? "nats://127.0.0.1:4222" },
    /** A .creds file, where NATS asks for one. */
    creds: { type: "string", default: process.env.NATS_CREDS ?? "" },
    /** Durable consumers to take work from, one a provider; none = all that the stream has, as suits a demonstration. */
    consumer: { type: "string", multiple: true, default: [] },
    ...CONTROL_PLANE_OPTIONS,
    /** Where to register; empty = nowhere. */
    "control-plane": { type: "string", default: process.env.CONTROL_PLANE_ADDRESSES ?? "" },
    /** The Provider that it registers for, as namespace/name. */
    provider: { type: "string", default: "demo/local-llm" },
  },
});

const nc = await connectNats("worker", options);
const finished = new FinishedEffects();
const serving = new Set<string>();
const stopped = new AbortController();
let done = 0;
let failed = 0;

console.error(`worker: connected to ${nc.getServer()}`);
const registration = options["control-plane"] === "" ? undefined : registerWorker(options, nc.getServer());
let drained: Promise<void> | undefined;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    stopped.abort();
    drained ??= registration?.component.drain(() => nc.drain()) ?? nc.drain();
  });
}
for (const name of options.consumer) void serve(nc, name);
if (options.consumer.length === 0) void serveWhateverThereIs(nc);
await nc.closed();
await drained;
registration?.controlPlane.close();
console.error(`worker: stopped after ${done} assignments`);
process.exit(0);

/** Serves each durable of the stream, and looks again for those that come later with a new provider. */
async function serveWhateverThereIs(connection: NatsConnection): Promise<void> {
  const manager = await connection.jetstreamManager({ checkAPI: false });
  while (!stopped.signal.aborted) {
    try {
      for await (const { name, config } of manager.consumers.list(ASSIGNMENTS_STREAM)) {
        if (config.durable_name === undefined || serving.has(name) || serving.size >= MAX_CONSUMERS) continue;
        void serve(connection, name);
      }
    } catch (error) {
      if (!stopped.signal.aborted) console.error(`worker: no consumers to be seen: ${String(error)}`);
    }
    await pause(DISCOVERY_INTERVAL_MS);
  }
}

/** Takes work from one durable for as long as the worker runs; the durable belongs to the operator and is never made here. */
async function serve(connection: NatsConnection, name: string): Promise<void> {
  const jetstream: JetStreamClient = connection.jetstream();
  serving.add(name);
  while (!stopped.signal.aborted) {
    try {
      const consumer = await jetstream.consumers.get(ASSIGNMENTS_STREAM, name);
      console.error(`worker: serving ${name}`);
      const messages = await consumer.consume({
        max_messages: MAX_IN_WORK,
        expires: PULL_EXPIRES_MS,
        abort_on_missing_resource: true,
      });
      for await (const message of messages) void take(connection, message);
    } catch (error) {
      if (!stopped.signal.aborted) console.error(`worker: ${name}: ${String(error)}; trying again`);
    }
    await pause(RETRY_MS);
  }
}

async function take(connection: NatsConnection, message: JsMsg): Promise<void> {
  let assignment: Assignment;
  try {
    assignment = readAssignment(message);
  } catch (error) {
    // No redelivery makes it readable.
    message.term(String(error));
    console.error(`worker: unreadable assignment on ${message.subject}: ${String(error)}`);
    return;
  }
  try {
    await carryOut(connection, assignment);
    message.ack();
    done += 1;
  } catch (error) {
    message.nak(RETRY_MS);
    failed += 1;
    console.error(`worker: ${assignment.assignmentId}: ${String(error)}`);
  }
  registration?.component.setMetrics({ messages_done: done, messages_failed: failed });
}

/** The result leaves before the delivery is acknowledged: after a crash between the two it is sent again, not lost. */
async function carryOut(connection: NatsConnection, assignment: Assignment): Promise<void> {
  const known = finished.outcome(assignment.effectId);
  const accepted = writeAcknowledgement(assignment, "accepted");
  connection.publish(ACK_SUBJECT, accepted.body, { headers: accepted.headers });
  const outcome = known ?? (await doWork(assignment));
  if (outcome.status === "success") finished.remember(assignment.effectId, outcome);
  const result = writeResult(assignment, outcome);
  connection.publish(RESULT_SUBJECT, result.body, { headers: result.headers });
  await connection.flush();
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    stopped.signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
