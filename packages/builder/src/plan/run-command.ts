import { parseHeredocWord } from '../dockerfile/heredoc.ts';
import type { RunInstruction } from '../dockerfile/instruction.ts';
import { BuildError } from '../diagnostics/build-error.ts';
import { commandArgv } from './lower-metadata.ts';
import type { RunConfig } from './run-config.ts';

/** Where a heredoc that is a program of its own is put while it runs. */
const SCRIPTS = '/dev/pipes';

/** What a RUN executes. */
export interface RunCommand {
  readonly argv: readonly string[];
  /** A heredoc that begins with `#!`: a file that must be there. */
  readonly script: { readonly path: string; readonly content: string } | undefined;
  /** What people see of heredocs, e.g. ` (apt-get update...)`. */
  readonly summary: string;
}

/**
 * The command of a RUN. `RUN <<EOF` alone hands the body to the shell, or runs it as a file when it begins with `#!`; any
 * other use of heredocs is the shell's own, which gets the whole text. The builder expands nothing in them.
 */
export function commandOfRun(instruction: RunInstruction, config: RunConfig): RunCommand {
  const { command, heredocs, rawHeredocs } = instruction;
  const [first] = heredocs;
  if (first === undefined || command.form === 'exec') {
    return { argv: commandArgv(config, command), script: undefined, summary: '' };
  }
  const shell = (text: string): readonly string[] => commandArgv(config, { form: 'shell', text });
  if (parseHeredocWord(command.text) === undefined) {
    const whole = heredocs.reduce(
      (text, { name, content }, i) => `${text}\n${rawHeredocs?.[i] ?? content}${name}`,
      command.text,
    );
    return { argv: shell(whole), script: undefined, summary: '' };
  }
  const summary = ` (${summarize(first.content)})`;
  if (!first.content.startsWith('#!')) return { argv: shell(first.content), script: undefined, summary };
  if (/\/|^\.\.?$/.test(first.name)) {
    throw new BuildError('DOCKERFILE_INVALID', `a script cannot be named ${first.name}`, { range: instruction.range });
  }
  const path = `${SCRIPTS}/${first.name}`;
  return { argv: shell(path), script: { path, content: first.content }, summary };
}

/** The first line, and whether there are more. */
function summarize(content: string): string {
  const [first = '', ...more] = content.trim().split(/\r?\n/);
  return more.length === 0 ? first : `${first}...`;
}
