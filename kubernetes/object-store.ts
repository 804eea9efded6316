// The objects of one kind as the API server last told of them, and what each telling changed.
import { type KubernetesObject, type ObjectRef, objectKey } from "./object.ts";

/** One object before and after; `previous` absent: new; `current` absent: deleted. Compare uids to see a re-created one. */
export interface ObjectChange<T> {
  /** `namespace/name`, or `name`. */
  readonly key: string;
  readonly ref: ObjectRef;
  readonly previous: T | undefined;
  readonly current: T | undefined;
}

/** Of one kind. A process that needs more wants another design. */
export const MAX_STORED_OBJECTS = 100_000;

interface Stored<T> {
  readonly ref: ObjectRef;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly value: T;
}

export class ObjectStore<T> {
  private readonly convert: (object: KubernetesObject) => T;
  private entries = new Map<string, Stored<T>>();

  /** `convert` makes what is kept of an object; it should drop what nobody reads. */
  constructor(convert: (object: KubernetesObject) => T) {
    this.convert = convert;
  }

  get size(): number {
    return this.entries.size;
  }

  get(ref: ObjectRef): T | undefined {
    return this.entries.get(objectKey(ref))?.value;
  }

  values(): T[] {
    return Array.from(this.entries.values(), ({ value }) => value);
  }

  /** Takes a complete list. Objects that are not in it are gone. Throws when there are more than 100,000. */
  replaceAll(objects: readonly KubernetesObject[]): ObjectChange<T>[] {
    if (objects.length > MAX_STORED_OBJECTS) throw tooMany();
    const before = this.entries;
    const changes: ObjectChange<T>[] = [];
    const after = new Map<string, Stored<T>>();
    for (const object of objects) {
      const key = objectKey(object.metadata);
      const held = before.get(key);
      const unchanged = held !== undefined && isSameVersion(held, object);
      const stored = unchanged ? held : this.store(object);
      after.set(key, stored);
      if (!unchanged) changes.push({ key, ref: stored.ref, previous: held?.value, current: stored.value });
    }
    for (const [key, { ref, value }] of before) {
      if (!after.has(key)) changes.push({ key, ref, previous: value, current: undefined });
    }
    this.entries = after;
    return changes;
  }

  /** Undefined when this is known already. Throws when there are more than 100,000. */
  put(object: KubernetesObject): ObjectChange<T> | undefined {
    const key = objectKey(object.metadata);
    const held = this.entries.get(key);
    if (held !== undefined && isSameVersion(held, object)) return undefined;
    if (held === undefined && this.entries.size >= MAX_STORED_OBJECTS) throw tooMany();
    const stored = this.store(object);
    this.entries.set(key, stored);
    return { key, ref: stored.ref, previous: held?.value, current: stored.value };
  }

  remove(ref: ObjectRef): ObjectChange<T> | undefined {
    const key = objectKey(ref);
    const held = this.entries.get(key);
    if (held === undefined) return undefined;
    this.entries.delete(key);
    return { key, ref: held.ref, previous: held.value, current: undefined };
  }

  private store(object: KubernetesObject): Stored<T> {
    const { namespace, name, uid, resourceVersion } = object.metadata;
    const ref = namespace === undefined ? { name } : { namespace, name };
    return { ref, uid, resourceVersion, value: this.convert(object) };
  }
}

function isSameVersion(held: Stored<unknown>, { metadata }: KubernetesObject): boolean {
  return (
    held.uid === metadata.uid && held.resourceVersion !== undefined && held.resourceVersion === metadata.resourceVersion
  );
}

function tooMany(): Error {
  return new Error(`more than ${MAX_STORED_OBJECTS} objects of one kind`);
}
