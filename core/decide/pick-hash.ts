// The hash of the pick: 64 bits from 32-bit operations, the same on every machine and in every language that follows the
// vectors in test/golden/decide/pick-vectors.json. It spreads; it is no secret and no signature.
import type { PickHash } from "../policy/table.ts";

// Odd multipliers: 2^32 / golden ratio, and those of the MurmurHash3 finalizer and body.
const GOLDEN = 0x9e3779b1;
const MIX_A = 0x85ebca6b;
const MIX_B = 0xc2b2ae35;
const LANE_LOW = 0xcc9e2d51;
const LANE_HIGH = 0x1b873593;
const SEED_LOW = 0x62656d6c;
const SEED_HIGH = 0x696e6531;

/** 2^20 and 2^52: an integer of 52 bits plus one half is exact in a double. */
const TWO_20 = 0x100000;
const TWO_52 = 0x10000000000000;

/** MurmurHash3's finalizer: every input bit changes every output bit with a chance of one half. */
function mix(value: number): number {
  let mixed = value ^ (value >>> 16);
  mixed = Math.imul(mixed, MIX_A);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, MIX_B);
  return mixed ^ (mixed >>> 16);
}

/**
 * Hash of a text, over its UTF-16 code units, each as two lanes: `lane = rotl(imul(lane ^ unit, multiplier), 15)`; at the
 * end the length enters and the lanes are mixed into each other.
 */
export function hashPickText(text: string): PickHash {
  let low = SEED_LOW;
  let high = SEED_HIGH;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, LANE_LOW);
    low = (low << 15) | (low >>> 17);
    high = Math.imul(high ^ unit, LANE_HIGH);
    high = (high << 15) | (high >>> 17);
  }
  low = mix(low ^ text.length);
  high = mix((high + Math.imul(low, GOLDEN)) | 0);
  low = mix((low + Math.imul(high, GOLDEN)) | 0);
  return { high, low };
}

/**
 * A number in (0, 1), never 0 or 1, uniform over keys and over providers: the two hashes combined by exclusive or, mixed
 * twice, the upper 52 bits taken.
 */
export function drawUniform(key: PickHash, provider: PickHash): number {
  const low = mix(((key.low ^ provider.low) + Math.imul(key.high ^ provider.high, GOLDEN)) | 0);
  const high = mix(((key.high ^ provider.high) + Math.imul(low, GOLDEN)) | 0);
  const last = mix((low + Math.imul(high, GOLDEN)) | 0);
  return ((high >>> 0) * TWO_20 + (last >>> 12) + 0.5) / TWO_52;
}
