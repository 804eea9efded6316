// A key-value bucket as JetStream keeps one: one message a key, one sequence for all, gone and made again at will.

export interface StoredEntry {
  readonly key: string;
  /** Undefined for the mark of a removal. */
  readonly value: Uint8Array | undefined;
  readonly sequence: number;
}

export class ModelBucket {
  readonly id: string;
  private readonly messages = new Map<string, StoredEntry>();
  private last = 0;

  constructor(id: string) {
    this.id = id;
  }

  get lastSequence(): number {
    return this.last;
  }

  get(key: string): StoredEntry | undefined {
    return this.messages.get(key);
  }

  all(): IterableIterator<StoredEntry> {
    return this.messages.values();
  }

  /** The sequence, or undefined when another message than the expected one stands there. */
  write(key: string, value: Uint8Array | undefined, expectRevision: number): number | undefined {
    if ((this.messages.get(key)?.sequence ?? 0) !== expectRevision) return undefined;
    this.last++;
    this.messages.set(key, { key, value, sequence: this.last });
    return this.last;
  }

  /** A removal's mark expires without a word. */
  expire(key: string): void {
    if (this.messages.get(key)?.value === undefined) this.messages.delete(key);
  }

  /** What a watch of these keys delivers next: a message that was replaced before its turn never comes. */
  next(prefix: string, after: number): StoredEntry | undefined {
    let found: StoredEntry | undefined;
    for (const message of this.messages.values()) {
      if (message.sequence <= after || !message.key.startsWith(prefix)) continue;
      if (found === undefined || message.sequence < found.sequence) found = message;
    }
    return found;
  }
}
