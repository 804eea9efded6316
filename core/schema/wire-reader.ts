// The protobuf wire format, read with every bound checked: a cursor that remembers the first rule broken instead of throwing.
import { WIRE } from "./compiled.ts";
import type { SchemaRule } from "./problem.ts";

/** Deepest nesting of groups inside an unknown field. */
export const GROUP_DEPTH_LIMIT = 100;
/** A 64-bit varint has at most ten bytes of seven bits. */
const VARINT64_BYTES = 10;
/** A 32-bit varint has at most five, of which the last holds four bits. */
const VARINT32_BYTES = 5;
const VARINT32_LAST_BYTE = 0x0f;
/** Up to this high word a 64-bit integer is exact as a number: 2^53 - 1 = 0x1fffff_ffffffff. */
const SAFE_HIGH_WORD = 0x1fffff;
const TWO_POW_32 = 0x1_0000_0000;

/**
 * Reads values from `pos` to `end`. After the first broken rule `rule` is set, every read returns zero, and `pos` stands at
 * `end`, so that loops over the input end by themselves.
 */
export class WireReader {
  readonly bytes: Uint8Array;
  pos = 0;
  /** End of the message being read; the end of the input for the outermost. */
  end: number;
  rule: SchemaRule | undefined = undefined;
  /** Words of the last 64-bit value, unsigned. */
  low = 0;
  high = 0;
  #view: DataView | undefined = undefined;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  fail(rule: SchemaRule): void {
    this.rule ??= rule;
    this.pos = this.end;
  }

  #failBounds(): void {
    this.fail(this.end < this.bytes.length ? "overrun" : "truncated");
  }

  /** Takes `length` bytes and returns where they begin. */
  take(length: number): number {
    const start = this.pos;
    if (length > this.end - start) {
      this.#failBounds();
      return start;
    }
    this.pos = start + length;
    return start;
  }

  /** A tag or a length: at most 32 bits. */
  uint32(): number {
    if (this.pos < this.end) {
      const byte = this.bytes[this.pos] as number;
      if (byte < 0x80) {
        this.pos += 1;
        return byte;
      }
    }
    return this.#longUint32();
  }

  #longUint32(): number {
    let value = 0;
    for (let index = 0; index < VARINT32_BYTES; index++) {
      if (this.pos >= this.end) {
        this.#failBounds();
        return 0;
      }
      const byte = this.bytes[this.pos++] as number;
      if (index === VARINT32_BYTES - 1 && byte > VARINT32_LAST_BYTE) break;
      value |= (byte & 0x7f) << (7 * index);
      if (byte < 0x80) return value >>> 0;
    }
    this.fail("varint");
    return 0;
  }

  /** The next tag: field number times eight plus wire type. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0 || (tag & 7) > WIRE.bit32) this.fail("tag");
    return tag;
  }

  /** A varint into `low` and `high`; bits beyond 64 are dropped, as every implementation does. */
  varint64(): void {
    let low = 0;
    let high = 0;
    for (let index = 0; index < VARINT64_BYTES; index++) {
      if (this.pos >= this.end) {
        this.#failBounds();
        return;
      }
      const byte = this.bytes[this.pos++] as number;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (7 * index);
      else if (index === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * index - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    this.fail("varint");
  }

  fixed32(): number {
    const start = this.take(4);
    return this.rule === undefined ? this.#data().getUint32(start, true) : 0;
  }

  /** Eight bytes into `low` and `high`. */
  fixed64(): void {
    const low = this.fixed32();
    this.high = this.fixed32();
    this.low = low;
  }

  float(): number {
    const start = this.take(4);
    return this.rule === undefined ? this.#data().getFloat32(start, true) : 0;
  }

  double(): number {
    const start = this.take(8);
    return this.rule === undefined ? this.#data().getFloat64(start, true) : 0;
  }

  #data(): DataView {
    this.#view ??= new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
    return this.#view;
  }

  /** `low` and `high` as a 64-bit integer. */
  unsigned(): bigint {
    if (this.high <= SAFE_HIGH_WORD) return BigInt(this.high * TWO_POW_32 + this.low);
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  signed(): bigint {
    return this.high <= SAFE_HIGH_WORD ? this.unsigned() : BigInt.asIntN(64, this.unsigned());
  }

  zigzag(): bigint {
    const value = this.unsigned();
    return (value >> 1n) ^ -(value & 1n);
  }

  /** Passes over the value of an unknown field. */
  skip(tag: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.varint64();
        return;
      case WIRE.bit64:
        this.take(8);
        return;
      case WIRE.bit32:
        this.take(4);
        return;
      case WIRE.lengthDelimited:
        this.take(this.uint32());
        return;
      case WIRE.startGroup:
        this.#skipGroup(tag >>> 3);
        return;
      default:
        this.fail("group");
    }
  }

  #skipGroup(field: number): void {
    const open = [field];
    while (open.length > 0 && this.rule === undefined) {
      const tag = this.tag();
      if (this.rule !== undefined) return;
      if ((tag & 7) === WIRE.startGroup) {
        if (open.length >= GROUP_DEPTH_LIMIT) this.fail("depth");
        open.push(tag >>> 3);
      } else if ((tag & 7) === WIRE.endGroup) {
        if (open.pop() !== tag >>> 3) this.fail("group");
      } else this.skip(tag);
    }
  }
}
