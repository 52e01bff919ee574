import { utf8ToByteString } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import { compileName, matchesName, PatternSyntaxError } from '../../src/context/name-pattern.ts';

const cases: [pattern: string, matching: string[], others: string[]][] = [
  ['abc', ['abc'], ['ab', 'abcd', '']],
  ['*', ['', 'a', 'abc'], []],
  ['*c', ['c', 'abc'], ['ca']],
  ['a*', ['a', 'abc'], ['ba', '']],
  ['a*a', ['aa', 'aba'], ['a', 'ab']],
  ['**', ['', 'x'], []],
  ['a*b*c*d*e*', ['axbxcxdxe', 'abcde', 'axbxcxdxexxx'], ['axbxcxdx']],
  ['a*b?c*x', ['abxbbxdbxebxczzx'], ['abxbbxdbxebxczzy']],
  ['ab[c]', ['abc'], ['ab', 'abd']],
  ['ab[b-d]', ['abc', 'abb', 'abd'], ['aba', 'abe']],
  ['ab[^b-d]', ['aba', 'abe'], ['abc', 'ab']],
  ['a\\*b', ['a*b'], ['ab', 'axb', 'a\\*b']],
  ['\\a\\b', ['ab'], ['\\a\\b']],
  ['a?b', ['a☺b', 'aäb', 'a😀b'], ['ab', 'axxb']],
  ['a[^a]b', ['a☺b'], ['aab']],
  ['a???b', ['axyzb'], ['a☺b']],
  ['[a-ζ]*', ['α', 'b'], ['A']],
  ['*[a-ζ]', ['Aα'], ['A']],
  ['[\\]a]', [']', 'a'], ['b', '\\']],
  ['[\\-]', ['-'], ['\\']],
  ['[x\\-]', ['x', '-'], ['z', '\\']],
  ['[\\-x]', ['x', '-'], ['a']],
  ['[*?[]', ['*', '?', '['], ['a']],
  ['[^^]', ['a'], ['^']],
  ['[a^]', ['a', '^'], ['b']],
  ['a]', ['a]'], ['a']],
  ['-', ['-'], []],
  ['*x', ['xxx', 'x'], ['xxa']],
  ['?*?', ['ab', 'abc'], ['a']],
  ['*?', ['a', 'ab'], ['']],
];

describe('a pattern for one name', () => {
  it.each(cases)('%j', (pattern, matching, others) => {
    const compiled = compileName(utf8ToByteString(pattern));
    for (const name of matching) expect(matchesName(compiled, utf8ToByteString(name)), name).toBe(true);
    for (const name of others) expect(matchesName(compiled, utf8ToByteString(name)), name).toBe(false);
  });

  it.each([
    '[]a]',
    '[-]',
    '[x-]',
    '[-x]',
    '\\',
    'a\\',
    '[a-b-c]',
    '[',
    '[^',
    '[^bc',
    'a[',
    '[]',
    '[^]',
    '[a-',
    '[\\',
    '[\\]',
    '[z-a]',
    '*[a',
    '[a\xff]',
  ])('refuses %j', (pattern) => {
    expect(() => compileName(pattern)).toThrow(PatternSyntaxError);
  });
});
