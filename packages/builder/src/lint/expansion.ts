import { type ExpandOptions, expandWord, type Lookup } from '../dockerfile/words.ts';

/** A word expanded, and the variables it asked for. */
export interface Expansion {
  readonly text: string;
  readonly matched: ReadonlySet<string>;
  readonly unmatched: ReadonlySet<string>;
}

/** Expands a word; undefined when that fails, which the build will tell of by itself. */
export function tryExpand(word: string, lookup: Lookup, options: ExpandOptions): Expansion | undefined {
  const matched = new Set<string>();
  const unmatched = new Set<string>();
  const asked: Lookup = (name) => {
    const value = lookup(name);
    (value === undefined ? unmatched : matched).add(name);
    return value;
  };
  try {
    return { text: expandWord(word, asked, options), matched, unmatched };
  } catch {
    return undefined;
  }
}
