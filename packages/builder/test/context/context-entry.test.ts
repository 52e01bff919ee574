import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, linkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asOrdinaryUser } from '../../../oci/testing/as-ordinary-user.ts';
import { tarTime } from '../../src/context/context-entry.ts';
import { contextError } from '../../src/context/context-error.ts';
import { changed, entry, open, temporaryDirectory, writeTree } from './real-tree.ts';

const isRoot = process.getuid?.() === 0;

describe('ContextTree and kinds of files', () => {
  it('reports owners as 0:0, and setuid, setgid and sticky bits', () => {
    const root = temporaryDirectory();
    writeTree(root, 'dir d mode=1777\nfile f mode=6755 x\nfile g mode=000 x');
    if (isRoot) chownSync(join(root, 'f'), 1234, 1235);
    chmodSync(join(root, 'f'), 0o6755);
    const tree = open(root);
    expect(tree.lookup('f')).toMatchObject({ uid: 0, gid: 0, mode: 0o6755 });
    expect(tree.lookup('d')).toMatchObject({ mode: 0o1777 });
    expect(tree.lookup('g')).toMatchObject({ mode: 0 });
  });

  it('lists sockets as such', async () => {
    const root = temporaryDirectory();
    const server = createServer();
    await new Promise<void>((done) => server.listen(join(root, 's'), done));
    const tree = open(root);
    expect(tree.lookup('s')).toMatchObject({ type: 'socket' });
    expect(() => tree.open(entry(tree, 's'))).toThrow(changed('is not a regular file'));
    server.close();
  });

  it.skipIf(!isRoot)('reports device numbers (needs root)', () => {
    const root = temporaryDirectory();
    execFileSync('mknod', [join(root, 'c'), 'c', '300', '70000']);
    execFileSync('mknod', [join(root, 'b'), 'b', '7', '0']);
    const tree = open(root);
    expect(tree.lookup('c')).toMatchObject({ type: 'char', devMajor: 300, devMinor: 70_000 });
    expect(tree.lookup('b')).toMatchObject({ type: 'block', devMajor: 7, devMinor: 0 });
    expect(tree.lookup('c')?.size).toBe(0);
  });

  it('tells hard links from files with one name', () => {
    const root = temporaryDirectory();
    writeTree(root, 'file a x\nfile b x');
    linkSync(join(root, 'a'), join(root, 'c'));
    const tree = open(root, ['c']);
    expect(tree.lookup('a')?.hardLinkKey).toMatch(/^\d+:\d+$/);
    expect(tree.lookup('b')).not.toHaveProperty('hardLinkKey');
  });

  it('reports times before 1970 and fractions', () => {
    const root = temporaryDirectory();
    for (const [name, time] of [
      ['old', '1960-01-01 00:00:00.25 UTC'],
      ['new', '2024-05-06 07:08:09.75 UTC'],
    ] as const) {
      writeFileSync(join(root, name), '');
      execFileSync('touch', ['-d', time, join(root, name)]);
    }
    const tree = open(root);
    expect(tree.lookup('old')?.mtime).toEqual({ seconds: -315_619_200, nanoseconds: 250_000_000 });
    expect(tree.lookup('new')?.mtime).toEqual({ seconds: 1_714_979_289, nanoseconds: 750_000_000 });
    expect(tarTime(-0.000001)).toEqual({ seconds: -1, nanoseconds: 999_999_999 });
    expect(tarTime(-1000)).toEqual({ seconds: -1, nanoseconds: 0 });
    expect(tarTime(0)).toEqual({ seconds: 0, nanoseconds: 0 });
  });

  it('names a file that may not be read', async () => {
    const root = temporaryDirectory();
    chmodSync(root, 0o755);
    writeTree(root, 'file d/f mode=000 x');
    const tree = open(root);
    const denied = (name: string) =>
      expect.objectContaining({
        code: 'CONTEXT_INVALID',
        message: `no permission to read ${name} in the build context`,
      });
    await asOrdinaryUser(() => expect(() => tree.open(entry(tree, 'd/f'))).toThrow(denied('d/f')));
    chmodSync(join(root, 'd'), 0);
    await asOrdinaryUser(() => expect(() => open(root).list('d')).toThrow(denied('d')));
    chmodSync(join(root, 'd'), 0o755);
  });

  it('turns what the system says into what to do', () => {
    const failure = (code: string) => contextError('a/\xc3\xa4', Object.assign(new Error(`${code}: oh`), { code }));
    expect(failure('EACCES')).toMatchObject({
      code: 'CONTEXT_INVALID',
      message: 'no permission to read a/ä in the build context',
      hint: expect.stringContaining('.dockerignore'),
    });
    expect(failure('EIO')).toMatchObject({
      code: 'CONTEXT_INVALID',
      message: 'cannot read a/ä in the build context: EIO: oh',
    });
    expect(failure('ENOENT')).toMatchObject({ code: 'FILE_CHANGED', message: expect.stringContaining('a/ä vanished') });
  });
});
