import { isBlank } from './blanks.ts';

/** The blanks that part words: the Dockerfile language has no newline within an instruction. */
const BLANKS = /[\t\v\f\r ]+/;

/** Splits at blanks, blind to quotes (FROM, EXPOSE, VOLUME, COPY). */
export function splitAtBlanks(text: string): string[] {
  return text === '' ? [] : text.split(BLANKS);
}

/** The first word and the rest of the text, blind to quotes. `rest` is undefined when there is only one word. */
export function splitFirst(text: string): { readonly first: string; readonly rest: string | undefined } {
  const match = BLANKS.exec(text);
  if (match === null) return { first: text, rest: undefined };
  return { first: text.slice(0, match.index), rest: text.slice(match.index + match[0].length) };
}

/**
 * Splits at blanks outside quotes (ENV, LABEL, ARG). Quotes and escapes stay in the words: they are taken off when the words are
 * expanded. An escape character at the very end is dropped, an unclosed quote is left for the expansion to complain about.
 */
export function splitRawWords(text: string, escape: '\\' | '`'): string[] {
  const words: string[] = [];
  let word = '';
  let started = false;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (quote === '' && isBlank(char)) {
      if (started) words.push(word);
      word = '';
      started = false;
      continue;
    }
    if (char === escape && quote !== "'") {
      if (at + 1 === text.length) break;
      at += 1;
      word += char + (text[at] ?? '');
    } else {
      if (quote === '') quote = char === '"' || char === "'" ? char : '';
      else if (char === quote) quote = '';
      word += char;
    }
    started = true;
  }
  if (started) words.push(word);
  return words;
}
