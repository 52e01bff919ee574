import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
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
  for (const entry of entries) {
    const path = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(entry.path, 'latin1')]);
    const first = entry.hardLink === undefined ? undefined : firstNames.get(entry.hardLink);
    if (first !== undefined) linkSync(first, path);
    else writeEntry(path, entry);
    if (entry.hardLink !== undefined) firstNames.set(entry.hardLink, path);
  }
}

function writeEntry(path: Buffer, entry: DescribedEntry): void {
  switch (entry.type) {
    case 'directory':
      mkdirSync(path, { recursive: true });
      break;
    case 'symlink':
      symlinkSync(Buffer.from(entry.target, 'latin1'), path);
      return;
    case 'fifo':
      execFileSync('mkfifo', [path.toString()]);
      break;
    case 'file':
      writeFileSync(path, entry.text);
      break;
    case 'socket':
      throw new Error('sockets are made by the tests that need one');
  }
  chmodSync(path, entry.mode);
  if (entry.type === 'file') utimesSync(path, entry.mtime, entry.mtime);
}
