// Requests with keys: answered, or asked once more with the same key; and however often one is answered, always the same.
import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg } from "@nats-io/nats-core";
import { keyedEffectId } from "../../../core/handover/effect-id.ts";
import { nodeCodec } from "../../../runtime/bytes.ts";
import { LOAD_TENANT } from "../../e2e/durable-load.ts";
import type { LoadTarget } from "./calls.ts";
import type { ClientConnection } from "./connection.ts";
import type { Phase } from "./phase.ts";

const SUBJECT = "beamline.router.v1.decide";
/** Long enough that a machine with too much to do is no reason to ask again. */
const FIRST_TIMEOUT_MS = 10_000;
const RETRY_TIMEOUT_MS = 30_000;
/** Between an attempt that failed and the one retry, unless the answer names a longer time: routers have to connect again. */
const RETRY_AFTER_MS = 10_000;
/** Every tenth asks for its work to be dispatched, every fiftieth is asked again on purpose. */
const DISPATCH_EVERY = 10;
const REPEAT_EVERY = 50;
/** Attempts whose answer may still come; an answer to an older one is not looked at. */
const MAX_WAITING = 20_000;
const MS_PER_SECOND = 1_000;
const NO_RESPONDERS = 503;

type Attempt =
  | { readonly kind: "answered" }
  | { readonly kind: "failed"; readonly reason: string; readonly retryAfterMs: number };

/** One request with all its attempts. */
interface Asked {
  readonly index: number;
  readonly phase: Phase;
  readonly body: Uint8Array;
  answer: string | undefined;
}

interface Waiting {
  readonly asked: Asked;
  settle(attempt: Attempt): void;
}

export class RequestLane {
  readonly assigned = new Set<string>();
  readonly decidedOnly = new Set<string>();
  private readonly connection: () => ClientConnection;
  private readonly target: LoadTarget;
  private readonly inbox = createInbox();
  private readonly waiting = new Map<number, Waiting>();
  private nextToken = 0;

  /** `connection` may be asked for when the lane is listening. */
  constructor(connection: () => ClientConnection, target: LoadTarget) {
    this.connection = connection;
    this.target = target;
  }

  listen(): void {
    this.connection().nc.subscribe(`${this.inbox}.*`, { callback: (_error, msg) => this.receive(msg) });
  }

  /** No answer can come over a connection that is gone: a client that knows waits no longer. */
  failAll(): void {
    for (const { settle } of this.waiting.values()) {
      settle({ kind: "failed", reason: "disconnected", retryAfterMs: RETRY_AFTER_MS });
    }
    this.waiting.clear();
  }

  async send(index: number, dueMs: number, phase: Phase): Promise<void> {
    const asked: Asked = { index, phase, body: bodyOf(index), answer: undefined };
    phase.open++;
    const attempt = await this.attemptTwice(asked);
    if (attempt.kind === "failed") {
      phase.unanswered.push(`request ${index}: ${attempt.reason}`);
    } else {
      phase.requestMs.push(performance.now() - dueMs);
      this.expect(index, phase);
      if (index % REPEAT_EVERY === 0) await this.repeat(asked);
    }
    phase.open--;
  }

  private async attemptTwice(asked: Asked): Promise<Attempt> {
    const first = await this.attempt(asked, FIRST_TIMEOUT_MS);
    // An answer that came after its time is an answer.
    if (first.kind === "answered" || asked.answer !== undefined) return { kind: "answered" };
    asked.phase.noteRetry(first.reason);
    await this.connection().whenUp();
    await delay(first.retryAfterMs);
    return this.attempt(asked, RETRY_TIMEOUT_MS);
  }

  /** Of what may fail in a fault, only the answer is judged here. */
  private async repeat(asked: Asked): Promise<void> {
    await this.attempt(asked, FIRST_TIMEOUT_MS);
  }

  private async attempt(asked: Asked, timeoutMs: number): Promise<Attempt> {
    await this.connection().whenUp();
    const token = this.nextToken++;
    this.waiting.delete(token - MAX_WAITING);
    return new Promise((resolve) => {
      const fail = (): void => resolve({ kind: "failed", reason: "timeout", retryAfterMs: 0 });
      const timer = setTimeout(fail, timeoutMs);
      const settle = (attempt: Attempt): void => {
        clearTimeout(timer);
        resolve(attempt);
      };
      this.waiting.set(token, { asked, settle });
      this.connection().nc.publish(SUBJECT, asked.body, { reply: `${this.inbox}.${token}` });
    });
  }

  private receive(msg: Msg): void {
    const token = Number(msg.subject.slice(this.inbox.length + 1));
    const found = this.waiting.get(token);
    if (found === undefined) return;
    this.waiting.delete(token);
    const reason = failureOf(msg);
    if (reason !== undefined) {
      const afterMs = Number(msg.headers?.get("Retry-After") || 0) * MS_PER_SECOND;
      found.settle({ kind: "failed", reason, retryAfterMs: Math.max(RETRY_AFTER_MS, afterMs) });
      return;
    }
    this.compare(found.asked, msg.string());
    found.settle({ kind: "answered" });
  }

  private compare(asked: Asked, answer: string): void {
    const { phase, index } = asked;
    if (asked.answer === undefined) {
      asked.answer = answer;
      return;
    }
    phase.answeredTwice++;
    if (asked.answer !== answer) phase.contradicted.push(`request ${index}: ${asked.answer}, then ${answer}`);
  }

  private expect(index: number, phase: Phase): void {
    const effectId = keyedEffectId(nodeCodec, this.target.router, LOAD_TENANT, keyOf(index));
    if (index % DISPATCH_EVERY !== 0) {
      this.decidedOnly.add(effectId);
      return;
    }
    this.assigned.add(effectId);
    phase.effects.add(effectId);
  }
}

function keyOf(index: number): string {
  return `request-${index}`;
}

function bodyOf(index: number): Uint8Array {
  const message = {
    messageId: `r-${index}`,
    tenantId: LOAD_TENANT,
    messageType: "chat",
    payload: Buffer.from(`payload of request ${index}`).toString("base64"),
  };
  const context = index % DISPATCH_EVERY === 0 ? { context: { "beamline.push": "true" } } : {};
  return Buffer.from(JSON.stringify({ message, policyId: "chat", idempotencyKey: keyOf(index), ...context }));
}

/** Undefined for an answer that carries a decision. */
function failureOf(msg: Msg): string | undefined {
  if (msg.headers?.code === NO_RESPONDERS) return "no responders";
  const code = msg.headers?.get("Nats-Service-Error-Code") ?? "";
  return code === "" ? undefined : `${code} ${msg.headers?.get("Nats-Service-Error")}`;
}
