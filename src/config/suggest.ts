/**
 * What somebody probably meant who wrote a name that does not exist: a key of a config, a preset, an option.
 * Commands, options, config keys and scenarios all ask here, so that they make the same guesses.
 */

/** More edits than these are another word. */
const MAX_EDITS = 3;
/** Share of the longer word that has to be right. */
const MIN_ALIKE = 0.5;

/**
 * The one of `names` that is closest to `word`, ignoring case; the first of several that are equally close.
 * Undefined if none is alike. The cost is bounded: a word that is far longer than every name is not compared.
 */
export function closestTo(word: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly edits: number } | undefined;
  for (const name of names) {
    const longer = Math.max(word.length, name.length);
    if (Math.abs(word.length - name.length) > MAX_EDITS) continue;
    const edits = editsBetween(word.toLowerCase(), name.toLowerCase());
    if (edits > MAX_EDITS || edits > longer * (1 - MIN_ALIKE)) continue;
    if (best === undefined || edits < best.edits) best = { name, edits };
  }
  return best?.name;
}

/** ` (did you mean NAME?)`, to put after a message; empty if no name is alike. */
export function didYouMean(word: string, names: Iterable<string>): string {
  const name = closestTo(word, names);
  return name === undefined ? '' : ` (did you mean ${name}?)`;
}

/** Letters to insert, delete, replace or swap with their neighbour to make `b` of `a` (optimal string alignment). */
function editsBetween(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      const edits = Math.min(
        (last[j] as number) + 1,
        (row[j - 1] as number) + 1,
        (last[j - 1] as number) + (same ? 0 : 1),
      );
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(swapped ? Math.min(edits, (before[j - 2] as number) + 1) : edits);
    }
    [before, last] = [last, row];
  }
  return last[b.length] as number;
}
