import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { matchesMagic } from './probe-program.ts';

/** Where systems mount the machine's binfmt_misc. Not everywhere it is there, or can be seen. */
const MACHINE = '/proc/sys/fs/binfmt_misc';

/** An interpreter that the machine's kernel knows. */
export interface RegisteredInterpreter {
  readonly interpreter: string;
  /** Flag F: it was opened when it was registered, so it is found from within any root. */
  readonly isOpen: boolean;
}

/** What the machine has registered for a program, as far as it shows; the kernel alone knows whether it works. */
export function registeredFor(program: Uint8Array, directory = MACHINE): RegisteredInterpreter | undefined {
  for (const name of namesIn(directory)) {
    const found = matching(readEntry(join(directory, name)), program);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** An entry's text: a line `enabled`, then one field a line (fs/binfmt_misc.c, entry_status). */
function matching(text: string, program: Uint8Array): RegisteredInterpreter | undefined {
  if (!text.startsWith('enabled\n')) return undefined;
  const field = (name: string): string => new RegExp(`^${name}:? (.*)$`, 'm').exec(text)?.[1] ?? '';
  const magic = Buffer.from(field('magic'), 'hex');
  const mask = Buffer.from(field('mask') || 'ff'.repeat(magic.length), 'hex');
  if (magic.length === 0 || !matchesMagic(program, { magic, mask }, Number(field('offset')) || 0)) return undefined;
  return { interpreter: field('interpreter'), isOpen: field('flags').includes('F') };
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).filter((name) => name !== 'register' && name !== 'status');
  } catch {
    return [];
  }
}

function readEntry(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // Unregistered since.
  }
}
