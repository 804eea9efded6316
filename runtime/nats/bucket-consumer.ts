// The wire side of a bucket watch: JetStream's consumer API and the lines of its deliveries, read and written by ourselves.
import type { Msg } from "@nats-io/nats-core";
import { asBuffer } from "../bytes.ts";
import type { DeliveryInfo } from "./delivery-info.ts";
import { bucketStream, bucketSubject, isRemoval } from "./kv.ts";
import type { Mux } from "./mux.ts";

/** The last value of a key, or that it is gone. */
export interface BucketEntry {
  readonly key: string;
  /** Undefined: the key was deleted, purged or has expired. A view of the socket's buffer: copy it to keep it for long. */
  readonly value: Uint8Array | undefined;
  /** Sequence in the bucket's stream, which is the key's revision. */
  readonly sequence: number;
  readonly revision: number;
  /** When the server stored it, by its clock, in milliseconds since the epoch. */
  readonly createdMs: number;
}

/** An answer of JetStream's API: its body, `missing` (no such stream), or why there is none. */
export type ApiAnswer =
  | { readonly kind: "ok"; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: "missing" }
  | { readonly kind: "failed"; readonly reason: string };

const STREAM_NOT_FOUND = 10059;
const NS_PER_MS = 1_000_000;
/** A consumer that nobody listens to is removed by the server after this. */
const INACTIVE_THRESHOLD_MS = 30_000;
const STATUS_HEARTBEAT = 100;

export function requestStreamInfo(mux: Mux, bucket: string, timeoutMs: number): Promise<ApiAnswer> {
  return requestApi(mux, `STREAM.INFO.${bucketStream(bucket)}`, {}, timeoutMs);
}

/** A push consumer without acknowledgements that begins with the last message of every key. */
export function createBucketConsumer(
  mux: Mux,
  options: { bucket: string; keys: string; deliverSubject: string; heartbeatMs: number; timeoutMs: number },
): Promise<ApiAnswer> {
  const stream = bucketStream(options.bucket);
  const config = {
    deliver_subject: options.deliverSubject,
    deliver_policy: "last_per_subject",
    filter_subject: bucketSubject(options.bucket, options.keys),
    ack_policy: "none",
    replay_policy: "instant",
    flow_control: true,
    idle_heartbeat: options.heartbeatMs * NS_PER_MS,
    inactive_threshold: INACTIVE_THRESHOLD_MS * NS_PER_MS,
    mem_storage: true,
    num_replicas: 1,
  };
  return requestApi(mux, `CONSUMER.CREATE.${stream}`, { stream_name: stream, config }, options.timeoutMs);
}

/** Not waited for: a consumer that stays is removed by the server when it has had no listener for a while. */
export function deleteBucketConsumer(mux: Mux, bucket: string, consumer: string): void {
  mux.send(`$JS.API.CONSUMER.DELETE.${bucketStream(bucket)}.${consumer}`, new Uint8Array(0));
}

function requestApi(mux: Mux, operation: string, body: unknown, timeoutMs: number): Promise<ApiAnswer> {
  return new Promise((resolve) => {
    mux.request(`$JS.API.${operation}`, Buffer.from(JSON.stringify(body)), undefined, timeoutMs, (reply) => {
      if (reply.kind === "reply") resolve(parseApiAnswer(reply.msg));
      else resolve({ kind: "failed", reason: reply.kind === "rejected" ? reply.description : reply.reason });
    });
  });
}

function parseApiAnswer(msg: Msg): ApiAnswer {
  const text = asBuffer(msg.data).toString("utf8");
  let body: Record<string, unknown> & { error?: { err_code?: number; description?: string } };
  try {
    body = JSON.parse(text);
  } catch {
    return { kind: "failed", reason: `the answer is not JSON: ${text.slice(0, 100)}` };
  }
  if (body.error === undefined) return { kind: "ok", body };
  if (body.error.err_code === STREAM_NOT_FOUND) return { kind: "missing" };
  return { kind: "failed", reason: body.error.description ?? "error without a description" };
}

/** Heartbeats and flow control come as status 100 without a body. */
export function isControlMessage(msg: Msg): boolean {
  return msg.data.length === 0 && msg.headers?.code === STATUS_HEARTBEAT;
}

/** Where to answer so that the server goes on: the reply of a flow-control request, or the one a heartbeat reminds of. */
export function flowControlReply(msg: Msg): string | undefined {
  // A getter that decodes: absent on heartbeats.
  const reply = msg.reply || msg.headers?.get("Nats-Consumer-Stalled");
  return reply === "" ? undefined : reply;
}

/** The last consumer sequence that the server has sent, by its heartbeat. */
export function heartbeatSequence(msg: Msg): number | undefined {
  const text = msg.headers?.get("Nats-Last-Consumer");
  return text === undefined || text === "" ? undefined : Number(text);
}

export function toBucketEntry(bucket: string, msg: Msg, delivery: DeliveryInfo): BucketEntry {
  return {
    key: msg.subject.slice(bucketSubject(bucket, "").length),
    value: isRemoval(msg.headers) ? undefined : msg.data,
    sequence: delivery.streamSequence,
    revision: delivery.streamSequence,
    createdMs: delivery.timestampMs,
  };
}
