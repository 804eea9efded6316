// Seeded mutation of encoded messages: fast enough for a million cases, and any case can be made again from its seed.

/** Numbers from 0 to 2^32 - 1, the same for the same seed (mulberry32). */
export function createRandom(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Bytes that random changes would seldom hit upon. */
const SNIPPETS: readonly Uint8Array[] = [
  "7b08017c", // a group, field 15
  "7b", // a group that never ends
  "7c", // the end of a group that never began
  "7b7b7c7c", // a group in a group
  "7b84017c", // a group that ends under another number
  "00", // field number 0
  "0800", // field number 1 as a varint, where the schema has text
  "07", // wire type 7
  "38ffffffffffffffffff01", // field 7: -1 in ten bytes
  "38ffffffffffffffffff7f", // bits beyond 64
  "f801ffffffffffffffffffff01", // an unknown varint of eleven bytes
  "8a80808000", // a tag of five bytes
  "8a8080808000", // a tag of six
  "fa7f00", // a high field number
  "1a0d0a095f5f70726f746f5f5f120078", // map entry __proto__, field 3
  "320d0a095f5f70726f746f5f5f120078", // the same, field 6
  "1a00", // an empty map entry
  "0a00", // field 1 once more, empty
  "0a0712056f74686572", // field 1 once more, with another field 2
  "1202c328", // text that is not UTF-8
  "1204f09f9880", // text beyond the basic plane
  "1203efbbbf", // a byte order mark
].map((hex) => Buffer.from(hex, "hex"));

const MAX_BYTES = 4096;
const scratch = new Uint8Array(MAX_BYTES);

/** One to four changes of a message of the corpus. The result is valid until the next call. */
export function mutate(corpus: readonly Uint8Array[], random: (below: number) => number): Uint8Array {
  const origin = corpus[random(corpus.length)] as Uint8Array;
  scratch.set(origin);
  let length = origin.length;
  for (let change = 1 + random(4); change > 0; change--) length = applyChange(length, corpus, random);
  return scratch.subarray(0, length);
}

function applyChange(length: number, corpus: readonly Uint8Array[], random: (below: number) => number): number {
  const at = random(length + 1);
  switch (random(8)) {
    case 0:
      scratch[at] = random(256);
      return Math.max(length, Math.min(at + 1, MAX_BYTES));
    case 1:
      scratch[at] = (scratch[at] ?? 0) ^ (1 << random(8));
      return length;
    case 2:
      return at;
    case 3: {
      const removed = Math.min(1 + random(4), length - at);
      scratch.copyWithin(at, at + removed, length);
      return length - removed;
    }
    case 4: {
      const other = corpus[random(corpus.length)] as Uint8Array;
      const from = random(other.length);
      return insert(length, at, other.subarray(from, from + random(other.length - from + 1)));
    }
    case 5:
      // At the end: a whole second occurrence of everything.
      return insert(length, length, corpus[random(corpus.length)] as Uint8Array);
    default:
      return insert(length, random(3) === 0 ? length : at, SNIPPETS[random(SNIPPETS.length)] as Uint8Array);
  }
}

function insert(length: number, at: number, piece: Uint8Array): number {
  if (length + piece.length > MAX_BYTES) return length;
  scratch.copyWithin(at + piece.length, at, length);
  scratch.set(piece, at);
  return length + piece.length;
}
