import { describe, expect, it } from 'vitest';
import { PLAIN_ENTRY } from '../../testing/plain-entry.ts';
import type { TarEntry } from '../../src/tar/entry.ts';
import { encodePlainHeader, encodeTarHeader } from '../../src/tar/writer.ts';

const file: TarEntry = { ...PLAIN_ENTRY, path: 'a' };
const text = (block: Uint8Array, from: number, length: number) =>
  Buffer.from(block)
    .toString('latin1', from, from + length)
    .replace(/\0+$/, '');

describe('an entry that ustar can hold', () => {
  it.each<[string, Partial<TarEntry>]>([
    ['a name of 100 bytes', { path: 'n'.repeat(100) }],
    ['a long name with a slash in the right place', { path: `${'d'.repeat(155)}/${'n'.repeat(100)}` }],
    ['a long directory', { path: `${'d'.repeat(90)}/${'n'.repeat(50)}`, type: 'directory' }],
    ['the greatest numbers', { uid: 0o7777777, gid: 0o7777777, size: 8 ** 11 - 1 }],
    ['a late time', { mtime: { seconds: 8 ** 11 - 1, nanoseconds: 0 } }],
  ])('takes one block: %s', (_, fields) => {
    expect(encodeTarHeader({ ...file, ...fields })).toHaveLength(512);
  });

  it('has no user, group or magic of its own', () => {
    const block = encodeTarHeader({ ...file, path: 'dir', type: 'directory', mode: 0o1777 });
    expect(text(block, 0, 100)).toBe('dir/');
    expect(text(block, 100, 48)).toBe(
      '0001777\0'.concat('0000000\0'.repeat(2), '00000000000\0'.repeat(2)).slice(0, -1),
    );
    expect(text(block, 156, 1)).toBe('5');
    expect(text(block, 257, 8)).toBe('ustar\x0000');
    expect(text(block, 265, 64)).toBe('');
  });

  it('is written in place', () => {
    const target = new Uint8Array(2048).fill(1);
    expect(encodePlainHeader(file, target, 512)).toBe(true);
    expect(target.subarray(512, 1024)).toEqual(encodeTarHeader(file));
    expect([target[511], target[1024]]).toEqual([1, 1]);
  });
});

describe('an entry that needs PAX', () => {
  it.each<[string, Partial<TarEntry>, string]>([
    ['a long name', { path: 'n'.repeat(101) }, `111 path=${'n'.repeat(101)}\n`],
    ['a name that is not ASCII', { path: 'caf\xe9' }, '13 path=caf\xe9\n'],
    ['a long target', { type: 'symlink', linkPath: 't'.repeat(101) }, `115 linkpath=${'t'.repeat(101)}\n`],
    ['a great user', { uid: 0o10000000 }, '15 uid=2097152\n'],
    ['a great group', { gid: 4294967295 }, '18 gid=4294967295\n'],
    ['8 GiB', { size: 8 ** 11 }, '19 size=8589934592\n'],
    ['a time before 1970', { mtime: { seconds: -1, nanoseconds: 0 } }, '12 mtime=-1\n'],
    ['a part of a second', { mtime: { seconds: 1, nanoseconds: 5000 } }, '18 mtime=1.000005\n'],
    ['an xattr', { xattrs: new Map([['user.a', Buffer.from('b\n')]]) }, '26 SCHILY.xattr.user.a=b\n\n'],
  ])('%s', (_, fields, record) => {
    const blocks = encodeTarHeader({ ...file, ...fields });
    expect(text(blocks, 156, 1)).toBe('x');
    expect(text(blocks, 512, record.length)).toBe(record);
    expect(text(blocks, 124, 11)).toBe(record.length.toString(8).padStart(11, '0'));
    expect(encodePlainHeader({ ...file, ...fields }, new Uint8Array(512), 0)).toBe(false);
  });

  it('names its extended header after itself', () => {
    expect(text(encodeTarHeader({ ...file, path: 'dir/caf\xe9' }), 0, 100)).toBe('dir/PaxHeaders.0/caf');
  });

  it('never looks like a directory when its name is cut at a slash', () => {
    const path = `${'d'.repeat(99)}/${'n'.repeat(160)}`;
    expect(text(encodeTarHeader({ ...file, path }), 1024, 100)).toBe('d'.repeat(99));
  });
});

it.each<[string, Partial<TarEntry>]>([
  ['has no name', { path: '' }],
  ['holds a NUL byte', { path: 'a\0b' }],
  ['the mode', { mode: 0o10000 }],
  ['the uid', { uid: -1 }],
  ['the gid', { gid: 2 ** 32 }],
  ['the size', { size: 1.5 }],
  ['nanoseconds', { mtime: { seconds: 0, nanoseconds: 1e9 } }],
  ['no link target', { type: 'hardlink' }],
  ['a link target without a link', { linkPath: 'x' }],
  ['cannot have content', { type: 'directory', size: 1 }],
  ['device number', { type: 'char', devMajor: 0o10000000 }],
  ['attribute has no name', { xattrs: new Map([['', new Uint8Array()]]) }],
])('refuses an entry: %s', (reason, fields) => {
  expect(() => encodeTarHeader({ ...file, ...fields })).toThrow(reason);
});
