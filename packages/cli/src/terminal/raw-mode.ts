import { spawnSync } from 'node:child_process';
import type { InputStream } from '../host/host.ts';

/**
 * Lets a terminal pass on every byte as it is, in both directions: the command's own terminal does the rest. Node's raw mode still makes
 * CR LF of each LF, which full-screen programs use to go down one line; so `stty` turns that off. What is returned
 * gives the terminal its former settings back. Does nothing where standard input is none.
 */
export function enterRawMode(stdin: InputStream): () => void {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return () => {};
  stdin.setRawMode(true);
  // Without stty only the extra CR stays.
  spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  return () => void stdin.setRawMode?.(false);
}
