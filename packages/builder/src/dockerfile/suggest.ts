import leven from 'leven';

/** More edits than this and a suggestion is a guess. */
const MAX_EDITS = 2;

/** Nobody misspells longer names by a letter; comparing them takes their length squared. */
const MAX_LENGTH = 200;

/** ` (did you mean X?)` for the candidate nearest to `word` by edit distance, in the word's case; empty when none is near. */
export function suggestNear(word: string, candidates: Iterable<string>): string {
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
    if (word.length > MAX_LENGTH) break;
    const distance = leven(word, fold(candidate), { maxDistance: least });
    if (distance < least && distance > 0) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}
