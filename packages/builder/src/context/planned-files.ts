import { constants, closeSync, fstatSync, openSync } from 'node:fs';
import type { ContextEntry } from './context-entry.ts';

/** Files as a thread is told of them: plain values. */
export interface PlannedFiles {
  /** What stands before every path, without the slash. */
  readonly prefix: string;
  /** Relative, as byte strings. */
  readonly paths: readonly string[];
  /** Of each path: size, mtimeMs, ctimeMs, ino, dev. */
  readonly facts: Float64Array;
}

const FACTS = 5;
const FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** `entries` below the directory `prefix`, in this order. */
export function plannedFiles(prefix: string, entries: readonly ContextEntry[]): PlannedFiles {
  const facts = new Float64Array(FACTS * entries.length);
  entries.forEach(({ size, mtimeMs, ctimeMs, ino, dev }, i) =>
    facts.set([size, mtimeMs, ctimeMs, ino, dev], FACTS * i),
  );
  return { prefix, paths: entries.map(({ path }) => path), facts };
}

/**
 * Calls `use` with a planned file, open, and its size. `check` is to be called again when it was read.
 * @throws when it cannot be opened, or is not what was planned
 */
export function withPlannedFile(
  { prefix, paths, facts }: PlannedFiles,
  file: number,
  use: (fd: number, size: number, check: () => void) => void,
): void {
  const fd = openSync(Buffer.from(`${prefix}/${paths[file] ?? ''}`, 'latin1'), FLAGS);
  const check = (): void => {
    const { size, mtimeMs, ctimeMs, ino, dev, mode } = fstatSync(fd);
    const found = [size, mtimeMs, ctimeMs, ino, dev];
    const same = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!same || found.some((fact, i) => fact !== facts[FACTS * file + i])) throw new Error('not what it was');
  };
  try {
    check();
    use(fd, facts[FACTS * file] ?? 0, check);
  } finally {
    closeSync(fd);
  }
}
