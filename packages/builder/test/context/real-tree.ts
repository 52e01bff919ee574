import { execFileSync } from 'node:child_process';
import fs, {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';
import { ContextTree } from '../../src/context/context-tree.ts';
import { compilePatterns } from '../../src/context/pattern-matcher.ts';
import type { SourceEntry, SourceTree } from '../../src/context/source-tree.ts';
import { StatCache } from '../../src/context/stat-cache.ts';
import { type DescribedEntry, describeTree } from '../../testing/tree-description.ts';

/** A fresh directory that goes away with the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-context-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Makes the files that a description says below `root`. */
export function writeTree(root: string, description: string): void {
  const entries = describeTree(description);
  const firstNames = new Map<string, Buffer>();
  for (const described of entries) {
    const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(described.path, 'latin1')]);
    const first = described.hardLink === undefined ? undefined : firstNames.get(described.hardLink);
    if (first !== undefined) linkSync(first, path);
    else writeEntry(path, described);
    if (described.hardLink !== undefined) firstNames.set(described.hardLink, path);
  }
}

function writeEntry(path: Buffer, described: DescribedEntry): void {
  switch (described.type) {
    case 'directory':
      mkdirSync(path, { recursive: true });
      break;
    case 'symlink':
      symlinkSync(Buffer.from(described.target, 'latin1'), path);
      return;
    case 'fifo':
      execFileSync('mkfifo', [path.toString()]);
      break;
    case 'file':
      writeFileSync(path, described.text);
      break;
    case 'socket':
      throw new Error('sockets are made by the tests that need one');
  }
  chmodSync(path, described.mode);
  if (described.type === 'file') utimesSync(path, described.mtime, described.mtime);
}

/** The context `root` as a build sees it. */
export function open(root: string, patterns?: readonly string[], cache = StatCache.open(root)): ContextTree {
  return ContextTree.open(root, patterns && compilePatterns(patterns), cache);
}

/** All paths of a tree, in the order of a walk. */
export function paths(tree: SourceTree, directory = ''): string[] {
  return tree.list(directory).flatMap(({ path, type }) => [path, ...(type === 'directory' ? paths(tree, path) : [])]);
}

/** The entry at a path that must exist. */
export function entry(tree: SourceTree, path: string): SourceEntry {
  const found = tree.lookup(path);
  if (found === undefined) throw new Error(`${path} is missing`);
  return found;
}

/** An error with code `FILE_CHANGED`. */
export const changed = (message: string) =>
  expect.objectContaining({ code: 'FILE_CHANGED', message: expect.stringContaining(message) });

/** Counts the calls that reach the file system, by the path's end behind `root`. */
export function watch(root: string): { lstat: string[]; readdir: string[]; open: string[] } {
  const seen = { lstat: [] as string[], readdir: [] as string[], open: [] as string[] };
  for (const [name, into] of [
    ['lstatSync', seen.lstat],
    ['readdirSync', seen.readdir],
    ['openSync', seen.open],
  ] as const) {
    const real = fs[name] as (...args: unknown[]) => unknown;
    vi.spyOn(fs, name).mockImplementation(((...args: unknown[]) => {
      if (String(args[0]).startsWith(root)) into.push(String(args[0]).slice(root.length + 1));
      return real(...args);
    }) as never);
  }
  syncBuiltinESMExports();
  onTestFinished(unwatch);
  return seen;
}

/** Ends {@link watch} before its test does. */
export function unwatch(): void {
  vi.restoreAllMocks();
  syncBuiltinESMExports();
}
