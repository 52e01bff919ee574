import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dumpDockerfile, dumpInstruction } from '../../src/dockerfile/dump.ts';
import type { Dockerfile } from '../../src/dockerfile/instruction.ts';
import { parseDockerfile, parseTrigger } from '../../src/dockerfile/parser.ts';
import type { SourceRange } from '../../src/diagnostics/source-file.ts';
import type { BuildError } from '../../src/diagnostics/build-error.ts';
import { errorOf } from './error-of.ts';
import { describeGoldens } from './golden.ts';

const parse = (text: string): Dockerfile => parseDockerfile({ name: 'Dockerfile', text });

/** `line:column message`, and the hint in a line of its own. */
function showError(error: BuildError | undefined): string {
  if (error === undefined) return 'no error was thrown\n';
  const { code, message, range, hint } = error;
  if (code !== 'DOCKERFILE_INVALID') return `wrong code ${code}\n`;
  const place = range === undefined ? 'nowhere' : `${range.start.line}:${range.start.column}`;
  return `${place} ${message}\n${hint === undefined ? '' : `hint: ${hint}\n`}`;
}

describeGoldens('dockerfiles', 'ast.txt', (text) => dumpDockerfile(parse(text)));
describeGoldens('dockerfiles-invalid', 'error.txt', (text) => showError(errorOf(() => parse(text))));

describe('parseDockerfile', () => {
  it('keeps the keyword as written and the text in one line', () => {
    const { instructions } = parse('FROM scratch\n  rUn  a \\\n# comment\n   b <<EOF  \nbody\nEOF\n');
    expect(instructions[1]).toMatchObject({
      keyword: 'rUn',
      text: 'rUn  a    b <<EOF',
      range: { start: { line: 2, column: 2 }, end: { line: 6, column: 3 } },
    });
  });

  it('points at the flag that is wrong, on its own line', () => {
    const range = errorOf(() => parse('FROM scratch\nCOPY --link \\\n  --chwon=1 a b'))?.range;
    expect(range).toEqual({ start: { line: 3, column: 2 }, end: { line: 3, column: 9 } });
  });

  it('points at the whole instruction, heredocs included, when no word is to blame', () => {
    const range = errorOf(() => parse('FROM scratch\nCOPY <<EOF\n\nEOF\nRUN a'))?.range;
    expect(range).toEqual({ start: { line: 2, column: 0 }, end: { line: 4, column: 3 } });
  });

  it('accepts a line of 65535 bytes and none longer', () => {
    const line = (bytes: number): string => `RUN ${'a'.repeat(bytes - 4)}`;
    expect(parse(`FROM scratch\n${line(65_535)}\nRUN b`).instructions).toHaveLength(3);
    const error = errorOf(() => parse(`FROM scratch\n${line(65_536)}\nRUN b`));
    expect(error?.message).toBe('dockerfile line greater than max allowed size of 65535');
    expect(error?.range).toEqual({ start: { line: 2, column: 0 }, end: { line: 2, column: 65_536 } });
    const wide = `RUN a${'ü'.repeat(32_765)}`; // two bytes each
    expect(parse(`FROM scratch\n${wide}\n`).instructions).toHaveLength(2);
    expect(errorOf(() => parse(`FROM scratch\n${wide}b\n`))?.message).toContain('65535');
  });

  // With work that grows as the square of the text these would not end before the test's time is over.
  it('takes time in proportion to a heredoc word', () => {
    const word = `<<${'a\\\n'.repeat(500_000)}`;
    expect(errorOf(() => parse(`FROM scratch\nRUN ${word}`))?.message).toBe('unterminated heredoc');
  });

  it('has no limit for what continuations make together', () => {
    const lines = `${'a'.repeat(60_000)} \\\n`.repeat(5);
    expect(parse(`FROM scratch\nRUN ${lines}b`).instructions[1]?.text).toHaveLength(5 * 60_001 + 5);
  });

  it('takes time in proportion to the text, however odd the text', () => {
    const many = 100_000;
    const odd = ['ONBUILD '.repeat(many), `RUN <<${' '.repeat(many)}<<`, `COPY ${'--exclude=a '.repeat(many / 4)}b c`];
    const texts = [...odd, `ENV ${'A="b" '.repeat(many / 4)}`, `RUN ${'['.repeat(many)}`, `RUN ${'\\\n'.repeat(many)}`];
    const ends = texts.map((text) => errorOf(() => parse(`FROM scratch\n${text}\n`)) ?? 'read');
    expect(ends).toHaveLength(texts.length);
  });

  it('throws nothing but BuildError with a range inside the file', () => {
    const piece = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.constantFrom('FROM a\n', 'RUN ', 'COPY ', 'ENV ', 'ONBUILD ', 'HEALTHCHECK ', 'SHELL ', 'ARG '),
      },
      {
        weight: 4,
        arbitrary: fc.constantFrom(
          '\n',
          '\\\n',
          '`\n',
          ' ',
          '--',
          '=',
          '<<EOF',
          '\nEOF\n',
          '["a"]',
          '#',
          '"',
          "'",
          '\r\n',
        ),
      },
      { weight: 2, arbitrary: fc.string({ maxLength: 5 }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          '# escape=`\n',
          '\uFEFF',
          '# syntax=a\n',
          '--link',
          '--chown=1',
          '--mount=',
          '\0',
          '🐳',
        ),
      },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const lines = text.split('\n');
        const ranges: (SourceRange | undefined)[] = [];
        const error = errorOf(() => ranges.push(...parse(text).instructions.map(({ range }) => range)));
        if (error !== undefined) ranges.push(error.range);
        for (const range of ranges) {
          expect(range?.start.line).toBeGreaterThan(0);
          expect(range?.end.line).toBeLessThanOrEqual(lines.length);
          expect(range?.end.column).toBeLessThanOrEqual(lines[(range?.end.line ?? 1) - 1]?.length ?? 0);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('reads any text at all', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(errorOf(() => parse(`${text}\nFROM`))?.range).toBeDefined();
      }),
    );
  });
});

describe('parseTrigger', () => {
  const range = { start: { line: 7, column: 1 }, end: { line: 7, column: 20 } };

  it('parses what ONBUILD stored, at the place it is given', () => {
    const { instructions } = parse('FROM scratch\nONBUILD COPY <<-"EOF" x /dir/\n\tone\n\tEOF\n');
    const stored = instructions[1];
    const trigger = stored?.kind === 'onbuild' ? stored.trigger : '';
    expect(trigger).toBe('COPY <<-"EOF" x /dir/\n\tone\nEOF');
    const parsed = parseTrigger(trigger, range);
    const heredoc = '(heredocs ((name "EOF") chomp (fileDescriptor 0) (content "one\\n")))';
    expect(dumpInstruction(parsed)).toBe(`7:1-7:20 (copy (sources "x") (destination "/dir/") ${heredoc})`);
  });

  it.each([
    ['RUN <<EOF\na', 'unterminated heredoc'],
    ['', 'an ONBUILD trigger is empty'],
    ['RUN a\nRUN b', 'an ONBUILD trigger must be a single instruction'],
    ['ONBUILD RUN a', "ONBUILD isn't allowed as an ONBUILD trigger"],
    ['FROM scratch', "FROM isn't allowed as an ONBUILD trigger"],
    ['COPY --chwon=1 a b', 'unknown flag: --chwon (did you mean chown?)'],
    ['CMD [1]', 'when using JSON array syntax, arrays must be comprised of strings only'],
  ])('refuses %j', (text, message) => {
    expect(errorOf(() => parseTrigger(text, range))).toMatchObject({ message, range });
  });
});
