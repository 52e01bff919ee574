import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TarEntry } from '../../src/tar/entry.ts';
import { encodeTarHeader, END_OF_ARCHIVE } from '../../src/tar/writer.ts';
import { readAll } from './read-all.ts';

const hasTar = runs('tar', '--version');
const hasPython = runs('python3', '-c', 'import tarfile');
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'tar-interop-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const long = `${'d'.repeat(120)}/${'e'.repeat(120)}/${'f'.repeat(90)}`;
const utf8 = Buffer.from('caf\u00e9-\u4e2d').toString('latin1');
const base = {
  uid: 0,
  gid: 0,
  size: 0,
  mtime: { seconds: 1e9, nanoseconds: 0 },
  linkPath: '',
  devMajor: 0,
  devMinor: 0,
};
const entries: readonly TarEntry[] = [
  { ...base, path: 'etc', type: 'directory', mode: 0o755 },
  { ...base, path: 'etc/passwd', type: 'file', mode: 0o644, size: 1000, uid: 5_000_000, gid: 4_294_967_294 },
  { ...base, path: 'etc/link', type: 'symlink', mode: 0o777, linkPath: '../x' },
  { ...base, path: 'etc/hard', type: 'hardlink', mode: 0o644, linkPath: 'etc/passwd' },
  { ...base, path: 'su', type: 'file', mode: 0o4755, mtime: { seconds: -100, nanoseconds: 0 } },
  { ...base, path: long, type: 'file', mode: 0o600, mtime: { seconds: 5, nanoseconds: 250_000_000 } },
  { ...base, path: utf8, type: 'symlink', mode: 0o777, linkPath: long },
  { ...base, path: 'bad\xff', type: 'file', mode: 0o644 },
  { ...base, path: 'fifo', type: 'fifo', mode: 0o600 },
  { ...base, path: 'tty', type: 'char', mode: 0o620, devMajor: 5, devMinor: 300 },
  { ...base, path: 'x', type: 'file', mode: 0o644, xattrs: new Map([['user.a', Buffer.from([10, 0, 255])]]) },
];

function written(): string {
  const path = join(directory, 'ours.tar');
  const blocks = entries.flatMap((entry) => [encodeTarHeader(entry), Buffer.alloc(Math.ceil(entry.size / 512) * 512)]);
  writeFileSync(path, Buffer.concat([...blocks, END_OF_ARCHIVE]));
  return path;
}

const LIST = `
import sys, tarfile, json, base64
out = []
for m in tarfile.open(sys.argv[1], errors='surrogateescape'):
    name = lambda s: s.encode('utf-8', 'surrogateescape').decode('latin1')
    out.append([name(m.name), m.type.decode(), m.mode, m.uid, m.gid, m.size, m.mtime, name(m.linkname), m.devmajor, m.devminor])
print(json.dumps(out))`;

describe('what the writer makes is read alike', () => {
  it.skipIf(!hasPython)('by python (needs python3)', () => {
    const listed = JSON.parse(execFileSync('python3', ['-c', LIST, written()]).toString());
    const types = { file: '0', hardlink: '1', symlink: '2', char: '3', block: '4', directory: '5', fifo: '6' };
    expect(listed).toEqual(
      entries.map((entry) => [
        entry.path,
        types[entry.type],
        entry.mode,
        entry.uid,
        entry.gid,
        entry.size,
        entry.mtime.seconds + entry.mtime.nanoseconds / 1e9,
        entry.linkPath,
        entry.devMajor,
        entry.devMinor,
      ]),
    );
  });

  it.skipIf(!hasTar)('by GNU tar (needs tar)', () => {
    const output = execFileSync('tar', ['--numeric-owner', '--quoting-style=c', '-tvf', written()], {
      env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' },
    });
    const lines = output.toString('latin1').trimEnd().split('\n');
    expect(lines.map((line) => line.slice(0, 10))).toEqual(
      ['drwxr-xr-x', '-rw-r--r--', 'lrwxrwxrwx', 'hrw-r--r--', '-rwsr-xr-x', '-rw-------'].concat([
        'lrwxrwxrwx',
        '-rw-r--r--',
        'prw-------',
        'crw--w----',
        '-rw-r--r--',
      ]),
    );
    expect(lines[1]).toContain('5000000/4294967294');
    expect(lines[3]).toContain('"etc/hard" link to "etc/passwd"');
    expect(lines[4]).toContain('1969-12-31');
    expect(lines[5]).toContain(long);
    expect(lines[7]).toContain('"bad\\377"');
    expect(lines[9]).toContain('5,300');
  });
});

