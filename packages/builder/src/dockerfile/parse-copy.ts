import { parseFlags, type FlagKind, type Flags } from './flags.ts';
import { parseHeredocWord, splitHeredocWords } from './heredoc.ts';
import type { AddInstruction, CopyInstruction, Heredoc } from './instruction.ts';
import { parseJsonForm } from './json-form.ts';
import { splitAtBlanks } from './raw-words.ts';
import { baseOf, type Statement } from './statement.ts';

const SHARED_FLAGS = { chown: 'value', chmod: 'value', link: 'bool', exclude: 'list' } as const satisfies Record<
  string,
  FlagKind
>;
const COPY_FLAGS = { ...SHARED_FLAGS, from: 'value', parents: 'bool' } as const satisfies Record<string, FlagKind>;
const ADD_FLAGS = {
  ...SHARED_FLAGS,
  checksum: 'value',
  'keep-git-dir': 'bool',
  unpack: 'bool',
} as const satisfies Record<string, FlagKind>;

/** `COPY [flags] source … destination`, as words, JSON or with heredocs as sources. */
export function parseCopy(statement: Statement): CopyInstruction {
  const flags = parseFlags(statement, COPY_FLAGS);
  const from = flags.value('from');
  return {
    ...baseOf(statement),
    kind: 'copy',
    ...(from !== undefined && { from }),
    ...parsePaths(statement, 'COPY'),
    ...sharedFlags(flags),
    parents: flags.bool('parents') ?? false,
  };
}

/** `ADD [flags] source … destination`. */
export function parseAdd(statement: Statement): AddInstruction {
  const flags = parseFlags(statement, ADD_FLAGS);
  const checksum = flags.value('checksum');
  const unpack = flags.bool('unpack');
  return {
    ...baseOf(statement),
    kind: 'add',
    ...parsePaths(statement, 'ADD'),
    ...sharedFlags(flags),
    ...(checksum !== undefined && { checksum }),
    keepGitDir: flags.bool('keep-git-dir') ?? false,
    ...(unpack !== undefined && { unpack }),
  };
}

function sharedFlags(flags: Flags): Pick<CopyInstruction, 'chown' | 'chmod' | 'link' | 'excludes'> {
  const chown = flags.value('chown');
  const chmod = flags.value('chmod');
  return {
    ...(chown !== undefined && { chown }),
    ...(chmod !== undefined && { chmod }),
    link: flags.bool('link') ?? false,
    excludes: flags.list('exclude'),
  };
}

interface Paths {
  readonly sources: readonly string[];
  readonly destination: string;
  readonly heredocs: readonly Heredoc[];
}

function parsePaths(statement: Statement, keyword: string): Paths {
  const words = pathWords(statement);
  const destination = words.at(-1);
  if (destination === undefined || words.length < 2) {
    const count = words.length === 0 ? 'none' : 'only one';
    const message = `${keyword} requires at least two arguments, but ${count} was provided. Destination could not be determined`;
    throw statement.fail(message, undefined, `Write ${keyword} source destination.`);
  }
  const hasHeredocs = statement.heredocs.length > 0;
  if (hasHeredocs && parseHeredocWord(destination) !== undefined) {
    throw statement.fail(`${keyword} cannot accept a heredoc as a destination`, destination);
  }
  const sources = words.slice(0, -1).filter((word) => !hasHeredocs || parseHeredocWord(word) === undefined);
  return { sources, destination, heredocs: statement.heredocs.map((body) => body.heredoc) };
}

function pathWords(statement: Statement): readonly string[] {
  if (statement.heredocs.length > 0) return splitHeredocWords(statement.rest);
  return parseJsonForm(statement.rest, statement.range) ?? splitAtBlanks(statement.rest);
}
