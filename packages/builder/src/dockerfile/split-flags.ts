import { isBlank, trim } from './blanks.ts';

/**
 * Takes the leading `--flag` words off an instruction's arguments. Quotes and escapes are removed from them; a bare `--` ends them.
 */
export function splitFlags(
  text: string,
  escape: '\\' | '`',
): { readonly flags: readonly string[]; readonly rest: string } {
  const flags: string[] = [];
  let at = 0;
  for (;;) {
    while (at < text.length && isBlank(text[at])) at += 1;
    if (!text.startsWith('--', at)) return { flags, rest: trim(text.slice(at)) };
    const { word, end } = readFlag(text, at, escape);
    at = end;
    if (word === '--') return { flags, rest: trim(text.slice(at)) };
    flags.push(word);
  }
}

function readFlag(text: string, start: number, escape: string): { readonly word: string; readonly end: number } {
  let word = '';
  let quote = '';
  let at = start;
  for (; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quote === '' && isBlank(char)) break;
    if (char === escape) {
      at += 1;
      word += text[at] ?? '';
    } else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
    else word += char;
  }
  return { word, end: at };
}
