import { trim, trimStart } from './blanks.ts';
import { invalid } from './invalid.ts';
import type { InstructionNotes } from './instruction.ts';
import type { SourceFile, SourceRange } from '../diagnostics/source-file.ts';

/** A Dockerfile line may hold this many bytes, its newline not counted (BuildKit reads with Go's default line scanner). */
const MAX_LINE_BYTES = 65_535;
const BYTE_ORDER_MARK = '\uFEFF';

/** An instruction's physical lines put together: comments dropped, continuations joined. */
export interface LogicalLine {
  /** The first line without its leading blanks, then every continuation with its leading blanks. */
  readonly text: string;
  readonly range: SourceRange;
  readonly notes: InstructionNotes;
}

/** Walks over the lines of a file: instructions with {@link next}, bodies of heredocs with {@link take}. */
export class LineReader {
  readonly #file: SourceFile;
  readonly #lines: readonly string[];
  readonly #continuation: RegExp;
  #at = 0;

  constructor(file: SourceFile, escape: '\\' | '`') {
    this.#file = file;
    this.#lines = splitLines(file.text);
    // A doubled escape character at the end of a line is a literal one, not a continuation.
    const token = escape === '\\' ? '\\\\' : '`';
    this.#continuation = new RegExp(`([^${token}])${token}[ \\t]*$|^${token}[ \\t]*$`);
  }

  /** The next instruction, or undefined at the end of the file. Throws BuildError when a line is too long. */
  next(): LogicalLine | undefined {
    const comments: string[] = [];
    let detached = 0;
    for (let raw = this.#takeTrimmed(); raw !== undefined; raw = this.#takeTrimmed()) {
      const content = trimStart(raw);
      if (content.startsWith('#')) collectComment(comments, content);
      else if (content === '') detached = comments.length;
      else return this.#join(raw, content, { comments, description: comments.slice(detached) });
    }
    return undefined;
  }

  /** The next physical line with its line ending, or undefined at the end of the file. */
  take(): string | undefined {
    const line = this.#lines[this.#at];
    if (line === undefined) return undefined;
    this.#at += 1;
    if (isTooLong(line)) {
      const range = { start: { line: this.#at, column: 0 }, end: this.position() };
      throw invalid(`dockerfile line greater than max allowed size of ${MAX_LINE_BYTES}`, range);
    }
    return line;
  }

  /** The end of the last line that was read. */
  position(): SourceRange['end'] {
    return { line: this.#at, column: withoutNewline(this.#lines[this.#at - 1] ?? '').length };
  }

  /** Where `word` stands within `range`, or the range itself when continuations tear it apart. */
  locate(word: string, range: SourceRange): SourceRange {
    for (let line = range.start.line; line <= range.end.line; line += 1) {
      const from = line === range.start.line ? range.start.column : 0;
      const column = (this.#lines[line - 1] ?? '').indexOf(word, from);
      if (column >= 0) return { start: { line, column }, end: { line, column: column + word.length } };
    }
    return range;
  }

  #takeTrimmed(): string | undefined {
    const line = this.take();
    if (line === undefined) return undefined;
    const trimmed = withoutNewline(line);
    return this.#at === 1 && trimmed.startsWith(BYTE_ORDER_MARK) ? trimmed.slice(1) : trimmed;
  }

  #join(raw: string, content: string, above: Omit<InstructionNotes, 'emptyContinuation'>): LogicalLine {
    const mark = this.#at === 1 && this.#file.text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
    const start = { line: this.#at, column: mark + raw.length - content.length };
    let { text, more } = this.#cut(content);
    let emptyContinuation = false;
    while (more) {
      const line = this.#takeTrimmed();
      if (line === undefined) break;
      const bare = trimStart(line);
      if (bare.startsWith('#')) continue;
      if (bare === '') {
        emptyContinuation = true;
        continue;
      }
      const piece = this.#cut(line);
      text += piece.text;
      more = piece.more;
    }
    return { text, range: { start, end: this.position() }, notes: { ...above, emptyContinuation } };
  }

  #cut(line: string): { text: string; more: boolean } {
    const match = this.#continuation.exec(line);
    if (match === null) return { text: line, more: false };
    return { text: line.slice(0, match.index) + (match[1] ?? ''), more: true };
  }
}

/** The line without its line ending, `\n` or `\r\n`. */
export function withoutNewline(line: string): string {
  let end = line.length;
  while (end > 0 && (line[end - 1] === '\n' || line[end - 1] === '\r')) end -= 1;
  return line.slice(0, end);
}

function splitLines(text: string): string[] {
  const lines: string[] = [];
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline + 1;
    lines.push(text.slice(start, end));
    start = end;
  }
  return lines;
}

function isTooLong(line: string): boolean {
  // No UTF-16 unit takes more than three bytes: most lines need no encoding to be told short.
  if (line.length * 3 <= MAX_LINE_BYTES) return false;
  const content = line.endsWith('\n') ? line.slice(0, -1) : line;
  return new TextEncoder().encode(content).length > MAX_LINE_BYTES;
}

function collectComment(comments: string[], content: string): void {
  const comment = trim(content.slice(1));
  if (comment === '') comments.length = 0;
  else comments.push(comment);
}
