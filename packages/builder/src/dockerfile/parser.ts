import { readDirectives } from './directives.ts';
import { findHeredocWords, type HeredocBody, readHeredocs } from './heredoc.ts';
import type { Dockerfile, Instruction } from './instruction.ts';
import { invalid } from './invalid.ts';
import { parseJsonForm } from './json-form.ts';
import { LineReader, type LogicalLine } from './lines.ts';
import { parseInstruction } from './parse-instruction.ts';
import type { SourceFile, SourceRange } from '../diagnostics/source-file.ts';
import { splitStatement, type Statement } from './statement.ts';

const TAKE_HEREDOCS: ReadonlySet<string> = new Set(['add', 'copy', 'run']);
const NOT_TRIGGERS: ReadonlySet<string> = new Set(['from', 'maintainer', 'onbuild']);

/**
 * Parses a whole Dockerfile; no semantics: words stay raw, nothing is expanded or resolved.
 * Throws BuildError DOCKERFILE_INVALID with a range into `file`.
 */
export function parseDockerfile(file: SourceFile): Dockerfile {
  if (file.text === '') throw invalid('the Dockerfile cannot be empty', { start: START, end: START });
  const directives = readDirectives(file);
  const lines = new LineReader(file, directives.escape);
  const instructions: Instruction[] = [];
  let inStage = false;
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    const instruction = parseInstruction(readStatement(line, lines, directives.escape));
    inStage ||= instruction.kind === 'from';
    if (!inStage && instruction.kind !== 'arg') {
      const hint = 'Begin with FROM; only ARG may come before it.';
      throw invalid('no build stage in current context', instruction.range, hint);
    }
    instructions.push(instruction);
  }
  const whole = { start: START, end: lines.position() };
  if (instructions.length === 0) throw invalid('file with no instructions', whole);
  if (!inStage) throw invalid('dockerfile contains no stages to build', whole, 'Add a FROM instruction.');
  return { directives, instructions };
}

/**
 * Parses the text of an ONBUILD trigger, as an image's config holds it, heredocs included. `range` is what the instruction carries and
 * where errors point to: the FROM that brought the trigger. Throws BuildError DOCKERFILE_INVALID.
 */
export function parseTrigger(text: string, range: SourceRange, escape: '\\' | '`' = '\\'): Instruction {
  const lines = new LineReader({ name: 'ONBUILD', text }, escape);
  const line = lines.next();
  if (line === undefined) throw invalid('an ONBUILD trigger is empty', range);
  const instruction = parseInstruction(readStatement({ ...line, range }, lines, escape, range));
  if (NOT_TRIGGERS.has(instruction.kind)) {
    throw invalid(`${instruction.kind.toUpperCase()} isn't allowed as an ONBUILD trigger`, range);
  }
  if (lines.next() !== undefined) throw invalid('an ONBUILD trigger must be a single instruction', range);
  return instruction;
}

/** The instructions of `commit --change`: lines of a Dockerfile without FROM. Throws BuildError DOCKERFILE_INVALID. */
export function parseChanges(text: string): readonly Instruction[] {
  const lines = new LineReader({ name: '--change', text }, '\\');
  const instructions: Instruction[] = [];
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    instructions.push(parseInstruction(readStatement(line, lines, '\\')));
  }
  if (instructions.length > 0) return instructions;
  throw invalid('--change contains no instruction', { start: START, end: START });
}

const START = { line: 1, column: 0 };

/** Cuts a line into its parts and reads the heredocs that it announces. `fixed` replaces every place in errors. */
function readStatement(line: LogicalLine, lines: LineReader, escape: '\\' | '`', fixed?: SourceRange): Statement {
  const locate = (word: string): SourceRange => fixed ?? lines.locate(word, line.range);
  const head = splitStatement(line.text, { range: line.range, escape, heredocs: [], notes: line.notes, locate });
  if (!takesHeredocs(head)) return head;
  const words = findHeredocWords(head.text);
  if (words.length === 0) return head;
  const heredocs = readHeredocs(words, lines);
  if (!isComplete(heredocs)) {
    throw head.fail('unterminated heredoc', '<<', `End it with a line that contains only ${heredocs.name}.`);
  }
  const range = fixed ?? { start: line.range.start, end: lines.position() };
  return splitStatement(line.text, { range, escape, heredocs, notes: line.notes, locate });
}

function isComplete(read: ReturnType<typeof readHeredocs>): read is readonly HeredocBody[] {
  return Array.isArray(read);
}

/** RUN, COPY and ADD do, also under ONBUILD, but never in JSON form. */
function takesHeredocs(statement: Statement): boolean {
  const isTrigger = statement.keyword.toLowerCase() === 'onbuild';
  const { keyword, rest, range } = isTrigger ? splitStatement(statement.rest, statement) : statement;
  return TAKE_HEREDOCS.has(keyword.toLowerCase()) && parseJsonForm(rest, range) === undefined;
}
