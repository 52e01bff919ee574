/** One element of a shell pattern: any text, any one character, or itself. There are no brackets. */
type Token = { readonly kind: 'star' } | { readonly kind: 'any' } | { readonly kind: 'literal'; readonly char: string };

/** A shell pattern of `${V#p}`, `${V%p}` and `${V/p/r}`. */
export type Glob = readonly Token[];

/**
 * Reads a pattern: `*`, `?`, and the backslash before `*`, `?`, `\`, and before `}` and `/`, which end a substitution otherwise.
 * Returns what is wrong with it instead when a backslash stands before anything else.
 */
export function parseGlob(pattern: string): Glob | string {
  const tokens: Token[] = [];
  const chars = [...pattern];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? '';
    if (char === '*') tokens.push({ kind: 'star' });
    else if (char === '?') tokens.push({ kind: 'any' });
    else if (char === '\\') {
      at += 1;
      const next = chars[at] ?? '';
      if (next === '' || !'*?\\}/'.includes(next)) return `invalid escape '\\${next}'`;
      tokens.push({ kind: 'literal', char: next });
    } else tokens.push({ kind: 'literal', char });
  }
  return tokens;
}

/** The steps that matching `glob` against `text` takes. */
export function matchingSteps(text: string, glob: Glob): number {
  return (text.length + 1) * (glob.length + 1);
}

/** `text` without the shortest (or longest) part at its beginning that matches. */
export function removePrefix(text: string, glob: Glob, longest: boolean): string {
  const chars = [...text];
  const end = matchEnds(chars, glob, longest)[0] ?? -1;
  return end < 0 ? text : chars.slice(end).join('');
}

/** `text` without the shortest (or longest) part at its end that matches. */
export function removeSuffix(text: string, glob: Glob, longest: boolean): string {
  const chars = [...text].toReversed();
  const end = matchEnds(chars, glob.toReversed(), longest)[0] ?? -1;
  return end < 0 ? text : chars.slice(end).toReversed().join('');
}

/**
 * Replaces the first match, or all of them, always the leftmost and longest. As in Go, an empty match right behind another match does
 * not count. Undefined when the result has more than `limit` characters.
 */
export function replaceGlob(
  text: string,
  glob: Glob,
  replacement: string,
  { all, limit }: { readonly all: boolean; readonly limit: number },
): string | undefined {
  const chars = [...text];
  const ends = matchEnds(chars, glob, true);
  let result = '';
  let copied = 0;
  let previousEnd = -1;
  for (let at = 0; at <= chars.length; ) {
    const end = ends[at] ?? -1;
    const matches = end >= 0 && !(end === at && at === previousEnd);
    if (matches) {
      result += chars.slice(copied, at).join('') + replacement;
      if (result.length > limit) return undefined;
      copied = end;
      previousEnd = end;
      if (!all) break;
    }
    at = matches && end > at ? end : at + 1;
  }
  return result + chars.slice(copied).join('');
}

/**
 * For every start, the end of the longest (or shortest) match there, or -1. Worked out from the back, one row of pattern positions per
 * character: its time is text × pattern, whatever the pattern (a regular expression could take exponential time here).
 */
function matchEnds(chars: readonly string[], glob: Glob, longest: boolean): readonly number[] {
  const ends: number[] = [];
  let after: number[] = [];
  for (let at = chars.length; at >= 0; at -= 1) {
    const row: number[] = [];
    row[glob.length] = at;
    for (let position = glob.length - 1; position >= 0; position -= 1) {
      row[position] = endOf(glob[position], chars[at], row[position + 1] ?? -1, after, position, longest);
    }
    ends[at] = row[0] ?? -1;
    after = row;
  }
  return ends;
}

function endOf(
  token: Token | undefined,
  char: string | undefined,
  skipped: number,
  after: readonly number[],
  position: number,
  longest: boolean,
): number {
  if (token?.kind === 'star') {
    const stretched = after[position] ?? -1;
    if (skipped < 0 || stretched < 0) return Math.max(skipped, stretched);
    return longest ? Math.max(skipped, stretched) : Math.min(skipped, stretched);
  }
  if (char === undefined || (token?.kind === 'literal' && token.char !== char)) return -1;
  return after[position + 1] ?? -1;
}
