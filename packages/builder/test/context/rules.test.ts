import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8ToByteString } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import { parseIgnoreFile } from '../../src/context/ignore-file.ts';

interface Rule {
  readonly title: string;
  readonly file: string;
  readonly ignored: readonly string[];
  readonly kept: readonly string[];
  readonly error: string | undefined;
}

function readRules(): Rule[] {
  const text = readFileSync(join(import.meta.dirname, '../../../../fixtures/ignore/rules.txt'), 'utf8');
  return text.split(/^== /m).slice(1).map(readRule);
}

function readRule(text: string): Rule {
  const [title = '', ...lines] = text.split('\n');
  const behind = (mark: string): string[] =>
    lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(mark.length));
  const paths = (mark: string): string[] =>
    behind(mark).flatMap((line) => line.split(' ').filter((path) => path !== ''));
  const file = behind('|')
    .map((line) => line.slice(1))
    .join('\n');
  return { title, file, ignored: paths('ignored:'), kept: paths('kept:'), error: behind('error:')[0]?.trim() };
}

const rules = readRules();

describe('.dockerignore rules', () => {
  it('are many', () => {
    expect(rules.length).toBeGreaterThan(70);
    expect(rules.every(({ ignored, kept, error }) => ignored.length + kept.length > 0 || error !== undefined)).toBe(
      true,
    );
  });

  it.each(rules.filter(({ error }) => error === undefined))('$title', ({ file, ignored, kept }) => {
    const { matcher } = parseIgnoreFile('.dockerignore', Buffer.from(file));
    const verdicts = (paths: readonly string[]) => paths.map((path) => [path, matcher.matches(utf8ToByteString(path))]);
    expect(verdicts(ignored)).toEqual(ignored.map((path) => [path, true]));
    expect(verdicts(kept)).toEqual(kept.map((path) => [path, false]));
  });

  it.each(rules.filter(({ error }) => error !== undefined))('refused: $title', ({ file, error = '' }) => {
    const [line, ...message] = error.split(' ');
    expect(() => parseIgnoreFile('.dockerignore', Buffer.from(file))).toThrow(
      expect.objectContaining({
        code: 'IGNORE_INVALID',
        message: expect.stringContaining(`.dockerignore:${line}: ${message.join(' ')}`),
        range: expect.objectContaining({ start: { line: Number(line), column: 0 } }),
      }),
    );
  });
});
