import { expect, it } from 'vitest';
import { gnuLong, makeTar, paxHeader, type RawMember } from '../../testing/make-tar.ts';
import { namesOf, readAll } from './read-all.ts';

const after: RawMember = { name: 'after' };
const smuggled = makeTar([{ name: 'smuggled' }], { end: false });

it('CVE-2025-62518: the PAX size wins over the size of the header', async () => {
  const archive = makeTar([
    paxHeader({ size: String(smuggled.length) }),
    { name: 'outer', size: 0, content: smuggled },
    after,
  ]);
  expect((await readAll(archive)).map(({ path, size }) => [path, size])).toEqual([
    ['outer', smuggled.length],
    ['after', 0],
  ]);
});

it('CVE-2026-53655: PAX records before a GNU long name speak of the file, not of the long name', async () => {
  const archive = makeTar([
    paxHeader({ size: '0' }),
    gnuLong('L', 'lname'),
    { name: 'short', size: 512, content: smuggled },
    after,
  ]);
  const names = await namesOf(archive).catch((error: Error) => [error.message]);
  expect(names[0]).toBe('lname');
  const honest = makeTar([paxHeader({ mtime: '5' }), gnuLong('L', 'lname'), { name: 'short' }, after]);
  expect((await readAll(honest)).map(({ path, mtime }) => [path, mtime.seconds])).toEqual([
    ['lname', 5],
    ['after', 0],
  ]);
});

it('a PAX value with a newline smuggles no record', async () => {
  const archive = makeTar([paxHeader({ 'SCHILY.xattr.user.x': 'a\n17 path=etc/evil' }), { name: 'harmless' }]);
  expect(await namesOf(archive)).toEqual(['harmless']);
});

it('a number as a PAX path is a name', async () => {
  expect(await namesOf(makeTar([paxHeader({ path: '1234' }), { name: 'x' }]))).toEqual(['1234']);
});

it.each<[string, readonly RawMember[], RegExp]>([
  ['NUL in a PAX path', [paxHeader({ path: 'a\0b' }), after], /the PAX path holds a NUL byte/],
  ['NUL in a PAX linkpath', [paxHeader({ linkpath: 'a\0' }), { name: 'l', type: '2' }], /the PAX linkpath holds a NUL/],
  ['negative PAX size', [paxHeader({ size: '-1' }), after], /the PAX size is not a whole number.* in 'after'/],
  ['fractional PAX size', [paxHeader({ size: '1.5' }), after], /the PAX size/],
  ['PAX size beyond 2^53', [paxHeader({ size: '9223372036854775807' }), after], /the PAX size/],
  ['negative PAX uid', [paxHeader({ uid: '-2' }), after], /the PAX uid/],
  [
    'PAX uid beyond 32 bits',
    [paxHeader({ uid: '4294967296' }), after],
    /the uid 4294967296 is out of range in 'after'/,
  ],
  ['mtime NaN', [paxHeader({ mtime: 'NaN' }), after], /a PAX time is not a number in 'after'/],
  [
    'bad PAX record length',
    [{ name: 'x', type: 'x', content: '999 path=a\n' }, after],
    /PAX record has a wrong length/,
  ],
  ['64 MiB PAX header', [{ name: 'x', type: 'x', size: 64 * 1024 * 1024 }], /over the limit of 1048576/],
  ['64 MiB GNU long name', [{ name: 'x', type: 'L', size: 64 * 1024 * 1024 }], /over the limit/],
  ['64 MiB global header', [{ name: 'x', type: 'g', size: 64 * 1024 * 1024 }], /over the limit/],
  ['negative size', [{ name: 'neg', size: -1 }], /the size is negative in 'neg'/],
  ['negative uid', [{ name: 'neg', uid: -1 }], /the uid -1 is out of range in 'neg'/],
  [
    'size 2^63-1',
    [{ name: 'x', raw: { 124: '\x80\0\0\0\x7f\xff\xff\xff\xff\xff\xff\xff' } }],
    /the size field is out of/,
  ],
  ['size that is no number', [{ name: 'x', raw: { 124: 'zzzzzzzzzzz\0' } }], /the size field is not a number/],
  ['bad checksum', [{ name: 'x', broken: { 0: 'y' } }], /the checksum of a header is wrong/],
  ['unknown type', [{ name: 'u', type: 'Z' }], /unknown type flag 'Z' in 'u'/],
  ['volume label', [{ name: 'v', type: 'V', format: 'gnu' }], /unknown type flag 'V'/],
  ['multi-volume', [{ name: 'm', type: 'M', format: 'gnu' }], /unknown type flag 'M'/],
  ['Solaris extended header', [{ name: 'X', type: 'X' }, after], /unknown type flag 'X'/],
  ['no name', [{ name: '' }], /a member has no name/],
  ['truncated body', [{ name: 'cut', size: 1e9, content: 'x' }], /unexpected end of archive in 'cut'/],
])('refuses: %s', async (_, members, message) => {
  await expect(namesOf(makeTar(members))).rejects.toThrow(message);
  await expect(namesOf(makeTar(members), 33)).rejects.toMatchObject({ code: 'TAR_INVALID' });
});

it('refuses garbage', async () => {
  await expect(namesOf(Buffer.alloc(2048, 'garbage '))).rejects.toMatchObject({ code: 'TAR_INVALID' });
});

it('shows control characters of a name as escapes', async () => {
  await expect(namesOf(makeTar([{ name: '\x1b[2J', type: 'Z' }]))).rejects.toThrow("'\\x1b[2J'");
});
