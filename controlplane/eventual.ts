// What is mostly there at once: a promise only where somebody has to be asked, so that the usual call waits for no turn of the loop.

export type Eventual<T> = T | Promise<T>;

export function whenThere<T, U>(value: Eventual<T>, next: (value: T) => U): Eventual<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
