import type { SourceFile, SourceRange } from '@tsbuild/builder';
import { sanitizeName, sanitizeText } from './sanitize.ts';

const CONTEXT_LINES = 2;
/** Of a longer instruction (a heredoc may have thousands of lines) the beginning and the end are shown. */
const MOST_LINES = 20;
const LAST_LINES = 4;
/** More of a line tells nobody more; a binary file may be one line of 65,535 characters. */
const LONGEST_LINE = 200;
/** What stands before a place far to the right. */
const BEFORE_PLACE = 40;

const RULE = '--------------------';

/** The lines of a range with their neighbours, as BuildKit draws them: numbered, `>>>` before those that are meant. */
export function renderFrame(source: SourceFile, range: SourceRange): string[] {
  const text = linesOf(source);
  const first = range.start.line;
  // A range that ends at column 0 of a line does not include that line.
  const last = range.end.line > first && range.end.column === 0 ? range.end.line - 1 : range.end.line;
  const from = Math.max(1, first - CONTEXT_LINES);
  const to = Math.min(text.length, last + CONTEXT_LINES);
  const lines = [`${sanitizeName(source.name)}:${first}`, RULE];
  for (let number = from; number <= to; number++) {
    const left = to - number + 1;
    if (number - from >= MOST_LINES - LAST_LINES && left > LAST_LINES) {
      lines.push(`     | ${left - LAST_LINES === 1 ? '… 1 more line' : `… ${left - LAST_LINES} more lines`}`);
      number = to - LAST_LINES + 1;
    }
    const isMeant = number >= first && number <= last;
    const column = number === first && first === last ? range.start.column : 0;
    lines.push(numbered(number, isMeant, text[number - 1] ?? '', column));
  }
  return [...lines, RULE];
}

/** The first `count` lines of a range, marked. */
export function renderBeginning(source: SourceFile, { start, end }: SourceRange, count: number): string[] {
  const last = Math.min(Math.max(end.line, start.line), start.line + count - 1);
  const lines = linesOf(source)
    .slice(start.line - 1, last)
    .map((line, at) => numbered(start.line + at, true, line, 0));
  return end.line > last ? [...lines, '     | …'] : lines;
}

/** A line of text for people: a longer one is cut. */
export function cutLine(line: string, longest: number): string {
  return line.length <= longest ? line : `${whole(line.slice(0, longest))}… (${line.length} characters)`;
}

function numbered(number: number, isMeant: boolean, line: string, column: number): string {
  const from = column > LONGEST_LINE - BEFORE_PLACE ? column - BEFORE_PLACE : 0;
  const shown = `${from > 0 ? '…' : ''}${cutLine(withoutPasswords(line).slice(from), LONGEST_LINE)}`;
  return `${String(number).padStart(4)} | ${isMeant ? '>>>' : '   '} ${sanitizeText(shown)}`.trimEnd();
}

/** Without half of a surrogate pair at the end. */
function whole(text: string): string {
  return /[\ud800-\udbff]$/.test(text) ? text.slice(0, -1) : text;
}

const split = new WeakMap<SourceFile, readonly string[]>();

/** Split once, however many warnings a file has. */
function linesOf(source: SourceFile): readonly string[] {
  const known = split.get(source);
  if (known !== undefined) return known;
  const lines = source.text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  split.set(source, lines);
  return lines;
}

/** What is shown ends up in the logs of others: no password of a URL. */
function withoutPasswords(line: string): string {
  return line.replace(/(?<=[a-z0-9+.-]):\/\/[^\s/?#@:]*:[^\s/?#@]+@/gi, '://xxxxx:xxxxx@');
}
