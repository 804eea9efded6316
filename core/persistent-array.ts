// An immutable array that shares with the one before all but the path to what changed: setting one place costs the depth of the tree.

const BRANCH_BITS = 5;
const BRANCH = 1 << BRANCH_BITS;
const BRANCH_MASK = BRANCH - 1;
/** Four levels: 1,048,576 places. */
const MAX_LEVELS = 4;
/** The greatest length. Setting a place beyond it throws. */
export const MAX_PLACES = BRANCH ** MAX_LEVELS;

type Node = readonly unknown[];

const NO_NODE: Node = [];

/** Places from 0; those never set hold undefined. */
export class PersistentArray<V> {
  /** One more than the last place that was ever set. */
  readonly length: number;
  readonly #root: Node;
  /** Bits of an index below the root's own. */
  readonly #shift: number;

  private constructor(root: Node, shift: number, length: number) {
    this.#root = root;
    this.#shift = shift;
    this.length = length;
  }

  static empty<V>(): PersistentArray<V> {
    return new PersistentArray<V>(NO_NODE, 0, 0);
  }

  get(index: number): V | undefined {
    if (index < 0 || index >= this.length) return undefined;
    let node: unknown = this.#root;
    for (let shift = this.#shift; shift > 0; shift -= BRANCH_BITS) {
      node = (node as Node)[(index >>> shift) & BRANCH_MASK];
      if (node === undefined) return undefined;
    }
    return (node as Node)[index & BRANCH_MASK] as V | undefined;
  }

  set(index: number, value: V | undefined): PersistentArray<V> {
    if (!Number.isInteger(index) || index < 0 || index >= MAX_PLACES)
      throw new RangeError(`place ${index} of an array of at most ${MAX_PLACES}`);
    let root = this.#root;
    let shift = this.#shift;
    while (index >>> (shift + BRANCH_BITS) > 0) {
      root = this.length === 0 ? NO_NODE : [root];
      shift += BRANCH_BITS;
    }
    return new PersistentArray<V>(setIn(root, shift, index, value), shift, Math.max(this.length, index + 1));
  }

  /** What is set, in the order of places. */
  *values(): Generator<V> {
    for (let index = 0; index < this.length; index++) {
      const value = this.get(index);
      if (value !== undefined) yield value;
    }
  }
}

function setIn(node: Node, shift: number, index: number, value: unknown): Node {
  const place = (index >>> shift) & BRANCH_MASK;
  const copy = node.slice();
  // Filled from the left, so that the copy stays an array without holes.
  while (copy.length < place) copy.push(undefined);
  copy[place] =
    shift === 0 ? value : setIn((node[place] as Node | undefined) ?? NO_NODE, shift - BRANCH_BITS, index, value);
  return copy;
}
