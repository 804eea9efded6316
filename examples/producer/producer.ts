// Example producer: asks for one decision by request/reply, then submits one message durably and waits for its answer.
import { parseArgs } from "node:util";
import { headers, JSONCodec } from "nats";
import { connectNats } from "../nats-connection.ts";

const DECIDE_SUBJECT = "beamline.router.v1.decide";
const SUBMIT_SUBJECT = "beamline.router.v1.submit";
const REPLY_SUBJECT = "beamline.reply.v1";
const TIMEOUT_MS = 5_000;

const { values: options } = parseArgs({
  options: {
    "nats-url": { type: "string", default: process.env.NATS_URL ?? "nats://127.0.0.1:4222" },
    /** A .creds file, where NATS asks for one. */
    creds: { type: "string", default: process.env.NATS_CREDS ?? "" },
    tenant: { type: "string", default: "demo" },
    policy: { type: "string", default: "chat" },
    session: { type: "string", default: "session-1" },
  },
});

const json = JSONCodec();
const nc = await connectNats("producer", options);

/** A RouteRequest in proto3 JSON: bytes are base64. */
function routeRequest(idempotencyKey: string): Uint8Array {
  return json.encode({
    message: {
      message_id: crypto.randomUUID(),
      tenant_id: options.tenant,
      message_type: "chat",
      payload: Buffer.from(JSON.stringify({ prompt: "Why is the sky blue?" })).toString("base64"),
      metadata: { tier: "gold" },
    },
    policy_id: options.policy,
    context: { session_id: options.session },
    idempotency_key: idempotencyKey,
  });
}

// 1. Request/reply: the answer says who would take it. A retry with the same key gets the same answer.
const reply = await nc.request(DECIDE_SUBJECT, routeRequest(crypto.randomUUID()), { timeout: TIMEOUT_MS });
console.log("decided:", JSON.stringify(json.decode(reply.data)));

// 2. Durable: once JetStream has acknowledged, the message is handed to a provider exactly once, whatever restarts meanwhile.
// The decision comes on a subject of the tenant: an inbox leads nowhere where producers have an account of their own.
const replyTo = `${REPLY_SUBJECT}.${options.tenant}.${crypto.randomUUID()}`;
const answers = nc.subscribe(replyTo, { max: 1, timeout: TIMEOUT_MS });
const durable = headers();
durable.set("Content-Type", "application/json");
durable.set("Beamline-Reply-To", replyTo);
const stored = await nc
  .jetstream()
  .publish(`${SUBMIT_SUBJECT}.${options.tenant}`, routeRequest(crypto.randomUUID()), { headers: durable });
console.log(`stored: ${stored.stream} sequence ${stored.seq}`);
for await (const answer of answers) console.log("assigned:", JSON.stringify(json.decode(answer.data)));

await nc.drain();
