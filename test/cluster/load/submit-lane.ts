// Durable messages: each is published until its PubAck is here, under one message id, as a producer does.
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import { keyedEffectId, streamEffectId } from "../../../core/handover/effect-id.ts";
import { namesFor } from "../../../core/handover/subjects.ts";
import { deadLetterId } from "../../../core/intake/dead-letter.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { LOAD_TENANT, type LoadMessage, loadMessage } from "../../e2e/durable-load.ts";
import type { LoadTarget } from "./calls.ts";
import type { ClientConnection } from "./connection.ts";
import type { Phase } from "./phase.ts";

const PUBLISH_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/** Of one message; far longer than a server is away. */
const MAX_TRIES = 400;
const SUBMIT_STREAM = namesFor().streams.submit;
/** What a dead letter's id does not depend on when its message has a place in a stream. */
const nothing = { subject: "", headers: new Map<string, string>(), body: new Uint8Array(), nowMs: 0 };

export class SubmitLane {
  /** Reason by message id of the dead letter. */
  readonly deadLetters = new Map<string, string>();
  readonly effects = new Set<string>();
  private readonly connection: ClientConnection;
  private readonly target: LoadTarget;
  private readonly stream: JetStreamClient;

  constructor(connection: ClientConnection, target: LoadTarget) {
    this.connection = connection;
    this.target = target;
    this.stream = jetstream(connection.nc);
  }

  /** Never rejects before the last try. */
  async send(index: number, dueMs: number, phase: Phase): Promise<void> {
    const message = loadMessage(index);
    phase.open++;
    const sequence = await this.publish(message, phase);
    phase.submitMs.push(performance.now() - dueMs);
    this.expect(message, sequence, phase);
    phase.open--;
  }

  private async publish(message: LoadMessage, phase: Phase): Promise<number> {
    const head = headers();
    for (const [name, value] of message.headers) head.set(name, value);
    const options = { msgID: `in-${message.index}`, headers: head, timeout: PUBLISH_TIMEOUT_MS };
    for (let tries = 1; ; tries++) {
      await this.connection.whenUp();
      try {
        return (await this.stream.publish(message.subject, message.body, options)).seq;
      } catch (error) {
        if (tries === MAX_TRIES) throw error;
        phase.submitRetries++;
      }
      await delay(RETRY_MS);
    }
  }

  private expect({ key, refusedAs }: LoadMessage, sequence: number, phase: Phase): void {
    const { streamCreated, router } = this.target;
    if (refusedAs !== undefined) {
      const position = { stream: SUBMIT_STREAM, streamCreated, sequence };
      this.deadLetters.set(deadLetterId({ ...nothing, position }, nodeCodec), refusedAs);
      return;
    }
    const effectId =
      key === undefined
        ? streamEffectId(nodeCodec, streamCreated, sequence)
        : keyedEffectId(nodeCodec, router, LOAD_TENANT, key);
    this.effects.add(effectId);
    phase.effects.add(effectId);
  }
}
