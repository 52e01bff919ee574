/** More edits than this and a suggestion is a guess. */
const MAX_EDITS = 2;

/** ` (did you mean X?)` for the candidate nearest to `word` by edit distance, in the word's case; empty when none is near. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const wanted = word.toLowerCase();
  const best = nearest(wanted, candidates, (candidate) => candidate.toLowerCase());
  if (best === undefined) return '';
  return ` (did you mean ${word === wanted ? best.toLowerCase() : best}?)`;
}

/** The candidate nearest to `word`, itself excluded; undefined when none is near. Case matters unless `fold` removes it. */
export function nearest(
  word: string,
  candidates: Iterable<string>,
  fold: (candidate: string) => string = (candidate) => candidate,
): string | undefined {
  let best: string | undefined;
  let least = MAX_EDITS + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word, fold(candidate), least);
    if (distance < least && distance > 0) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** Nobody misspells longer names by a letter; comparing them takes their length squared. */
const MAX_LENGTH = 200;

/** Levenshtein's distance, or `limit` as soon as it cannot be less. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > MAX_LENGTH) return limit;
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    if (Math.min(...current) >= limit) return limit;
    previous = current;
  }
  return previous[b.length] ?? limit;
}
