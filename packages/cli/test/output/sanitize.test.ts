import { assert, constantFrom, property, string } from 'fast-check';
import { expect, it } from 'vitest';
import { sanitizeLine, sanitizeName, sanitizeText } from '../../src/output/sanitize.ts';

it.each([
  ['plain\ttext', 'plain\ttext'],
  ['\x1b[1;31mred\x1b[m', 'red'],
  ['\x1b[?25l\x1b[2K\x1b[1Ax', 'x'],
  ['\x1b]0;title\x07x', 'x'],
  ['\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\', 'link'],
  ['\x1b]52;c;never ends', ''],
  ['\x1bPq#0;2\x1b\\x', 'x'],
  ['\x1b(Bx\x1b=y\x1bcz', 'xyz'],
  ['\x9b31mx\x9d0;t\x9cy', 'xy'],
  ['a\x00b\x07c\x08d\x7fe', 'abcde'],
  ['10%\r20%\r30%', '30%'],
  ['windows\r', 'windows'],
  ['evil\u202etxt', 'evil\ufffdtxt'],
  ['\x1b', ''],
  ['\x1b[', ''],
])('%j becomes %j', (line, clean) => {
  expect(sanitizeLine(line)).toBe(clean);
});

it('shows control characters in names', () => {
  expect(sanitizeText('a\x1b[2Jb\nc\x9b')).toBe('a\\u001b[2Jb\nc\\u009b');
  expect(sanitizeName('RUN <<EOF\nrm\nEOF')).toBe('RUN <<EOF …');
});

it('shows what reorders text and ends lines, and leaves line ends of both kinds', () => {
  expect(sanitizeText('\u061c\u2028\u202e\r\n\r')).toBe('\\u061c\\u2028\\u202e\r\n\\u000d');
});

it('leaves a JSON document the same document', () => {
  assert(
    property(string({ unit: 'binary' }), (text) => {
      const json = JSON.stringify({ [text]: text }, undefined, 2);
      expect(JSON.parse(sanitizeText(json))).toEqual(JSON.parse(json));
      expect(sanitizeText(json)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028]/);
    }),
  );
});

it('leaves nothing that a terminal obeys in any text', () => {
  const wild = string({
    unit: constantFrom(
      '\u2028',
      '\u202e',
      '\u061c',
      '\n',
      '\x1b',
      '[',
      ']',
      '\x07',
      '\r',
      'm',
      ';',
      '0',
      '\x9b',
      '\x9c',
      'P',
      '\\',
      'x',
      '\x00',
    ),
  });
  assert(
    property(wild, (text) => {
      expect(sanitizeLine(text)).not.toMatch(/[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u202e\u061c]/);
      expect(sanitizeText(text)).not.toMatch(/\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u202e\u061c]/);
    }),
  );
});
