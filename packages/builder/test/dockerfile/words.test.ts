import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandHeredoc, expandWord, expandWords } from '../../src/dockerfile/words.ts';
import { BuildError } from '../../src/diagnostics/build-error.ts';
import { errorOf } from './error-of.ts';

const FIXTURE = new URL('../../../../fixtures/words.txt', import.meta.url);

interface Case {
  readonly line: number;
  readonly mode: string;
  readonly escape: '\\' | '`';
  readonly variables: ReadonlyMap<string, string>;
  readonly input: string;
  readonly expected: string;
}

function readCases(): Case[] {
  const cases: Case[] = [];
  let mode = 'word';
  let escape: '\\' | '`' = '\\';
  for (const [index, text] of readFileSync(FIXTURE, 'utf8').split('\n').entries()) {
    if (text.startsWith('@escape')) escape = text.endsWith('`') ? '`' : '\\';
    else if (text.startsWith('@') && !/ ; /.test(text)) mode = text.slice(1);
    else if (text !== '' && !text.startsWith('#')) cases.push({ line: index + 1, mode, escape, ...readCase(text) });
  }
  return cases;
}

function readCase(text: string): Pick<Case, 'variables' | 'input' | 'expected'> {
  const match = /^(?:(.*?) )?; (?:(.*) )?\|(?: (.*))?$/.exec(text);
  if (match === null) throw new Error(`not a case: ${text}`);
  const pairs = match[1] === undefined ? [] : match[1].split(',');
  const variables = new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  return { variables, input: match[2] ?? '', expected: match[3] ?? '' };
}

function run({ mode, escape, variables, input }: Case): string {
  const lookup = (name: string): string | undefined => variables.get(name);
  try {
    if (mode === 'words') return JSON.stringify(expandWords(input, lookup, { escape }));
    return mode === 'heredoc' ? expandHeredoc(input, lookup) : expandWord(input, lookup, { escape });
  } catch (error) {
    if (!(error instanceof BuildError)) throw error;
    return `error: ${error.message.replace(`failed to process ${JSON.stringify(input)}: `, '')}`;
  }
}

describe('fixtures/words.txt', () => {
  const cases = readCases();

  it('has every mode', () => {
    expect(new Set(cases.map(({ mode }) => mode))).toEqual(new Set(['word', 'words', 'heredoc']));
    expect(cases.length).toBeGreaterThan(150);
  });

  it.each(cases)('line $line: $input', (one) => {
    expect(run(one)).toBe(one.expected);
  });
});

describe('expandWord', () => {
  const none = (): undefined => undefined;

  it('reports each unset name once, also when it fails', () => {
    const names: string[] = [];
    const options = { escape: '\\', onUndefined: (name: string) => names.push(name) } as const;
    expandWord('$A ${B:-x} $A $C', (name) => (name === 'C' ? '' : undefined), options);
    expect(names).toEqual(['A', 'B']);
    expect(() => expandWord('$D ${E', none, options)).toThrow(BuildError);
    expect(names).toEqual(['A', 'B', 'D']);
  });

  it('says which word failed', () => {
    const error = errorOf(() => expandWord('a ${V', none, { escape: '\\' }));
    expect(error).toMatchObject({
      code: 'DOCKERFILE_INVALID',
      message: `failed to process "a ${'${V'}": syntax error: missing '}'`,
    });
  });

  it('keeps newlines, and escapes one like any other character', () => {
    expect(expandHeredoc('a\n\\\n"$V"\n', () => 'x\ny')).toBe('a\n\n"x\ny"\n');
    expect(expandWord('${V%%*}', () => 'x\ny', { escape: '\\' })).toBe('');
  });

  it('refuses endless nesting', () => {
    expect(() => expandWord('${a:-'.repeat(50_000), none, { escape: '\\' })).toThrow('nested too deep');
  });

  it('matches hostile patterns in no time', () => {
    const value = 'a'.repeat(2000);
    const pattern = '*a'.repeat(100);
    expect(expandWord(`\${V//${pattern}b/x}\${V##${pattern}}`, () => value, { escape: '\\' })).toBe(value);
  });

  it('gives text without special characters back as it is', () => {
    const plain = fc.string({ unit: 'grapheme' }).filter((text) => !/['"\\$]/.test(text));
    fc.assert(fc.property(plain, (text) => void expect(expandWord(text, none, { escape: '\\' })).toBe(text)));
  });

  it('undoes quoting', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const quoted = `"${text.replace(/["\\$]/g, '\\$&')}"`;
        const single = `'${text.replaceAll("'", `'"'"'`)}'`;
        const options = { escape: '\\' } as const;
        expect(expandWord(quoted, none, options)).toBe(text);
        expect(expandWord(single, none, options)).toBe(text);
      }),
    );
  });

  it('throws nothing but BuildError', () => {
    const unit = fc.constantFrom(...'$${{}}:-+?#%/\\\'"` aV*'.split(''));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 40 }), fc.constantFrom('\\', '`'), (text, escape) => {
        const some = errorOf(() => expandWords(text, (name) => (name === 'a' ? 'x y*' : undefined), { escape }));
        const other = errorOf(() => expandHeredoc(text, none));
        for (const error of [some, other]) expect(error?.code ?? 'DOCKERFILE_INVALID').toBe('DOCKERFILE_INVALID');
      }),
      { numRuns: 2000 },
    );
  });
});

describe('substitutions that are small to write and great to make', () => {
  const variables = new Map([
    ['L', 'a'.repeat(3000)],
    ['X', 'a'.repeat(60_000)],
  ]);
  const messageOf = (word: string): string | undefined =>
    errorOf(() => expandWord(word, (name) => variables.get(name), { escape: '\\' }))?.message;

  it.each([
    [
      'replacements within replacements',
      '${L//?/${L//?/x$L}}',
      'the substitutions produce more than 524288 characters',
    ],
    ['a variable many times over', '$L'.repeat(200), 'the substitutions produce more than 524288 characters'],
    [
      'a long pattern and a long value',
      `\${X//${'a'.repeat(60_000)}/}`,
      'the patterns and values of the substitutions are too long',
    ],
    [
      'many patterns',
      `\${X#${'*a'.repeat(50)}}`.repeat(100),
      'the patterns and values of the substitutions are too long',
    ],
  ])('refuses %s', (_, word, message) => {
    expect(messageOf(word)).toContain(message);
  });

  it('takes what people write', () => {
    expect(messageOf('$X$X$X$X')).toBeUndefined();
    expect(messageOf('${X//?/bc}')).toBeUndefined();
  });
});
