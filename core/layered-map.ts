// An immutable map that shares with the map before it what did not change: making it costs what changed, not what there is.

/** Changes kept beside the base. More, or more than the map would hold, and a new base is made, so that nothing old is kept. */
export const MAX_LAYER_SIZE = 128;

/** Names one base without holding on to it. */
type BaseId = object;

/** How a base came of the one before: which keys may differ. */
interface Ancestry {
  readonly base: BaseId;
  readonly keys: readonly string[];
}

export class LayeredMap<V> implements ReadonlyMap<string, V> {
  readonly size: number;
  readonly #base: ReadonlyMap<string, V>;
  /** Over the base; undefined = removed. */
  readonly #layer: ReadonlyMap<string, V | undefined>;
  readonly #id: BaseId;
  readonly #ancestry: Ancestry | undefined;

  private constructor(
    base: ReadonlyMap<string, V>,
    layer: ReadonlyMap<string, V | undefined>,
    size: number,
    origin: { readonly id: BaseId; readonly ancestry: Ancestry | undefined },
  ) {
    this.#base = base;
    this.#layer = layer;
    this.size = size;
    this.#id = origin.id;
    this.#ancestry = origin.ancestry;
  }

  static empty<V>(): LayeredMap<V> {
    return new LayeredMap<V>(new Map(), new Map(), 0, { id: {}, ancestry: undefined });
  }

  /** This map with these changes, undefined = removed; this map itself when they change nothing. */
  with(changes: Iterable<readonly [string, V | undefined]>): LayeredMap<V> {
    let layer: Map<string, V | undefined> | undefined;
    let { size } = this;
    for (const [key, value] of changes) {
      const before = layer?.has(key) ? layer.get(key) : this.get(key);
      if (before === value) continue;
      layer ??= new Map(this.#layer);
      layer.set(key, value);
      size += (value === undefined ? 0 : 1) - (before === undefined ? 0 : 1);
    }
    if (layer === undefined) return this;
    const next = new LayeredMap<V>(this.#base, layer, size, { id: this.#id, ancestry: this.#ancestry });
    return layer.size > Math.min(MAX_LAYER_SIZE, size) ? next.#flatten() : next;
  }

  get(key: string): V | undefined {
    if (this.#layer.size > 0) {
      const value = this.#layer.get(key);
      if (value !== undefined || this.#layer.has(key)) return value;
    }
    return this.#base.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** Keys whose values are not the same as in `before`, by identity. Cheap when `before` is one of the maps that led here. */
  changedSince(before: LayeredMap<V>): readonly string[] {
    if (before === this) return [];
    if (before.size === 0) return [...this.keys()];
    const keys = this.#mayDiffer(before) ?? [...this.keys(), ...before.keys()];
    return [...new Set(keys)].filter((key) => this.get(key) !== before.get(key));
  }

  *entries(): MapIterator<[string, V]> {
    const layer = this.#layer;
    for (const [key, value] of this.#base) {
      if (!layer.has(key)) yield [key, value];
    }
    for (const [key, value] of layer) {
      if (value !== undefined) yield [key, value];
    }
  }

  *keys(): MapIterator<string> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): MapIterator<V> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }

  #flatten(): LayeredMap<V> {
    const base = new Map(this.#base);
    for (const [key, value] of this.#layer) {
      if (value === undefined) base.delete(key);
      else base.set(key, value);
    }
    const ancestry = { base: this.#id, keys: [...this.#layer.keys()] };
    return new LayeredMap<V>(base, new Map(), this.size, { id: {}, ancestry });
  }

  #mayDiffer(before: LayeredMap<V>): readonly string[] | undefined {
    if (this.#id === before.#id) return [...this.#layer.keys(), ...before.#layer.keys()];
    if (this.#ancestry?.base !== before.#id) return undefined;
    return [...this.#layer.keys(), ...this.#ancestry.keys, ...before.#layer.keys()];
  }
}
