import { invalid } from './invalid.ts';
import { matchingSteps, parseGlob, removePrefix, removeSuffix, replaceGlob, type Glob } from './glob.ts';
import { WordSplitter } from './split-words.ts';
import type { WorkLimit } from './work-limit.ts';

/** What a lexer needs to know beside its text. */
export interface LexerOptions {
  readonly escape: '\\' | '`';
  /** False where quotes are text like any other. */
  readonly quotes: boolean;
  readonly lookup: (name: string) => string | undefined;
  /** Of the whole file. */
  readonly limit: WorkLimit | undefined;
}

/** `$@`, `$*` and so on are names, mostly without a value. */
const SPECIAL_PARAMETERS = '@*#?-$!';
/** Deeper nesting of `${…${…}}` is refused rather than risking the stack. */
const MAX_DEPTH = 200;
/**
 * All that is substituted in one text may have this many characters. Four times what Linux passes to a program in one variable;
 * without a limit, `${V//?/${V//?/…}}` and ten lines of `ENV A=$A$A` fill any memory.
 */
const MAX_SUBSTITUTED = 512 * 1024;
/** Steps that all patterns of one text may take: pattern length times value length, a tenth of a second or two. */
const MAX_STEPS = 4_000_000;

/** Expands one word, reading it once from left to right. Throws BuildError without a range. */
export class WordLexer {
  readonly #chars: readonly string[];
  readonly #options: LexerOptions;
  #at = 0;
  #depth = 0;
  #substituted = 0;
  #steps = 0;

  constructor(word: string, options: LexerOptions) {
    this.#chars = [...word];
    this.#options = options;
  }

  /** The expanded text. */
  expand(): string {
    return this.#readUntil(undefined, false);
  }

  /** The expanded text split into words. */
  expandWords(): string[] {
    const words = new WordSplitter();
    this.#readUntil(undefined, false, words);
    return words.finish();
  }

