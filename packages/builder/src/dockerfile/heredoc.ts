import { isBlank } from './blanks.ts';
import type { Heredoc } from './instruction.ts';
import { withoutNewline } from './lines.ts';

/** What a `<<EOF` word says, before its body is read. */
export type HeredocWord = Omit<Heredoc, 'content'>;

/** A heredoc with the body as it stands in the file: under `<<-` the tabs are still there, as an ONBUILD trigger keeps them. */
export interface HeredocBody {
  readonly heredoc: Heredoc;
  readonly raw: string;
}

/** Hands out physical lines with their line endings. */
interface LineSource {
  take(): string | undefined;
}

const HEREDOC = /^(\d*)<<(-?)\s*([^<\s][^<]*)$/;

/**
 * Reads a word such as `<<EOF`, `3<<-"EOF"`; undefined when it is none. Any quote in the name turns expansion off. The escape
 * character is always the backslash here, whatever the `escape` directive says.
 */
export function parseHeredocWord(word: string): HeredocWord | undefined {
  const match = HEREDOC.exec(word);
  const name = match === null ? undefined : unquoteName(match[3] ?? '');
  if (match === null || name === undefined || name.text === '') return undefined;
  return { name: name.text, expand: !name.quoted, chomp: match[2] === '-', fileDescriptor: Number(match[1]) };
}

/** The heredoc words of an instruction in order; none when its quotes do not match, as the shell will complain of that. */
export function findHeredocWords(text: string): readonly HeredocWord[] {
  if (!text.includes('<<')) return [];
  return splitHeredocWords(text).flatMap((word) => parseHeredocWord(word) ?? []);
}

/** Splits at blanks outside quotes; a `<<` takes the blanks behind it into its word. Empty when a quote is left open. */
export function splitHeredocWords(text: string): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let arrow = false;
  // The end of the word: asking the word itself, which grows by the character, would copy it each time.
  let tail = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    tail = (tail + char).slice(-3);
    if (quote === '' && isBlank(char)) {
      if (arrow) word += char;
      else {
        if (word !== '') words.push(word);
        word = '';
      }
      continue;
    }
    word += char;
    arrow = quote === '' && (tail.endsWith('<<') || tail === '<<-');
    if (char === '\\' && quote !== "'") {
      at += 1;
      word += text[at] ?? '';
      tail = (tail + (text[at] ?? '')).slice(-3);
    } else if (quote === '') quote = char === '"' || char === "'" ? char : '';
    else if (char === quote) quote = '';
  }
  if (quote !== '') return [];
  if (word !== '') words.push(word);
  return words;
}

/** Reads the bodies of `words`, one after the other. Returns the word whose end is missing when the file ends within a body. */
export function readHeredocs(words: readonly HeredocWord[], lines: LineSource): readonly HeredocBody[] | HeredocWord {
  const bodies: HeredocBody[] = [];
  for (const word of words) {
    const raw = readBody(word, lines);
    if (raw === undefined) return word;
    bodies.push({ heredoc: { ...word, content: word.chomp ? raw.replace(/(^|\n)\t+/g, '$1') : raw }, raw });
  }
  return bodies;
}

function readBody(word: HeredocWord, lines: LineSource): string | undefined {
  const body: string[] = [];
  for (let line = lines.take(); line !== undefined; line = lines.take()) {
    const content = withoutNewline(line);
    if ((word.chomp ? content.replace(/^\t+/, '') : content) === word.name) return body.join('');
    body.push(line);
  }
  return undefined;
}

/** Takes quotes and escapes off a heredoc's name; undefined when it is more than one word or a quote is left open. */
function unquoteName(name: string): { readonly text: string; readonly quoted: boolean } | undefined {
  let text = '';
  let quote = '';
  let quoted = false;
  for (let at = 0; at < name.length; at += 1) {
    const char = name[at] ?? '';
    if (quote === '' && isBlank(char)) return undefined;
    if (char === '\\' && quote !== "'") {
      at += 1;
      const next = name[at] ?? '';
      // Within double quotes a backslash only escapes what is special there.
      text += quote === '"' && !/["$\\]/.test(next) ? char + next : next;
    } else if (quote === '' && (char === '"' || char === "'")) {
      quote = char;
      quoted = true;
    } else if (quote !== '' && char === quote) quote = '';
    else text += char;
  }
  return quote === '' ? { text, quoted } : undefined;
}
