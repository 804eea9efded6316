// "Did you mean": the known name that a misspelt one was probably meant to be.

/** More edits than this and the two names are simply different. */
const MAX_EDITS = 2;
/** Longer names are not compared. */
const MAX_NAME_CHARS = 64;

/** The known name within two edits (and fewer than half its length) of `name`, the nearest first; undefined when there is none. */
export function suggestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_NAME_CHARS) return undefined;
  const folded = name.toLowerCase();
  let best: string | undefined;
  let bestEdits = MAX_EDITS + 1;
  for (const candidate of known) {
    if (candidate.length > MAX_NAME_CHARS) continue;
    const edits = countEdits(folded, candidate.toLowerCase());
    if (edits < bestEdits && edits * 2 < candidate.length) {
      best = candidate;
      bestEdits = edits;
    }
  }
  return best;
}

/** ` (did you mean x?)`, or nothing. */
export function describeSuggestion(name: string, known: Iterable<string>): string {
  const suggestion = suggestName(name, known);
  return suggestion === undefined ? "" : ` (did you mean ${suggestion}?)`;
}

/** Levenshtein distance. */
function countEdits(from: string, to: string): number {
  let previous = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= to.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? 0;
}
