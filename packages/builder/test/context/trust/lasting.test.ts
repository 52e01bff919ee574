import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { HostDirectory } from '../../../src/context/host-directory.ts';
import { StatCache } from '../../../src/context/stat-cache.ts';
import { KeptTimes } from '../../../src/context/trust/kept-times.ts';
import { isRacy } from '../../../src/context/trust/lasting.ts';
import { findSharedMappings } from '../../../src/context/trust/shared-mappings.ts';
import { entry, open, temporaryDirectory } from '../real-tree.ts';

const isRoot = process.getuid?.() === 0;

describe('isRacy', () => {
  it.each([
    ['written within a tick', 1000.5, 1000.5, 1010, true],
    ['written two ticks ago', 1000.5, 1000.5, 1021, false],
    ['written long ago, changed within a tick', 0.5, 1000.5, 1010, true],
    ['a ctime ahead of the clock', 0.5, 9000.5, 1000, true],
    ['an mtime set to now', 5000.5, 10.5, 5000, true],
    ['an mtime set to the far future', 1e12 + 0.5, 10.5, 5000, false],
    ['a ctime of whole seconds, which a program may have set', 1000.5, 1_000_000, 2_000_000, true],
    ['an mtime of whole seconds (set by an archive)', 1_000_000, 1_000_000.5, 1_000_100, false],
  ])('%s', (_, mtimeMs, ctimeMs, seenAt, expected) => {
    expect(isRacy(mtimeMs, ctimeMs, seenAt)).toBe(expected);
  });
});

/** What a second build remembers of the file `f` of a context that is left alone for a moment. */
async function remembered(root: string): Promise<boolean> {
  await sleep(45);
  const file = join(temporaryDirectory(), 'cache');
  const cache = StatCache.open(root, file);
  const tree = open(root, undefined, cache);
  tree.contentSha256(entry(tree, 'f'));
  cache.save();
  const again = open(root, undefined, StatCache.open(root, file));
  return again.knownSha256(entry(again, 'f')) !== undefined;
}

/** Runs `script` as root with `$1`, a directory, and undoes its mounts in the end. */
function mounted(script: string): string {
  const root = temporaryDirectory();
  onTestFinished(() => {
    execFileSync('sh', ['-c', 'umount "$1"/* 2>/dev/null; umount "$1" 2>/dev/null; true', 'sh', root]);
  });
  execFileSync('sh', ['-ec', script, 'sh', root], { stdio: 'ignore' });
  return root;
}

describe('digests outlive a build', () => {
  const kept = new KeptTimes((path) => new HostDirectory(tmpdir()).fileSystemType(path), -1);
  const here = statSync(tmpdir()).dev;

  it.skipIf(!kept.keeps(here, () => ''))('where the kernel keeps ctime (needs such a file system)', async () => {
    const root = temporaryDirectory();
    writeFileSync(join(root, 'f'), 'x');
    expect(await remembered(root)).toBe(true);
  });

  it.skipIf(!isRoot)('not on tmpfs, also when it is mounted inside of the context (needs root)', async () => {
    const root = mounted('mount -t tmpfs none "$1"; echo x >"$1/f"');
    expect(await remembered(root)).toBe(false);
    const nested = mounted('mkdir "$1/in"; mount -t tmpfs none "$1/in"; echo x >"$1/in/f"; ln -s / "$1/in/a"');
    const [outer, inner] = [lstatSync(nested).dev, lstatSync(join(nested, 'in')).dev];
    const times = new KeptTimes((path) => new HostDirectory(nested).fileSystemType(path), outer);
    expect(times.keeps(inner, () => 'in/a')).toBe(false);
    expect(times.keeps(outer, () => '')).toBe(kept.keeps(here, () => ''));
  });

  it.skipIf(!isRoot)(
    'not on a loop device, whose image may be exchanged (needs root and mkfs.ext4)',
    async (context) => {
      const image = join(temporaryDirectory(), 'image');
      let root: string;
      try {
        root = mounted(`truncate -s 8M ${image}; mkfs.ext4 -q ${image}; mount -o loop ${image} "$1"; echo x >"$1/f"`);
      } catch {
        return context.skip();
      }
      expect(await remembered(root)).toBe(false);
    },
  );

  it.skipIf(!kept.keeps(here, () => ''))(
    'not of a file that a program has mapped for writing (needs python3)',
    async () => {
      const root = temporaryDirectory();
      mkdirSync(join(root, 'd'));
      writeFileSync(join(root, 'f'), Buffer.alloc(4096));
      const script =
        'import mmap,sys; f=open(sys.argv[1],"r+b"); m=mmap.mmap(f.fileno(),0); m[0]=65; print(flush=True); sys.stdin.read()';
      const program = spawn('python3', ['-c', script, join(root, 'f')], { stdio: ['pipe', 'pipe', 'ignore'] });
      onTestFinished(() => void program.kill());
      await once(program.stdout, 'data');
      expect(findSharedMappings().inodes.has(statSync(join(root, 'f')).ino)).toBe(true);
      expect(await remembered(root)).toBe(false);
      program.stdin.end();
      await once(program, 'exit');
    },
  );
});
