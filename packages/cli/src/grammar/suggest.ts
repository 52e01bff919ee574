import leven from 'leven';

/** The candidate that `word` was most likely meant to be, or undefined when none is near. */
function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  // Two letters that changed places are two edits.
  let least = Math.max(word.length > 2 ? 2 : 1, Math.floor(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = leven(word.toLowerCase(), candidate.toLowerCase(), { maxDistance: least });
    if (distance < least) {
      best = candidate;
      least = distance;
    }
  }
  return best;
}

/** `did you mean X?`, or undefined when nothing is near. */
export function didYouMean(word: string, candidates: Iterable<string>, prefix = ''): string | undefined {
  const near = closest(word, candidates);
  return near === undefined ? undefined : `did you mean ${prefix}${near}?`;
}
