import { execFile } from 'node:child_process';
import { readlinkSync } from 'node:fs';
import { promisify } from 'node:util';
import type { TerminalSize } from './executor.ts';
import { requireTool } from './host-tools.ts';
import { children } from './process-tree.ts';
import BECOME from './scripts/become.sh';
import OWN_DEVPTS from './scripts/own-devpts.sh';
import SIZE from './scripts/terminal-size.sh';

/**
 * Whose pseudo-terminals are used: those at /dev/pts of the mount namespace that it is in; the machine's for a runtime, which makes
 * another one inside; or those of a devpts made for the sandbox, at /dev/pts.
 */
export type TerminalPlace = 'here' | 'runtime' | 'sandbox';

/** For a shell on a terminal: its own complaints go to descriptor 3, as without one; what was 2 (the terminal) becomes 3. */
export const SWAP_STDERR = 'exec 8>&2 2>&3 3>&8 8>&-; ';

/** For the start of a script on a terminal: gives that its size, with these variables. */
export const SIZE_TERMINAL: string = SIZE;

/** What {@link SIZE_TERMINAL} reads. */
export function sizeVariables({ rows, columns }: TerminalSize): Readonly<Record<'STTY' | 'TTYSIZE', string>> {
  return { STTY: requireTool('stty', 'coreutils'), TTYSIZE: `rows ${rows} cols ${columns}` };
}

/**
 * Wraps a command so that its standard streams are a terminal: what is typed comes through standard input, what is shown
 * goes to standard output. `before` is for the shell that becomes the command. Node cannot make terminals; `script` of util-linux is that program on every Linux.
 */
export function onTerminal(command: readonly string[], place: TerminalPlace, before = ''): readonly string[] {
  const holder = [
    requireTool('script', 'bsdutils'), '--quiet', '--return', '--flush',
    // The runtime puts the outer terminal into raw mode; the inner one must echo.
    '--echo', place === 'runtime' ? 'never' : 'always',
    '--command', `${before}exec ${command.map(shellWord).join(' ')}`, '/dev/null',
  ]; // biome-ignore format: one option with its value
  if (place !== 'sandbox') return holder;
  const unshare = [requireTool('unshare'), '--mount', '--propagation', 'private', '--'];
  return [...unshare, '/bin/sh', '-euc', `${OWN_DEVPTS}${BECOME}`, 'terminal', ...holder];
}

/** A word that a POSIX shell reads back as it is. */
export function shellWord(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** Gives the terminal that `root` holds for what it started another size; does nothing when there is none (any more). */
export async function resizeTerminal(root: number, { rows, columns }: TerminalSize): Promise<void> {
  const terminal = terminalBelow(root);
  if (terminal === undefined) return;
  const args = ['-F', terminal, 'rows', String(rows), 'cols', String(columns)];
  await promisify(execFile)(requireTool('stty', 'coreutils'), args).catch(() => {});
}

/** The topmost process that has a terminal as its input, by a path that any process may open it by. */
function terminalBelow(root: number): string | undefined {
  for (const child of children(root)) {
    const path = `/proc/${child}/fd/0`;
    if (/^\/(?:dev\/)?pts\/\d+$|^\/\d+$/.test(target(path))) return path;
    const below = terminalBelow(child);
    if (below !== undefined) return below;
  }
  return undefined;
}

function target(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
