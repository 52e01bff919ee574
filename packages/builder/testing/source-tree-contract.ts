import { createHash } from 'node:crypto';
import type { ByteString } from '@tsbuild/oci';
import { describe, expect, it } from 'vitest';
import type { SourceEntry, SourceTree } from '../src/context/source-tree.ts';

const TREE = `
  dir bin mode=755
  file bin/run mode=4755 mtime=1600000000 #!/bin/sh
  file a.txt alpha
  file a/x.txt beta
  file a/\\xff.bin bytes
  file a/ä.txt umlaut
  file one link=k same
  file two link=k same
  file empty
  symlink up -> ../../../../a.txt
  symlink abs -> /a
  symlink chain -> abs/x.txt
  symlink loop -> loop
  symlink ping -> pong
  symlink pong -> ping
  symlink dangling -> nowhere
  symlink a/self -> .
  symlink a/back -> ../bin/../a
  symlink dir-as-file -> a.txt/
  symlink through-file -> a.txt/../a.txt
  fifo pipe
`;

/**
 * What every {@link SourceTree} promises. `make` builds the tree that a description says (see `describeTree`); owners,
 * which no description holds, are not looked at.
 */
export function sourceTreeContract(name: string, make: (description: string) => SourceTree): void {
  const file = (tree: SourceTree, path: ByteString): SourceEntry => {
    const entry = tree.lookup(path);
    if (entry === undefined) throw new Error(`${path} is missing`);
    return entry;
  };

  describe(`${name} is a SourceTree`, () => {
    it('lists a directory by bytes, dot files and names that are not UTF-8 included', () => {
      const tree = make(TREE);
      expect(tree.list('a').map(({ path }) => path)).toEqual([
        'a/back',
        'a/self',
        'a/x.txt',
        'a/\xc3\xa4.txt',
        'a/\xff.bin',
      ]);
      expect(
        tree
          .list('')
          .map(({ path }) => path)
          .slice(0, 3),
      ).toEqual(['a', 'a.txt', 'abs']);
    });

    it('lists nothing of what is no directory', () => {
      const tree = make(TREE);
      for (const path of ['a.txt', 'abs', 'nowhere', 'a/self']) expect(tree.list(path)).toEqual([]);
    });

    it('says type, mode, size, time and link target of a path', () => {
      const tree = make(TREE);
      expect(tree.lookup('')).toMatchObject({ path: '', type: 'directory' });
      expect(tree.lookup('bin')).toMatchObject({ path: 'bin', type: 'directory', mode: 0o755, size: 0 });
      expect(tree.lookup('bin/run')).toMatchObject({
        type: 'file',
        mode: 0o4755,
        size: 9,
        mtime: { seconds: 1_600_000_000, nanoseconds: 0 },
        linkPath: '',
      });
      expect(tree.lookup('chain')).toMatchObject({ type: 'symlink', mode: 0o777, size: 0, linkPath: 'abs/x.txt' });
      expect(tree.lookup('pipe')).toMatchObject({ type: 'fifo', size: 0 });
    });

    it('looks up exactly the path: no symlink followed, nothing normalised', () => {
      const tree = make(TREE);
      for (const path of [
        'abs/x.txt',
        'nowhere',
        'a.txt/x',
        '/a.txt',
        'a/',
        'a//x.txt',
        './a',
        'a/../a.txt',
        '..',
        'a/.',
      ]) {
        expect(tree.lookup(path), path).toBeUndefined();
      }
    });

    it('gives the same entry by lookup and by list', () => {
      const tree = make(TREE);
      expect(tree.lookup('a/x.txt')).toEqual(tree.list('a').find(({ path }) => path === 'a/x.txt'));
    });

    it('resolves symlinks inside the root, whatever they say', () => {
      const tree = make(TREE);
      const cases: Record<string, string | undefined> = {
        '': '',
        '.': '',
        '/': '',
        'a/./x.txt': 'a/x.txt',
        '/a/x.txt': 'a/x.txt',
        '../../a.txt': 'a.txt',
        up: 'a.txt',
        abs: 'a',
        'abs/x.txt': 'a/x.txt',
        'abs/../a.txt': 'a.txt',
        chain: 'a/x.txt',
        'a/self/self/self/x.txt': 'a/x.txt',
        'a/back/x.txt': 'a/x.txt',
        loop: undefined,
        ping: undefined,
        dangling: undefined,
        nowhere: undefined,
        'a.txt/x': undefined,
        'a.txt/..': undefined,
        'dir-as-file': 'a.txt',
        'through-file': undefined,
      };
      for (const [path, target] of Object.entries(cases)) expect(tree.resolve(path), path).toBe(target);
    });

    it('gives up on a chain of more than 255 symlinks and follows one of 255', () => {
      const links = Array.from({ length: 256 }, (_, i) => `symlink l${i} -> ${i === 0 ? 'end' : `l${i - 1}`}`);
      const tree = make(['file end text', ...links].join('\n'));
      expect(tree.resolve('l254')).toBe('end');
      expect(tree.resolve('l255')).toBeUndefined();
    });

    it('marks the names of one file with one key', () => {
      const tree = make(TREE);
      expect(file(tree, 'one').hardLinkKey).toBeDefined();
      expect(file(tree, 'one').hardLinkKey).toBe(file(tree, 'two').hardLinkKey);
      expect(file(tree, 'a.txt').hardLinkKey).toBeUndefined();
    });

    it('reads content in pieces, and 0 bytes at the end', () => {
      const tree = make(TREE);
      const reader = tree.open(file(tree, 'a.txt'));
      const buffer = Buffer.alloc(3);
      const pieces: string[] = [];
      for (let count = reader.read(buffer); count > 0; count = reader.read(buffer)) {
        pieces.push(buffer.toString('latin1', 0, count));
      }
      expect(pieces).toEqual(['alp', 'ha']);
      expect(reader.read(buffer)).toBe(0);
      reader.close();
      const empty = tree.open(file(tree, 'empty'));
      expect(empty.read(buffer)).toBe(0);
      empty.close();
    });

    it('hashes content, and takes a digest that was learnt elsewhere', () => {
      const tree = make(TREE);
      const sha256 = createHash('sha256').update('alpha').digest('hex');
      expect(tree.knownSha256(file(tree, 'a.txt'))).toBeUndefined();
      expect(tree.contentSha256(file(tree, 'a.txt'))).toBe(sha256);
      expect(tree.knownSha256(file(tree, 'a.txt'))).toBe(sha256);
      tree.remember(file(tree, 'a/x.txt'), 'ab'.repeat(32));
      expect(tree.contentSha256(file(tree, 'a/x.txt'))).toBe('ab'.repeat(32));
    });

    it('opens files only', () => {
      const tree = make(TREE);
      for (const path of ['a', 'abs', 'pipe']) {
        expect(() => tree.open(file(tree, path)), path).toThrow(expect.objectContaining({ code: 'FILE_CHANGED' }));
      }
    });
  });
}
