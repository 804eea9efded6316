// The order of texts by their UTF-16 units, for sorts: the same on every machine, whatever its language.

/** Negative, zero or positive, as a sort asks. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
