/**
 * What was probably meant, as ` did you mean x?` after a semicolon, or "" when nothing is near. Upper and lower case, `-`
 * and `_` count as equal, so `drainTimeout` finds `drain_timeout`.
 */
export function didYouMean(word: string, choices: Iterable<string>): string {
  const meant = nearest(word, choices);
  return meant === undefined ? "" : `; did you mean ${meant}?`;
}

/** The choice that is nearest to the word; `undefined`: none is near. */
export function nearest(word: string, choices: Iterable<string>): string | undefined {
  const wanted = fold(word);
  // A longer word cannot be a slip of a name of ours, and the distance costs the product of the lengths.
  if (wanted.length > 64) return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const choice of choices) {
    const away = distance(wanted, fold(choice), least);
    if (away < least) [best, least] = [choice, away];
  }
  return best;
}

const fold = (word: string): string => word.toLowerCase().replaceAll(/[-_\s]/g, "");

/** Optimal string alignment: insertions, deletions, replacements, and swaps of neighbours, 1 each. `limit` ends it early. */
function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let least = Math.min(above[column]! + 1, line[column - 1]! + 1, above[column - 1]! + (same ? 0 : 1));
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) least = Math.min(least, before[column - 2]! + 1);
      line.push(least);
    }
    [before, above] = [above, line];
  }
  return above[b.length]!;
}
