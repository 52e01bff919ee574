import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BLOCK_SIZE } from '../../packages/oci/src/tar/block.ts';
import type { TarEntry } from '../../packages/oci/src/tar/entry.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../../packages/oci/src/tar/writer.ts';
import { PLAIN_ENTRY } from '../../packages/oci/testing/plain-entry.ts';
import { gnuLong, makeTar, paxHeader } from '../../packages/oci/testing/make-tar.ts';
import type { RawMember } from '../../packages/oci/testing/make-tar.ts';

/** An archive of our own writer. Each content must be as long as its entry says. */
function writtenTar(entries: readonly (Partial<TarEntry> & { readonly content?: string })[]): Uint8Array {
  const blocks = entries.flatMap(({ content = '', ...entry }) => [
    encodeTarHeader({ ...PLAIN_ENTRY, ...entry, size: content.length }),
    Buffer.from(content.padEnd(Math.ceil(content.length / BLOCK_SIZE) * BLOCK_SIZE, '\0'), 'latin1'),
  ]);
  return Buffer.concat([...blocks, END_OF_ARCHIVE]);
}

/** Every kind of entry, as our writer writes it. */
export const PLAIN_TAR = writtenTar([
  { path: 'bin', type: 'directory', mode: 0o755 },
  {
    path: 'bin/app',
    mode: 0o4755,
    uid: 1000,
    gid: 1000,
    mtime: { seconds: 1_700_000_000, nanoseconds: 0 },
    content: 'app',
  },
  { path: 'bin/link', type: 'symlink', linkPath: 'app', mode: 0o777 },
  { path: 'bin/same', type: 'hardlink', linkPath: 'bin/app' },
  { path: 'dev/null', type: 'char', devMajor: 1, devMinor: 3 },
  { path: 'dev/disk', type: 'block', devMajor: 8, devMinor: 0 },
  { path: 'pipe', type: 'fifo' },
  { path: 'etc/.wh.gone', mode: 0 },
  { path: 'opt/.wh..wh..opq', mode: 0 },
  { path: 'etc/passwd', content: 'root:x:0:0:root:/root:/bin/sh\n'.repeat(40) },
]);

/** What needs PAX headers. */
const PAX_TAR = writtenTar([
  { path: `${'directory/'.repeat(12)}name`, content: 'x'.repeat(600) },
  { path: 'h\xc3\xa9', uid: 3_000_000, mtime: { seconds: -1, nanoseconds: 500 }, content: 'y' },
  { path: '\xff\xfe', xattrs: new Map([['security.capability', Uint8Array.of(1, 0, 0, 2, 0x0a, 0)]]) },
  { path: 'l', type: 'symlink', linkPath: 'far/'.repeat(40) },
]);

const file = (name: string, more: Partial<RawMember> = {}): RawMember => ({ name, content: 'content', ...more });
const link = (name: string, linkName: string, type = '2'): RawMember => ({ name, type, linkName });

