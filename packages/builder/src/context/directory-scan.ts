import { constants, type Stats } from 'node:fs';
import type { ByteString } from '@tsbuild/oci';

/** What is kept of an lstat, by its place among the {@link FACTS} numbers of one. */
export const Fact = { mode: 0, size: 1, mtimeMs: 2, ctimeMs: 3, ino: 4, nlink: 5, rdev: 6, dev: 7 } as const;

/** So many numbers say what is kept of an lstat. */
export const FACTS = 8;

/**
 * The names in a directory, sorted by bytes, and the facts of each in a row: objects for tens of thousands of files cost
 * more than the system calls, and an unchanged context needs none.
 */
export interface DirectoryScan {
  readonly names: readonly ByteString[];
  readonly facts: Float64Array;
}

/** Puts the facts of an lstat down from `at` on. */
export function writeFacts(stats: Stats, facts: Float64Array, at: number): void {
  facts[at + Fact.mode] = stats.mode;
  facts[at + Fact.size] = stats.size;
  facts[at + Fact.mtimeMs] = stats.mtimeMs;
  facts[at + Fact.ctimeMs] = stats.ctimeMs;
  facts[at + Fact.ino] = stats.ino;
  facts[at + Fact.nlink] = stats.nlink;
  facts[at + Fact.rdev] = stats.rdev;
  facts[at + Fact.dev] = stats.dev;
}

/** The facts of one lstat. */
export function factsOf(stats: Stats): Float64Array {
  const facts = new Float64Array(FACTS);
  writeFacts(stats, facts, 0);
  return facts;
}

/** Whether facts are those of a directory. */
export function isDirectoryAt(facts: Float64Array, at: number): boolean {
  return ((facts[at + Fact.mode] ?? 0) & constants.S_IFMT) === constants.S_IFDIR;
}

/** Where a name is, or -1. */
export function indexOfName({ names }: DirectoryScan, name: ByteString): number {
  let low = 0;
  let high = names.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const there = names[middle] ?? '';
    if (there === name) return middle;
    if (there < name) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
