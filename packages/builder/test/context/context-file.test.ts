import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs, {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ContextTree } from '../../src/context/context-tree.ts';
import type { SourceEntry } from '../../src/context/source-tree.ts';
import { changed, entry, open, paths, temporaryDirectory, unwatch, writeTree } from './real-tree.ts';

describe('ContextTree and files that change', () => {
  const fresh = (): { file: string; root: string; tree: ContextTree; seen: SourceEntry } => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'x'.repeat(100_000));
    utimesSync(join(root, 'f'), 1_500_000_000, 1_500_000_000);
    const tree = open(root);
    return { file: join(root, 'f'), root, tree, seen: entry(tree, 'f') };
  };
  const later = (file: string): void => utimesSync(file, 1_600_000_000, 1_600_000_000);

  it.each<[string, (file: string, root: string) => void, string]>([
    ['gone', (file) => rmSync(file), 'f vanished'],
    ['shorter', (file) => truncateSync(file, 5), 'f became shorter'],
    [
      'another file',
      (file, root) => {
        writeFileSync(join(root, 'n'), 'x'.repeat(100_000));
        renameSync(join(root, 'n'), file);
      },
      'f was replaced',
    ],
    [
      'a symlink to the very file',
      (file, root) => {
        renameSync(file, join(root, 'n'));
        symlinkSync('n', file);
      },
      'f was replaced',
    ],
    [
      'a directory',
      (file) => {
        rmSync(file);
        mkdirSync(file);
      },
      'f was replaced',
    ],
    [
      'a fifo',
      (file) => {
        rmSync(file);
        execFileSync('mkfifo', [file]);
      },
      'f was replaced',
    ],
    [
      'below a file',
      (file, root) => {
        rmSync(root, { recursive: true });
        writeFileSync(root, '');
        void file;
      },
      'f was replaced',
    ],
  ])('refuses one that is now %s', (_, change, message) => {
    const { file, root, tree, seen } = fresh();
    change(file, root);
    expect(() => tree.open(seen)).toThrow(changed(message));
    expect(() => tree.contentSha256(seen)).toThrow(changed(message));
  });

  it.each<[string, (file: string) => void, string]>([
    ['grew, as a log does', (file) => appendFileSync(file, 'y'), 'x'.repeat(100_000)],
    ['was touched', later, 'x'.repeat(100_000)],
    [
      'was rewritten in place, longer, and has its old time again',
      (file) => {
        writeFileSync(file, 'y'.repeat(100_001));
        utimesSync(file, 1_500_000_000, 1_500_000_000);
      },
      'y'.repeat(100_000),
    ],
  ])('takes of one that %s what it was planned to have', (_, change, content) => {
    const { file, tree, seen } = fresh();
    change(file);
    const reader = tree.open(seen);
    const buffer = Buffer.alloc(100_001);
    expect(reader.read(buffer)).toBe(100_000);
    expect(reader.read(buffer.subarray(100_000))).toBe(0);
    reader.close();
    expect(buffer.toString('latin1', 0, 100_000)).toBe(content);
    expect(tree.contentSha256(seen)).toBe(createHash('sha256').update(content).digest('hex'));
  });

  it('refuses one that grew before and changes while it is read', () => {
    const { file, tree, seen } = fresh();
    appendFileSync(file, 'y');
    const reader = tree.open(seen);
    const buffer = Buffer.alloc(50_000);
    expect(reader.read(buffer)).toBe(50_000);
    writeFileSync(file, 'z'.repeat(100_001));
    expect(() => {
      while (reader.read(buffer) > 0);
    }).toThrow(changed('f changed'));
    reader.close();
  });

  it('holds a file that did not stand still, as it was at one moment, and sees the others anew', () => {
    const { file, root, tree, seen } = fresh();
    writeFileSync(join(root, 'n'), 'new');
    renameSync(join(root, 'n'), file);
    expect(() => tree.open(seen)).toThrow(changed('f was replaced'));
    writeFileSync(join(root, 'more'), '');
    tree.recover('f');
    expect(paths(tree)).toEqual(['f', 'more']);
    const held = entry(tree, 'f');
    writeFileSync(file, 'other, and longer');
    expect(held.size).toBe(3);
    const buffer = Buffer.alloc(3);
    expect(tree.open(held).read(buffer)).toBe(3);
    expect(buffer.toString()).toBe('new');
    expect(tree.knownSha256(held)).toBe(createHash('sha256').update('new').digest('hex'));
    expect(tree.fingerprint(held).isLasting()).toBe(false);
  });

  it.each<[string, (file: string) => void, string]>([
    ['shrinks', (file) => truncateSync(file, 60_000), 'f became shorter'],
    ['grows', (file) => appendFileSync(file, 'y'), 'f changed'],
    [
      'is written',
      (file) => {
        writeFileSync(file, 'y'.repeat(100_000));
        later(file);
      },
      'f changed',
    ],
  ])('refuses one that %s while it is read', (_, change, message) => {
    const { file, tree, seen } = fresh();
    const reader = tree.open(seen);
    const buffer = Buffer.alloc(50_000);
    expect(reader.read(buffer)).toBe(50_000);
    change(file);
    expect(() => {
      while (reader.read(buffer) > 0);
    }).toThrow(changed(message));
    reader.close();
    reader.close();
  });

  it('takes no notice of a name that goes away between readdir and lstat', () => {
    const root = temporaryDirectory();
    writeTree(root, 'file a 1\nfile b 2');
    const real = fs.readdirSync;
    vi.spyOn(fs, 'readdirSync').mockImplementation(((...args: Parameters<typeof real>) => {
      const names = real(...args);
      rmSync(join(root, 'a'), { force: true });
      return names;
    }) as never);
    syncBuiltinESMExports();
    onTestFinished(unwatch);
    expect(paths(open(root))).toEqual(['b']);
  });
});
