import { type ByteString, utf8ToByteString } from '@tsbuild/oci';
import { BuildError } from '../diagnostics/build-error.ts';
import { cleanFilePath } from './clean-path.ts';
import { PatternSyntaxError } from './name-pattern.ts';
import { accepts, advance, compileRoutes, type Positions, type PatternRoute, startOf } from './route.ts';

/** What the patterns say about one directory and, through it, about its children: see {@link PatternMatcher.root}. */
export interface DirectoryMatch {
  /** Whether the directory itself is ignored. */
  readonly ignored: boolean;
  /** Whether something below the directory can be included: it is not ignored, or a `!` pattern could still match there. */
  readonly canInclude: boolean;
  /** Whether something below the directory can be ignored. */
  readonly canIgnore: boolean;
  /** Whether the child of this name is ignored. */
  ignores(name: ByteString): boolean;
  /** The same for the child directory of this name. */
  child(name: ByteString): DirectoryMatch;
}

/** One line of patterns, compiled. */
export interface Pattern {
  /** Begins with `!`: what matches is taken back. */
  readonly exception: boolean;
  readonly routes: readonly PatternRoute[];
}

/**
 * A compiled list of ignore patterns, as moby/patternmatcher means them: anchored at the root, case matters, a pattern
 * that matches a directory holds for all below it, and the last pattern that holds decides.
 *
 * One thing is easily missed: a pattern is asked only where it would turn the verdict so far, and holds below a
 * directory only if it was asked there. So `!logs` behind `*.log` takes nothing back in `logs`, which no pattern had
 * ignored. Docker and BuildKit leave out the same files.
 */
export class PatternMatcher {
  /** Whether any pattern takes back what others ignore. */
  readonly hasExceptions: boolean;
  /** How many patterns a path is held against, at most. */
  readonly size: number;
  readonly #root: DirectoryMatch;

  /** @throws BuildError `IGNORE_INVALID` when `**` touches names in very many of them */
  constructor(patterns: readonly Pattern[]) {
    const extra = patterns.reduce((sum, { routes }) => sum + routes.length - 1, 0);
    if (extra > MAX_EXTRA_ROUTES) {
      throw new BuildError('IGNORE_INVALID', 'too many patterns with ** next to a name', {
        hint: 'Put slashes around it, as in "a/**/b".',
      });
    }
    const live = patterns.flatMap(({ exception, routes }, rank) =>
      routes.map((route) => ({ rank, exception, route, positions: startOf(route) })),
    );
    this.hasExceptions = patterns.some(({ exception }) => exception);
    this.size = live.length;
    this.#root = new Match(false, live);
  }

  /** Whether the path (relative, no leading slash) is ignored. The root itself never is. */
  matches(path: ByteString): boolean {
    const names = path.split('/');
    const last = names.pop() ?? '';
    let at = this.#root;
    for (const name of names) at = at.child(name);
    return last !== '' && at.ignores(last);
  }

  /** The state at the root directory, for walks: each step looks at one name only, and at no pattern that is settled. */
  root(): DirectoryMatch {
    return this.#root;
  }
}

/** Routes beyond one for each pattern: each of them is asked about each path. */
const MAX_EXTRA_ROUTES = 5000;

/** A pattern that may still match in a directory. */
interface Live {
  readonly rank: number;
  readonly exception: boolean;
  readonly route: PatternRoute;
  readonly positions: Positions;
}

/**
 * What holds for a directory holds for all below, and the last one that does decides. So of the patterns that hold only
 * the verdict is kept, and of the others those behind the one that gave it.
 */
class Match implements DirectoryMatch {
  readonly ignored: boolean;
  readonly #live: readonly Live[];

  constructor(ignored: boolean, live: readonly Live[]) {
    this.ignored = ignored;
    this.#live = live;
  }

  get canInclude(): boolean {
    return !this.ignored || this.#live.some(({ exception }) => exception);
  }

  get canIgnore(): boolean {
    return this.ignored || this.#live.some(({ exception }) => !exception);
  }

  ignores(name: ByteString): boolean {
    const verdict = this.#verdict(name);
    return verdict === undefined ? this.ignored : !verdict.exception;
  }

  child(name: ByteString): DirectoryMatch {
    if (this.#live.length === 0) return this;
    const verdict = this.#verdict(name);
    const next: Live[] = [];
    for (const live of this.#live) {
      if (verdict !== undefined && live.rank <= verdict.rank) continue;
      const positions = advance(live.route, live.positions, name);
      if (positions.length > 0) next.push({ ...live, positions });
    }
    return new Match(verdict === undefined ? this.ignored : !verdict.exception, next);
  }

  /** The pattern that decides about a child, if it is not one that holds for this directory already. */
  #verdict(name: ByteString): Live | undefined {
    let { ignored } = this;
    let verdict: Live | undefined;
    for (const live of this.#live) {
      if (live.exception !== ignored || !accepts(live.route, live.positions, name)) continue;
      verdict = live;
      ignored = !live.exception;
    }
    return verdict;
  }
}

/**
 * Compiles patterns (of `.dockerignore` or `--exclude`) as moby/patternmatcher does: blanks around them and empty ones
 * are dropped.
 * @throws BuildError `IGNORE_INVALID` on a malformed pattern.
 */
export function compilePatterns(lines: readonly string[]): PatternMatcher {
  const patterns: Pattern[] = [];
  for (const line of lines) {
    try {
      const pattern = parsePattern(utf8ToByteString(line));
      if (pattern !== undefined) patterns.push(pattern);
    } catch (error) {
      if (!(error instanceof PatternSyntaxError)) throw error;
      throw new BuildError('IGNORE_INVALID', `${error.message}: ${JSON.stringify(line)}`, { cause: error });
    }
  }
  return new PatternMatcher(patterns);
}

/** Compiles one pattern; undefined when it is blank. @throws PatternSyntaxError */
export function parsePattern(line: ByteString): Pattern | undefined {
  const trimmed = trimBlanks(line);
  if (trimmed === '') return undefined;
  const cleaned = cleanFilePath(trimmed);
  if (cleaned === '!') throw new PatternSyntaxError('illegal exclusion pattern');
  const exception = cleaned.startsWith('!');
  return { exception, routes: compileRoutes(exception ? cleaned.slice(1) : cleaned) };
}

/** White space in its UTF-8 form. */
const BLANK = /[\t-\r ]|\xc2[\x85\xa0]|\xe1\x9a\x80|\xe2\x80[\x80-\x8a\xa8\xa9\xaf]|\xe2\x81\x9f|\xe3\x80\x80/.source;
const LEADING_BLANKS = new RegExp(`^(?:${BLANK})+`);
const LAST_BLANK = new RegExp(`(?:${BLANK})$`);

/** Drops white space at both ends, all that Unicode calls so, in its UTF-8 form (Go's `strings.TrimSpace`). */
export function trimBlanks(line: ByteString): ByteString {
  const from = LEADING_BLANKS.exec(line)?.[0].length ?? 0;
  // One by one from the end: a pattern for all of them would be tried at each blank inside.
  let end = line.length;
  for (let blank = blankBefore(line, end); blank > 0 && end > from; blank = blankBefore(line, end)) end -= blank;
  return line.slice(from, end);
}

/** Bytes of the white space that ends at `end`; 0 when none does. */
function blankBefore(line: ByteString, end: number): number {
  return LAST_BLANK.exec(line.slice(Math.max(0, end - 3), end))?.[0].length ?? 0;
}