describe('archives of others are read alike', () => {
  const tree = () => {
    const root = mkdtempSync(join(directory, 'tree-'));
    mkdirSync(join(root, 'd'.repeat(110)), { mode: 0o750 });
    chmodSync(join(root, 'd'.repeat(110)), 0o750);
    const name = join(root, 'd'.repeat(110), 'e'.repeat(60));
    writeFileSync(name, 'content', { mode: 0o640 });
    utimesSync(name, 1_234_567_890, 1_234_567_890);
    linkSync(name, join(root, 'z-hard'));
    symlinkSync('t'.repeat(130), join(root, 'soft'));
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff])]), '');
    return root;
  };
  it.skipIf(!hasTar).each(['gnu', 'pax', 'posix', 'oldgnu'])('of GNU tar, format %s (needs tar)', async (format) => {
    const root = tree();
    const archive = execFileSync('tar', [`--format=${format}`, '--sort=name', '-cf', '-', '-C', root, '.']);
    const members = new Map((await readAll(archive, 1000)).map((member) => [member.path.replace(/^\.\//, ''), member]));
    const file = `${'d'.repeat(110)}/${'e'.repeat(60)}`;
    expect(members.get(`${'d'.repeat(110)}/`)).toMatchObject({ type: 'directory', mode: 0o750 });
    expect(members.get(file)).toMatchObject({ type: 'file', mode: 0o640, size: 7, text: 'content' });
    expect(members.get(file)?.mtime.seconds).toBe(1_234_567_890);
    expect(members.get('z-hard')).toMatchObject({ type: 'hardlink', linkPath: `./${file}` });
    expect(members.get('soft')).toMatchObject({ type: 'symlink', linkPath: 't'.repeat(130) });
    expect(members.get('f\xff')).toMatchObject({ type: 'file', size: 0 });
  });

  it.skipIf(!hasTar)('of GNU tar, PAX with parts of a second (needs tar)', async () => {
    const root = tree();
    const options = ['--format=pax', '--mtime=@-5.25', '--owner=:3000000', '--sort=name'];
    const members = await readAll(execFileSync('tar', [...options, '-cf', '-', '-C', root, 'soft']));
    expect(members).toMatchObject([{ uid: 3_000_000, mtime: { seconds: -6, nanoseconds: 750_000_000 } }]);
  });

  it.skipIf(!hasPython).each(['USTAR', 'GNU', 'PAX'])('of python, format %s (needs python3)', async (format) => {
    const path = join(directory, `${format}.tar`);
    const script = `
import tarfile, io
t = tarfile.open(${JSON.stringify(path)}, 'w', format=tarfile.${format}_FORMAT)
i = tarfile.TarInfo('dir/' + 'n' * 90); i.size = 3; i.mode = 0o4711; i.uid = 12; i.mtime = 77; t.addfile(i, io.BytesIO(b'abc'))
i = tarfile.TarInfo('dev'); i.type = tarfile.BLKTYPE; i.devmajor = 8; i.devminor = 17; t.addfile(i)
i = tarfile.TarInfo('caf\\u00e9'); i.type = tarfile.SYMTYPE; i.linkname = '\\u4e2d'; t.addfile(i)
t.close()`;
    execFileSync('python3', ['-c', script]);
    expect(await readAll(readFileSync(path))).toMatchObject([
      { path: `dir/${'n'.repeat(90)}`, type: 'file', mode: 0o4711, uid: 12, mtime: { seconds: 77 }, text: 'abc' },
      { path: 'dev', type: 'block', devMajor: 8, devMinor: 17 },
      { path: 'caf\xc3\xa9', type: 'symlink', linkPath: '\xe4\xb8\xad' },
    ]);
  });
});

function runs(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
