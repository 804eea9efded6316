// The protobuf wire format, written into one growing buffer; lengths of nested messages are put in afterwards.
import type { Codec } from "../codec.ts";

const INITIAL_BYTES = 1024;
/** Room left for a nested length: one byte holds up to 127, longer messages are moved. */
const LENGTH_ROOM_BYTES = 1;
/** Longest text whose length is certain to fit the one byte in front of it. */
const SHORT_STRING_LENGTH = 127;
const VARINT32_BYTES = 5;
const VARINT64_BYTES = 10;
const LOW_WORD = 0xffff_ffffn;

export class WireWriter {
  readonly codec: Codec;
  #bytes = new Uint8Array(INITIAL_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  constructor(codec: Codec) {
    this.codec = codec;
  }

  /** What was written so far: a view, valid until the next write. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.finish());
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  uint32(value: number): void {
    this.#reserve(VARINT32_BYTES);
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  /** A varint of 64 bits; negative integers take all ten bytes. */
  varint64(value: bigint): void {
    this.#reserve(VARINT64_BYTES);
    const unsigned = BigInt.asUintN(64, value);
    let low = Number(unsigned & LOW_WORD);
    let high = Number(unsigned >> 32n);
    while (high > 0 || low > 0x7f) {
      this.#bytes[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#length++] = low;
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value >>> 0, true);
    this.#length += 4;
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  float(value: number): void {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value, true);
    this.#length += 4;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  /** A length and the bytes. */
  bytes(value: Uint8Array): void {
    this.uint32(value.length);
    this.raw(value);
  }

  /** The bytes alone: fields that are already encoded. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** Short ASCII, which most fields are, is written here: a call into the host costs more than the loop. */
  string(value: string): void {
    const { length } = value;
    if (length > SHORT_STRING_LENGTH) {
      this.bytes(this.codec.encodeUtf8(value));
      return;
    }
    this.#reserve(length + 1);
    const at = this.#length + 1;
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index);
      if (unit > 0x7f) {
        this.bytes(this.codec.encodeUtf8(value));
        return;
      }
      this.#bytes[at + index] = unit;
    }
    this.#bytes[at - 1] = length;
    this.#length = at + length;
  }

  /** A length and whatever `write` writes. */
  nested(write: () => void): void {
    this.#reserve(LENGTH_ROOM_BYTES);
    const start = this.#length + LENGTH_ROOM_BYTES;
    this.#length = start;
    write();
    const length = this.#length - start;
    const room = sizeOfUint32(length);
    this.#reserve(room);
    this.#bytes.copyWithin(start - LENGTH_ROOM_BYTES + room, start, this.#length);
    this.#length = start - LENGTH_ROOM_BYTES;
    this.uint32(length);
    this.#length += length;
  }
}

function sizeOfUint32(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size += 1;
  return size;
}
