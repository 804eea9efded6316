// Numbers that are the same for the same seed, and bytes mutated by them.

export type Random = (below: number) => number;

/** mulberry32. */
export function makeRandom(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)] as T;
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)));
}

/** Some bytes changed, now and then some cut off or added. */
export function mutate(random: Random, bytes: Uint8Array): Buffer {
  const mutated = Buffer.from(bytes);
  for (let changes = random(4); changes > 0 && mutated.length > 0; changes--)
    mutated[random(mutated.length)] = random(256);
  if (random(6) === 0) return mutated.subarray(0, random(mutated.length + 1));
  return random(10) === 0 ? Buffer.concat([mutated, randomBytes(random, random(40))]) : mutated;
}
