// Stores several messages of one stream, all or none (atomic batches of JetStream, ADR-50 of nats-architecture-and-design).
import type { HeaderPair } from "../../core/handover/header.ts";
import type { Names } from "../../core/handover/subjects.ts";
import { MAX_STORED_TOGETHER, type StoredTogether } from "../../core/pipelines/outputs.ts";
import { encodeHeaderBlock, formatHeaderLines } from "../../runtime/nats/headers.ts";
import type { Mux } from "../../runtime/nats/mux.ts";
import type { PublishResult } from "../../runtime/nats/publish-result.ts";

export interface BatchStoreOptions {
  readonly mux: Pick<Mux, "publish" | "send">;
  readonly names: Names;
  readonly timeoutMs: number;
  /** Names a batch; random. */
  newId(): string;
}

/** Messages that belong together, and who waits for them. */
interface Request {
  readonly messages: readonly StoredTogether[];
  readonly bytes: number;
  /** Refused among others: whose fault that was is not known. */
  readonly isAlone: boolean;
  readonly resolve: (result: PublishResult) => void;
}

/** A server takes 50 of one stream at once; routers of one bus share them. */
const MAX_BATCHES = 8;
/** Of requests that share a batch. */
const MAX_SHARED_BYTES = 4_194_304;
const SECOND_MS = 1_000;

/** A batch costs the server about the same whatever is in it, so requests that wait for a place share one. */
export class BatchStore {
  private readonly options: BatchStoreOptions;
  private readonly waiting: Request[] = [];
  private underWay = 0;

  constructor(options: BatchStoreOptions) {
    this.options = options;
  }

  /** The result of all of them: `conflict` when another message stands where one expects none. Never rejects. */
  store(messages: readonly StoredTogether[]): Promise<PublishResult> {
    const bytes = messages.reduce((sum, { body }) => sum + body.length, 0);
    return new Promise((resolve) => {
      this.waiting.push({ messages, bytes, isAlone: false, resolve });
      this.fill();
    });
  }

  private fill(): void {
    while (this.underWay < MAX_BATCHES && this.waiting.length > 0) {
      this.underWay++;
      void this.sendNext(this.takeGroup());
    }
  }

  /** The longest-waiting request, and those after it that fit beside it. */
  private takeGroup(): readonly Request[] {
    let [count, bytes] = [0, 0];
    const end = this.waiting.findIndex((request, at) => {
      count += request.messages.length;
      bytes += request.bytes;
      const fits = count <= MAX_STORED_TOGETHER && bytes <= MAX_SHARED_BYTES && !request.isAlone;
      return at > 0 && (!fits || this.waiting[0]?.isAlone === true);
    });
    return this.waiting.splice(0, end === -1 ? this.waiting.length : end);
  }

  private async sendNext(group: readonly Request[]): Promise<void> {
    const result = await this.send(group.flatMap(({ messages }) => messages));
    this.underWay--;
    const isRefused = result.kind !== "stored" && result.kind !== "unavailable";
    if (isRefused && group.length > 1) this.waiting.unshift(...group.map((request) => ({ ...request, isAlone: true })));
    else for (const { resolve } of group) resolve(result);
    this.fill();
  }

  private send(messages: readonly StoredTogether[]): Promise<PublishResult> {
    const { mux, names, timeoutMs, newId } = this.options;
    const id = newId();
    return new Promise((resolve) => {
      for (const [at, message] of messages.entries()) {
        const subject = names.toWire(message.subject);
        const headers = [...message.headers, ...conditions(message), ...placeInBatch(id, at)];
        if (at === messages.length - 1) {
          mux.publish(subject, message.body, { timeoutMs, headers: [...headers, ["Nats-Batch-Commit", "1"]] }, resolve);
          return;
        }
        const lines = formatHeaderLines(headers);
        const problem = lines.ok ? mux.send(subject, message.body, encodeHeaderBlock(lines.value)) : lines.error;
        if (problem === undefined) continue;
        resolve({ kind: "rejected", code: 0, description: problem });
        return;
      }
    });
  }
}

function placeInBatch(id: string, at: number): readonly HeaderPair[] {
  return [
    ["Nats-Batch-Id", id],
    ["Nats-Batch-Sequence", String(at + 1)],
  ];
}

function conditions({ expectLastSequence, ttlMs }: StoredTogether): readonly HeaderPair[] {
  return [
    ...(expectLastSequence === undefined
      ? []
      : [["Nats-Expected-Last-Subject-Sequence", String(expectLastSequence)] as const]),
    ...(ttlMs === undefined ? [] : [["Nats-TTL", `${Math.ceil(ttlMs / SECOND_MS)}s`] as const]),
  ];
}
