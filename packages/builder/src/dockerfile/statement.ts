import type { BuildError } from '../diagnostics/build-error.ts';
import { trim } from './blanks.ts';
import type { HeredocBody } from './heredoc.ts';
import type { InstructionNotes } from './instruction.ts';
import { invalid } from './invalid.ts';
import { splitFirst } from './raw-words.ts';
import type { SourceRange } from '../diagnostics/source-file.ts';
import { splitFlags } from './split-flags.ts';

/** An instruction cut into keyword, flags and arguments, nothing of it understood yet. */
export interface Statement {
  /** As written, e.g. `Copy`. */
  readonly keyword: string;
  /** The leading `--flag` words without quotes. */
  readonly flags: readonly string[];
  /** What follows the flags, trimmed. */
  readonly rest: string;
  /** The whole instruction in one line, trimmed. */
  readonly text: string;
  readonly heredocs: readonly HeredocBody[];
  readonly range: SourceRange;
  readonly escape: '\\' | '`';
  readonly notes: InstructionNotes;
  /** Where `word` stands in the file, or the statement's range. */
  readonly locate: (word: string) => SourceRange;
  /** An error of this statement; it points at `word` where that stands in the file. */
  readonly fail: (message: string, word?: string, hint?: string) => BuildError;
}

/** What a statement has from the file around it. */
export interface StatementOrigin {
  readonly range: SourceRange;
  readonly escape: '\\' | '`';
  readonly heredocs: readonly HeredocBody[];
  readonly notes: InstructionNotes;
  readonly locate: (word: string) => SourceRange;
}

/** Cuts the text of an instruction into keyword, flags and arguments. */
export function splitStatement(line: string, origin: StatementOrigin): Statement {
  const text = trim(line);
  const { first, rest } = splitFirst(text);
  return {
    keyword: first,
    ...splitFlags(rest ?? '', origin.escape),
    text,
    heredocs: origin.heredocs,
    range: origin.range,
    escape: origin.escape,
    notes: origin.notes,
    locate: origin.locate,
    fail: (message, word, hint) => invalid(message, word === undefined ? origin.range : origin.locate(word), hint),
  };
}

/** The fields that every instruction takes over from its statement. */
export function baseOf({
  range,
  keyword,
  text,
  notes,
}: Statement): Pick<Statement, 'range' | 'keyword' | 'text' | 'notes'> {
  return { range, keyword, text, notes };
}
