import { BuildError } from '../diagnostics/build-error.ts';
import { invalid } from './invalid.ts';
import { WordLexer } from './word-lexer.ts';
import type { WorkLimit } from './work-limit.ts';

/** Looks a variable up; undefined means unset. */
export type Lookup = (name: string) => string | undefined;

/** How words are expanded. */
export interface ExpandOptions {
  /** The escape character of the Dockerfile. */
  readonly escape: '\\' | '`';
  /** What all expansions of a Dockerfile share; a lone word has limits of its own. */
  readonly limit?: WorkLimit | undefined;
  /** Called once per expansion for each name that was looked up and is not set. */
  readonly onUndefined?: (name: string) => void;
}

/** The same without an escape character: within heredocs it is the backslash. */
export type HeredocOptions = Omit<ExpandOptions, 'escape'>;

/**
 * Expands a word: quotes and escapes are removed, `$V` and `${V…}` replaced.
 *
 * Within `'…'` all is literal; within `"…"` variables are replaced and the escape character takes only `"`, `$` and itself; outside
 * quotes it takes any character. Throws BuildError DOCKERFILE_INVALID without a range, e.g. `unexpected end of statement while looking
 * for matching double-quote`, `bad substitution`, or the message of `${V:?message}`.
 */
export function expandWord(word: string, lookup: Lookup, options: ExpandOptions): string {
  return expand(word, lookup, options, true, (lexer) => lexer.expand());
}

/** Expands as {@link expandWord} does, then splits at the blanks that are not quoted: a variable may bring several words (EXPOSE). */
export function expandWords(word: string, lookup: Lookup, options: ExpandOptions): string[] {
  return expand(word, lookup, options, true, (lexer) => lexer.expandWords());
}

/** Expands the body of a COPY or ADD heredoc: quotes are text like any other, `\$` is a literal dollar. Throws as {@link expandWord}. */
export function expandHeredoc(body: string, lookup: Lookup, options: HeredocOptions = {}): string {
  return expand(body, lookup, { ...options, escape: '\\' }, false, (lexer) => lexer.expand());
}

function expand<Result>(
  word: string,
  lookup: Lookup,
  options: ExpandOptions,
  quotes: boolean,
  read: (lexer: WordLexer) => Result,
): Result {
  const undefinedNames = new Set<string>();
  const lexer = new WordLexer(word, {
    escape: options.escape,
    quotes,
    limit: options.limit,
    lookup: (name) => {
      const value = lookup(name);
      if (value === undefined) undefinedNames.add(name);
      return value;
    },
  });
  try {
    return read(lexer);
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    throw invalid(`failed to process ${shown(word)}: ${error.message}`, undefined, error.hint);
  } finally {
    for (const name of undefinedNames) options.onUndefined?.(name);
  }
}

/** So much of a word is shown in a message: a heredoc is a word, too. */
const MOST_SHOWN = 200;

function shown(word: string): string {
  return word.length <= MOST_SHOWN ? JSON.stringify(word) : `${JSON.stringify(word.slice(0, MOST_SHOWN))}…`;
}
