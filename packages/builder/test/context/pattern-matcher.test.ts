import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanFilePath } from '../../src/context/clean-path.ts';
import { compilePatterns, type DirectoryMatch, trimBlanks } from '../../src/context/pattern-matcher.ts';

/**
 * The same language by another road: a regular expression for each whole path, asked of all parents from the top, with
 * a list of which patterns hold where.
 */
function oracle(patterns: readonly string[], path: string): boolean {
  const held = patterns.map(() => false);
  let ignored = false;
  for (let end = path.indexOf('/'); ; end = path.indexOf('/', end + 1)) {
    const parent = end < 0 ? path : path.slice(0, end);
    ignored = false;
    for (const [index, line] of patterns.entries()) {
      const cleaned = cleanFilePath(line);
      const exception = cleaned.startsWith('!');
      held[index] ||= exception === ignored && wholeMatch(exception ? cleaned.slice(1) : cleaned, parent);
      if (held[index]) ignored = !exception;
    }
    if (end < 0) return ignored;
  }
}

function wholeMatch(pattern: string, path: string): boolean {
  if (/^\*\*[^*?[\]\\]*$/.test(pattern)) {
    const end = pattern.slice(2);
    return path.endsWith(end) || `/${path}` === end;
  }
  if (/^[^*?[\]\\]*\*\*$/.test(pattern)) return path.startsWith(pattern.slice(0, -2));
  const expression = pattern.replace(/\*\*\/?$|\*\*\/?|\*|\?|\[\^?|\\.|[.+()|{}$]/g, (special, at: number) => {
    if (special.startsWith('**')) return at + special.length === pattern.length ? '.*' : '(.*/)?';
    if (special === '*') return '[^/]*';
    if (special === '?') return '[^/]';
    if (special.startsWith('[')) return `(?!/)${special}`;
    return special.startsWith('\\') ? special.replace(/\\([a-z])/, '$1') : `\\${special}`;
  });
  return new RegExp(`^${expression}$`, 's').test(path);
}

const segment = fc.constantFrom(
  'a',
  'b',
  'ab',
  'c',
  '*',
  '?',
  'a*',
  '*b',
  '**',
  '[ab]',
  '[^a]',
  'a**',
  '**b',
  'a**b',
  '?b',
  '\\a',
  '*a*',
  '..',
  '.',
);
const pattern = fc
  .tuple(fc.constantFrom('', '', '!'), fc.array(segment, { minLength: 1, maxLength: 4 }), fc.constantFrom('', '/'))
  .map(([mark, names, end]) => mark + names.join('/') + end)
  .filter((line) => cleanFilePath(line) !== '!');
const patterns = fc.array(pattern, { maxLength: 6 });
const anyPath = fc
  .array(fc.constantFrom('a', 'b', 'ab', 'c', 'aab', 'abb'), { minLength: 1, maxLength: 4 })
  .map((names) => names.join('/'));

describe('PatternMatcher', () => {
  it('agrees with regular expressions on whole paths and their parents', () => {
    fc.assert(
      fc.property(patterns, fc.array(anyPath, { minLength: 1, maxLength: 20 }), (lines, paths) => {
        const matcher = compilePatterns(lines);
        expect(paths.map((one) => [one, matcher.matches(one)])).toEqual(paths.map((one) => [one, oracle(lines, one)]));
      }),
      { numRuns: 1000 },
    );
  });

  it('gives the same set by a walk that skips what cannot hold anything', () => {
    fc.assert(
      fc.property(patterns, fc.uniqueArray(anyPath, { minLength: 1, maxLength: 30 }), (lines, paths) => {
        const matcher = compilePatterns(lines);
        const kept = new Set<string>();
        const walk = (directory: string, match: DirectoryMatch): void => {
          expect(match.canInclude).toBe(true);
          const prefix = directory === '' ? '' : `${directory}/`;
          const below = paths.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
          for (const name of new Set(below.map((rest) => rest.split('/')[0] ?? ''))) {
            if (below.includes(name) && !match.ignores(name)) kept.add(prefix + name);
            const child = match.child(name);
            expect(child.ignored).toBe(match.ignores(name));
            if (child.canInclude) walk(prefix + name, child);
          }
        };
        walk('', matcher.root());
        expect([...kept].toSorted()).toEqual(paths.filter((one) => !matcher.matches(one)).toSorted());
      }),
      { numRuns: 400 },
    );
  });

  it('prunes: an ignored directory is entered only for a later exception that can match in it', () => {
    const canInclude = (lines: string[], ...names: string[]): boolean =>
      names.reduce((match, name) => match.child(name), compilePatterns(lines).root()).canInclude;
    expect(canInclude(['node_modules'], 'node_modules')).toBe(false);
    expect(canInclude(['node_modules', '!src/x'], 'node_modules')).toBe(false);
    expect(canInclude(['node_modules', '!node_modules/x'], 'node_modules')).toBe(true);
    expect(canInclude(['node_modules', '!node_modules/x/y'], 'node_modules', 'z')).toBe(false);
    expect(canInclude(['!node_modules/x', 'node_modules'], 'node_modules')).toBe(false);
    expect(canInclude(['**', '!**/*.md'], 'a', 'b', 'c')).toBe(true);
    expect(canInclude(['!**/*.md', '**'], 'a', 'b')).toBe(false);
    // "a" is not asked where "**" has spoken, so it cannot outrank the exception.
    expect(canInclude(['**', '!**/*.md', 'a'], 'a', 'b')).toBe(true);
  });

  it('matches names that are not UTF-8 byte by byte', () => {
    const matcher = compilePatterns(['a?c', '*.bin', 'x[^y]z']);
    for (const name of ['a\xffc', '\xff\xfe.bin', 'x\xffz', 'a\xc3\xa4c'])
      expect(matcher.matches(name), name).toBe(true);
    for (const name of ['a\xff\xfec', 'a\xc3c\xa4', 'a\xa4\xc3c', 'a\xed\xa0\x80c', 'a\xc0\xafc']) {
      expect(matcher.matches(name), name).toBe(false);
    }
  });

  it('matches names with newlines', () => {
    const matcher = compilePatterns(['**/a*b', '**/x?y']);
    for (const path of ['a\nb', 'd\nd/a\nb', 'x\ny']) expect(matcher.matches(path)).toBe(true);
  });

  it('refuses a malformed pattern, with what is wrong', () => {
    expect(() => compilePatterns(['ok', '[a'])).toThrow(
      expect.objectContaining({ code: 'IGNORE_INVALID', message: 'syntax error in pattern: "[a"' }),
    );
    expect(() => compilePatterns(['!'])).toThrow('illegal exclusion pattern: "!"');
    expect(() => compilePatterns(['x**'.repeat(20)])).toThrow('too many ** in pattern');
    const lines = Array.from({ length: 3000 }, () => '**a**b**c**d**e');
    expect(() => compilePatterns(lines)).toThrow('too many patterns with ** next to a name');
    // As many ** in a row say no more than one.
    expect(compilePatterns([`a/${'**/'.repeat(20_000)}b`]).matches('a/x/y/b')).toBe(true);
    // Long before the stack ends.
    expect(() => compilePatterns(['x**'.repeat(20_000)])).toThrow('too many ** in pattern');
  });

  it('answers hostile patterns, on which backtracking would never end', () => {
    const matcher = compilePatterns([`${'*a'.repeat(50)}b`, '**/'.repeat(50) + 'x', `**/${'?*'.repeat(40)}z`]);
    expect(matcher.matches(`${'a/'.repeat(60)}${'a'.repeat(255)}`)).toBe(false);
  });
});

describe('cleanFilePath', () => {
  it.each([
    ['', '.'],
    ['.', '.'],
    ['..', '..'],
    ['/', '/'],
    ['//', '/'],
    ['a//b', 'a/b'],
    ['a/', 'a'],
    ['./a/.', 'a'],
    ['a/..', '.'],
    ['a/../..', '..'],
    ['/..', '/'],
    ['/../a', '/a'],
    ['../../a', '../../a'],
    ['a/b/../../c', 'c'],
    ['a/../../b', '../b'],
    ['!/a', '!/a'],
    ['...', '...'],
  ])('%j is %j', (path, cleaned) => {
    expect(cleanFilePath(path)).toBe(cleaned);
  });
});

describe('trimBlanks', () => {
  it('takes time in proportion to the line: the square of it would outlast the test', () => {
    expect(trimBlanks(`a${'\t'.repeat(2_000_000)}b `)).toHaveLength(2_000_002);
    expect(trimBlanks('\xe2\x80\xaf'.repeat(1_000_000))).toBe('');
  });

  it('drops what Unicode calls white space, in UTF-8', () => {
    const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
    expect(trimBlanks(utf8('\u3000\u00a0\t a b \u2028\u0085\v\r'))).toBe('a b');
    expect(trimBlanks('\xa0a\x85')).toBe('\xa0a\x85');
  });
});
