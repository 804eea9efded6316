// A worker of every provider: acknowledges each delivery, and notices when one piece of work comes as two.
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerMessages, type JsMsg, jetstream } from "@nats-io/jetstream";
import { namesFor } from "../../../core/handover/subjects.ts";
import { ExecAssignment } from "../../../proto/gen/messages/beamline/worker/v1/worker.ts";
import type { ClientConnection } from "./connection.ts";

const CONSUMERS = ["provider_demo_openai", "provider_demo_anthropic", "provider_demo_local-llm"] as const;
const STREAM = namesFor().streams.assignments;
const AT_ONCE = 500;
/** Half of it is the time between heartbeats: a pull that the server has forgotten is made again after two that are missed. */
const PULL_EXPIRES_MS = 10_000;
const RETRY_MS = 500;
/** Kept to be shown. */
const MAX_DOUBLED = 1_000;

export class WorkerLane {
  readonly doubled: string[] = [];
  redelivered = 0;
  /** Place in the stream of each effect's assignment. */
  private readonly sequences = new Map<string, number>();
  /** Effect of each submitted message, by the id that its producer gave it. */
  private readonly effectsByMessage = new Map<string, string>();
  private readonly connection: ClientConnection;

  constructor(connection: ClientConnection) {
    this.connection = connection;
  }

  has(effectId: string): boolean {
    return this.sequences.has(effectId);
  }

  start(): void {
    for (const name of CONSUMERS) void this.serve(name);
  }

  /** For as long as the process runs. */
  private async serve(name: string): Promise<never> {
    for (;;) {
      await this.connection.whenUp();
      try {
        const consumer = await jetstream(this.connection.nc).consumers.get(STREAM, name);
        const messages: ConsumerMessages = await consumer.consume({ max_messages: AT_ONCE, expires: PULL_EXPIRES_MS });
        for await (const message of messages) this.take(message);
      } catch (error) {
        process.stderr.write(`worker: ${name}: ${String(error)}; trying again\n`);
      }
      await delay(RETRY_MS);
    }
  }

  private take(message: JsMsg): void {
    const effectId = message.headers?.get("Beamline-Effect-Id") ?? "";
    const known = this.sequences.get(effectId);
    if (known === message.seq) this.redelivered++;
    else if (known !== undefined) this.note(`effect ${effectId} is stored at ${known} and ${message.seq}`);
    this.sequences.set(effectId, message.seq);
    const id = messageIdOf(message);
    const other = this.effectsByMessage.get(id);
    if (other !== undefined && other !== effectId) this.note(`message ${id} is effect ${other} and ${effectId}`);
    this.effectsByMessage.set(id, effectId);
    message.ack();
  }

  private note(text: string): void {
    if (this.doubled.length < MAX_DOUBLED) this.doubled.push(text);
  }
}

/** Its producer's id comes as the request's where it has no other. */
function messageIdOf(message: JsMsg): string {
  const json = message.headers?.get("Content-Type").includes("json") === true;
  return json ? message.json<{ request_id: string }>().request_id : ExecAssignment.decode(message.data).requestId;
}