/** Archives that attack readers, or that readers take for different things (CVE-2025-62518, CVE-2026-53655 …). */
const HOSTILE: readonly (readonly RawMember[])[] = [
  [file('../outside'), file('/absolute'), file('a/../../b')],
  [link('dir', '/etc'), file('dir/passwd')],
  [link('a', 'b'), link('b', 'a'), file('a/x')],
  [link('hard', '../../etc/passwd', '1'), link('hard2', 'hard2', '1')],
  [file('t'), link('h', 't', '1'), file('t', { content: 'new' }), link('h2', 'h', '1')],
  [{ name: '.', type: '2', linkName: '/tmp' }, file('x')],
  [
    { name: 'd', type: '5' },
    { name: 'd', type: '0' },
    { name: 'd/x', type: '0' },
  ],
  [file('.wh.'), file('a/.wh..'), file('a/.wh...')],
  [file('x'), file('.wh.x')],
  [{ name: 'null', type: '3', devMajor: 0, devMinor: 0 }],
  [paxHeader({ size: '1024' }), file('short', { size: 0 }), file('smuggled')],
  [paxHeader({ path: 'pax' }), gnuLong('L', 'long'), file('short')],
  [gnuLong('L', 'n'.repeat(300)), gnuLong('K', 't'.repeat(300)), link('short', 'short')],
  [paxHeader({ mtime: 'NaN' }), file('x')],
  [{ name: 'pax', type: 'x', content: '99 path=x\n' }, file('x')],
  [{ name: 'pax', type: 'x', content: '12 path=a\0b\n' }, file('x')],
  [paxHeader({ path: 'global' }, 'g'), file('x')],
  [{ name: 'pax', type: 'x', size: 64 * 1024 * 1024 }],
  [file('base256', { size: 2 ** 40 })],
  [{ name: 'negative', raw: { 124: '\xff'.repeat(12) } }],
  [file('sparse', { type: 'S' }), paxHeader({ 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0' }), file('sparse1')],
  [
    paxHeader({
      'GNU.sparse.major': '1',
      'GNU.sparse.minor': '0',
      'GNU.sparse.realsize': '900',
      'GNU.sparse.name': 's',
    }),
    file('x', { content: `${'2\n3\n4\n800\n1\n'.padEnd(512, '\0')}abcde` }),
  ],
  [
    paxHeader({ 'GNU.sparse.size': '900', 'GNU.sparse.numblocks': '2', 'GNU.sparse.map': '3,4,800,1' }),
    file('x', { content: 'abcde' }),
  ],
  [file('wrong', { broken: { 148: '0000000\0' } })],
  [file('old', { format: 'v7' }), { name: 'old/', type: '\0', format: 'v7' }],
  [file('gnu', { format: 'gnu', uid: 2 ** 31, mtime: -1 })],
  [file('prefix', { prefix: 'p'.repeat(155) })],
  [paxHeader({ 'SCHILY.xattr.trusted.overlay.opaque': 'y', 'SCHILY.xattr.user.x': '\0\n=' }), { name: 'd', type: '5' }],
  [{ name: 'volume', type: 'V' }, file('x')],
  [file('deep'), { name: 'd/'.repeat(49), type: '5' }, file('d/'.repeat(49).concat('x'))],
  [],
];

/** Archives of GNU tar in each of its formats, the same on every machine. */
function gnuTars(): readonly Uint8Array[] {
  const folder = mkdtempSync(join(tmpdir(), 'tsbuild-fuzz-'));
  try {
    mkdirSync(join(folder, 'sub'));
    writeFileSync(join(folder, 'sub/file'), 'content of a file\n');
    // Too long for a header of 1988, short enough for its prefix.
    mkdirSync(join(folder, 'sub', 'd'.repeat(90)));
    writeFileSync(join(folder, 'sub', 'd'.repeat(90), 'n'.repeat(90)), '');
    linkSync(join(folder, 'sub/file'), join(folder, 'sub/hard'));
    symlinkSync('file', join(folder, 'sub/soft'));
    for (const name of ['sub/file', 'sub']) utimesSync(join(folder, name), 1, 1);
    const fixed = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mode=0755', '--mtime=@1'];
    // Its names for PAX headers hold the number of the process; the inputs shall be the same each time.
    const pax = '--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime';
    return ['gnu', 'oldgnu', 'posix', 'ustar'].map((format) => {
      const options = [...fixed, ...(format === 'posix' ? [pax] : []), `--format=${format}`];
      return execFileSync('tar', [...options, '-cf', '-', 'sub'], {
        cwd: folder,
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    });
  } catch {
    return []; // no GNU tar here: our own archives remain
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** All of them; those that are only headers without an end, too. */
export function tarSeeds(): readonly Uint8Array[] {
  const hostile = HOSTILE.map((members) => makeTar(members));
  const openEnded = makeTar([file('a')], { end: false });
  return [PLAIN_TAR, PAX_TAR, ...hostile, openEnded, Buffer.concat([PLAIN_TAR, PAX_TAR]), ...gnuTars()];
}