  /**
   * Reads up to and over `stop`, or to the end. With `keepEscapes` escapes stay, for they mean something in patterns.
   * Returns undefined in place of the text when `stop` never comes.
   */
  #readUntil(stop: undefined, keepEscapes: boolean, words?: WordSplitter): string;
  #readUntil(stop: string, keepEscapes: boolean): string | undefined;
  #readUntil(stop: string | undefined, keepEscapes: boolean, words?: WordSplitter): string | undefined {
    const { escape, quotes } = this.#options;
    const text: string[] = [];
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === stop) {
        this.#at += 1;
        return text.join('');
      }
      let piece: string;
      let quoted = true;
      if (char === '$') {
        piece = this.#dollar();
        quoted = false;
      } else if (quotes && char === "'") piece = this.#singleQuoted();
      else if (quotes && char === '"') piece = this.#doubleQuoted(keepEscapes);
      else if (char === escape) {
        this.#at += 1;
        // An escape at the very end escapes nothing.
        piece = (keepEscapes ? escape : '') + (this.#next() ?? '');
      } else {
        piece = this.#next() ?? '';
        quoted = false;
      }
      text.push(piece);
      if (quoted) words?.addQuoted(piece);
      else words?.add(piece);
    }
    return stop === undefined ? text.join('') : undefined;
  }

  #singleQuoted(): string {
    const end = this.#chars.indexOf("'", this.#at + 1);
    if (end < 0) throw invalid('unexpected end of statement while looking for matching single-quote');
    const text = this.#chars.slice(this.#at + 1, end).join('');
    this.#at = end + 1;
    return text;
  }

  #doubleQuoted(keepEscapes: boolean): string {
    const { escape } = this.#options;
    const text: string[] = [];
    this.#at += 1;
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === '$') {
        text.push(this.#dollar());
        continue;
      }
      this.#at += 1;
      if (char === '"') return text.join('');
      const next = this.#peek();
      if (char === escape && (next === '"' || next === '$' || next === escape)) {
        this.#at += 1;
        text.push(keepEscapes ? char + next : next);
      } else text.push(char);
    }
    throw invalid(
      'unexpected end of statement while looking for matching double-quote',
      undefined,
      'Close the quote, or write \\" for a literal one.',
    );
  }

  #dollar(): string {
    const value = this.#variable();
    this.#substituted += value.length;
    if (this.#substituted > MAX_SUBSTITUTED) throw tooLong();
    this.#options.limit?.characters(value.length);
    return value;
  }

  #variable(): string {
    this.#at += 1;
    if (this.#peek() !== '{') {
      const name = this.#name();
      return name === '' ? '$' : (this.#options.lookup(name) ?? '');
    }
    this.#at += 1;
    this.#depth += 1;
    if (this.#depth > MAX_DEPTH) throw invalid('substitutions are nested too deep');
    const value = this.#substitution();
    this.#depth -= 1;
    return value;
  }

  /** What stands behind `${`. */
  #substitution(): string {
    const first = this.#peek();
    if (first === undefined) throw missingBrace();
    if (first === '{' || first === '}' || first === ':') throw invalid('syntax error: bad substitution');
    const name = this.#name();
    const modifier = this.#next();
    if (modifier === undefined) throw missingBrace();
    if (modifier === '}') return this.#options.lookup(name) ?? '';
    if (modifier === '/') return this.#replacement(name);
    if (modifier !== ':') return this.#modified(name, modifier, false);
    return this.#modified(name, this.#next() ?? '', true);
  }

  /** `${V-w}`, `${V+w}`, `${V?m}`, each also with a colon: then an empty value counts as none; `${V#p}` and `${V%p}` without. */
  #modified(name: string, modifier: string, emptyIsUnset: boolean): string {
    const trims = modifier === '#' || modifier === '%';
    if (modifier === '' || !'-+?#%'.includes(modifier) || (trims && emptyIsUnset)) {
      const shown = (emptyIsUnset ? ':' : '') + modifier;
      throw invalid(`unsupported modifier (${shown}) in substitution`);
    }
    const word = this.#readUntil('}', trims);
    if (word === undefined) throw missingBrace();
    const value = this.#options.lookup(name);
    if (trims) return this.#trimmed(value ?? '', modifier, word);
    const present = value !== undefined && !(emptyIsUnset && value === '');
    if (modifier === '+') return present ? word : '';
    if (present) return value;
    if (modifier === '-') return word;
    throw invalid(`${name}: ${word || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
  }

  /** `${V/p/r}` and `${V//p/r}`, behind the first slash. */
  #replacement(name: string): string {
    const all = this.#peek() === '/';
    if (all) this.#at += 1;
    const pattern = this.#readUntil('/', true);
    if (pattern === undefined) throw invalid("syntax error: missing '/' in ${}");
    const replacement = this.#readUntil('}', true);
    if (replacement === undefined) throw missingBrace();
    const value = this.#options.lookup(name) ?? '';
    const replaced = replaceGlob(value, this.#glob(pattern, value), replacement, { all, limit: MAX_SUBSTITUTED });
    if (replaced === undefined) throw tooLong();
    return replaced;
  }

  /** A doubled `#` or `%` takes the longest match. */
  #trimmed(value: string, modifier: string, word: string): string {
    const longest = word.startsWith(modifier);
    const glob = this.#glob(longest ? word.slice(1) : word, value);
    return modifier === '#' ? removePrefix(value, glob, longest) : removeSuffix(value, glob, longest);
  }

  /** The pattern, about to be matched against `value`. */
  #glob(pattern: string, value: string): Glob {
    const glob = parseGlob(pattern);
    if (typeof glob === 'string') throw invalid(`invalid pattern (${pattern}) in substitution: ${glob}`);
    const steps = matchingSteps(value, glob);
    this.#steps += steps;
    this.#options.limit?.steps(steps);
    if (this.#steps > MAX_STEPS) throw invalid('the patterns and values of the substitutions are too long');
    return glob;
  }

  /** A name: letters, digits and `_`; digits alone; or one special parameter. Empty when none stands here. */
  #name(): string {
    const first = this.#peek() ?? '';
    if (first !== '' && SPECIAL_PARAMETERS.includes(first)) return this.#next() ?? '';
    const allowed = /\p{Nd}/u.test(first) ? /\p{Nd}/u : /[\p{L}\p{Nd}_]/u;
    const start = this.#at;
    while (allowed.test(this.#peek() ?? '')) this.#at += 1;
    return this.#chars.slice(start, this.#at).join('');
  }

  #peek(): string | undefined {
    return this.#chars[this.#at];
  }

  #next(): string | undefined {
    const char = this.#chars[this.#at];
    this.#at += 1;
    return char;
  }
}

function tooLong(): Error {
  return invalid(`the substitutions produce more than ${MAX_SUBSTITUTED} characters`);
}

function missingBrace(): Error {
  return invalid("syntax error: missing '}'");
}
