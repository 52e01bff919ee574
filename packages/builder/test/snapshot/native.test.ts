import { execFileSync } from 'node:child_process';
import { lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { programsNative } from '@tsbuild/oci/internal';
import { afterAll, describe, expect, it } from 'vitest';
import { readFacts } from '../../src/disk/file-facts.ts';
import { libraryNative } from '../../src/disk/native-library.ts';

const root = process.getuid?.() === 0;
/** cap_net_raw+ep as the kernel keeps it (version 2). */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');

describe.each([
  ['koffi', libraryNative],
  ['programs', async () => programsNative()],
])('native calls through %s', (kind, make) => {
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-native-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string): Buffer => Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name, 'latin1')]);

  it.skipIf(!root)('sets and reads file capabilities (as root), of names that are not UTF-8 too', async () => {
    const native = await make();
    for (const name of ['plain', 'not\xffutf8', 'with space=x\nand newline']) {
      writeFileSync(at(name), '');
      native.setXattr(at(name), 'security.capability', CAPABILITY);
      const read = native.xattrs(Buffer.from(directory));
      expect(Buffer.from(read(at(name), 'security.capability') ?? []).toString('hex')).toBe(CAPABILITY.toString('hex'));
    }
    expect(execFileSync('getcap', [join(directory, 'plain')], { encoding: 'utf8' })).toContain('cap_net_raw=ep');
  });

  it('finds no attribute where there is none', async () => {
    writeFileSync(at('none'), '');
    expect((await make()).xattrs(Buffer.from(directory))(at('none'), 'security.capability')).toBeUndefined();
  });

  it.skipIf(!root)('makes devices, whiteouts and fifos (as root)', async () => {
    const native = await make();
    native.mknod(at('c\xff'), 0o020640, 259, 300);
    native.mknod(at('w'), 0o020000, 0, 0);
    native.mknod(at('p'), 0o010600, 0, 0);
    expect(readFacts(at('c\xff'))).toMatchObject({ type: 'char', devMajor: 259, devMinor: 300 });
    expect(readFacts(at('w')).type).toBe('whiteout');
    expect(readFacts(at('p')).type).toBe('fifo');
  });

  it('sets times before 1970 and to the nanosecond', async () => {
    const native = await make();
    writeFileSync(at('time'), '');
    mkdirSync(at('dir'));
    for (const name of ['time', 'dir']) {
      native.setTimes(at(name), -5, 123_456_789);
      expect(readFacts(at(name)).mtime).toEqual({ seconds: -5, nanoseconds: 123_456_789 });
    }
    symlinkSync('time', at(`link-${kind}`));
    native.setTimes(at(`link-${kind}`), 7, 0);
    expect(lstatSync(at(`link-${kind}`)).mtimeMs).toBe(7000);
    expect(readFacts(at('time')).mtime.seconds).toBe(-5);
  });
});

it.skipIf(!root)("takes overlayfs's marks away and nothing else (as root)", async () => {
  const native = await libraryNative();
  const directory = mkdtempSync(join(tmpdir(), 'tsbuild-native-'));
  const path = Buffer.from(directory);
  native.setXattr(path, 'trusted.overlay.opaque', Buffer.from('y'));
  native.setXattr(path, 'user.overlay.origin', Buffer.from('z'));
  native.setXattr(path, 'user.mine', Buffer.from('m'));
  native.removeOverlayXattrs(path);
  const read = native.xattrs(path);
  expect(read(path, 'trusted.overlay.opaque')).toBeUndefined();
  expect(read(path, 'user.overlay.origin')).toBeUndefined();
  expect(Buffer.from(read(path, 'user.mine') ?? []).toString()).toBe('m');
  rmSync(directory, { recursive: true });
});
