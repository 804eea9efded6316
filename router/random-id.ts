// Random identifiers from the system's generator, drawn many at a time: a call of its own for each costs 8 us a message.
import { randomFillSync } from "node:crypto";

/** Bytes of an id: 128 bits, so that neither an effect id nor an attempt token can be guessed or meets another. */
const ID_BYTES = 16;
const POOL_BYTES = 256 * ID_BYTES;

const pool = Buffer.alloc(POOL_BYTES);
let used = POOL_BYTES;

/** 32 hex characters; never the same bytes twice. */
export function newRandomId(): string {
  if (used === POOL_BYTES) {
    randomFillSync(pool);
    used = 0;
  }
  const id = pool.toString("hex", used, used + ID_BYTES);
  used += ID_BYTES;
  return id;
}
