import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { demand } from './case.ts';
import type { HostileCase, Site } from './case.ts';

/** Stores to a file by a mapping, four bytes more for each line of its input; says `stored` after each. */
const WRITER = `import mmap, sys
with open(sys.argv[1], "r+b") as f:
    memory = mmap.mmap(f.fileno(), 0)
    for word in (b"AAAA", b"BBBB", b"CCCC", b"DDDD"):
        memory[0:4] = word
        print("stored", flush=True)
        sys.stdin.readline()
`;

/**
 * The kernel moves a file's times with the first store to a page that is clean, and on tmpfs with none: a program that goes on
 * writing changes content alone.
 */
async function storesByMapping(site: Site, context: string): Promise<void> {
  writeFileSync(join(context, 'data'), Buffer.alloc(4096));
  writeFileSync(join(context, 'Dockerfile'), 'FROM scratch\nCOPY data /data\n');
  const program = spawn('python3', ['-c', WRITER, join(context, 'data')], { stdio: ['pipe', 'pipe', 'ignore'] });
  try {
    for (const word of ['AAAA', 'BBBB', 'CCCC', 'DDDD']) {
      await once(program.stdout, 'data');
      // Long enough that what is there counts as settled.
      await sleep(60);
      demand(`stored ${word}`, await copied(site, context, 'data'), word);
      program.stdin.write('\n');
    }
    await once(program, 'exit');
    demand('when it has ended', await copied(site, context, 'data'), 'DDDD');
  } finally {
    program.kill();
  }
}

/** The first four bytes of what a build copies. */
async function copied({ bench }: Site, context: string, name: string): Promise<string | undefined> {
  const { layer } = await bench.buildIn(context);
  return layer.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1, name.length + 5);
}

/**
 * Two releases of an image file, as of a squashfs or an ISO: inode numbers and all times are those of when it was made, and the same
 * in both. `place` is where they are mounted, one after the other.
 */
async function remounts(site: Site, context: string, place: string): Promise<void> {
  const { folder } = site;
  const [first, second, tree] = [join(folder, '1.img'), join(folder, '2.img'), join(folder, 'tree')];
  mkdirSync(tree);
  writeFileSync(join(tree, 'release'), 'AAAA\n');
  const sh = (script: string, ...words: readonly string[]): void =>
    void execFileSync('sh', ['-ec', script, ...words], { stdio: 'ignore' });
  sh('truncate -s 8M "$0"; mkfs.ext4 -q -O ^metadata_csum -d "$1" "$0"', first, tree);
  // Past what counts as just written.
  await sleep(60);
  writeFileSync(second, Buffer.from(readFileSync(first, 'latin1').replace('AAAA\n', 'BBBB\n'), 'latin1'));
  const where = join(context, place);
  const name = join(place, 'release');
  const dockerfile = join(folder, 'Dockerfile');
  writeFileSync(dockerfile, `FROM scratch\nCOPY ${name} /release\n`);
  for (const [image, word] of [
    [first, 'AAAA'],
    [second, 'BBBB'],
    [first, 'AAAA'],
  ] as const) {
    sh('mount -o loop,ro,noatime "$0" "$1"', image, where);
    try {
      const { layer } = await site.bench.buildIn(context, { dockerfile });
      demand('release', layer, [`release=${word}\n`]);
    } finally {
      sh('umount "$0"', where);
    }
  }
}

/** Files that change while everything by which they are known stays as it was. */
export const STALE_CASES: readonly HostileCase[] = [
  {
    row: 'C1',
    name: 'a program that stores to a file of the context by a mapping',
    needs: ['python3'],
    attempt: (site) => storesByMapping(site, newContext(site)),
  },
  {
    row: 'C1',
    name: 'a program that stores to a file of the context by a mapping, on tmpfs',
    needs: ['python3'],
    attempt: async (site) => {
      const context = mkdtempSync('/dev/shm/tsbuild-hostile-');
      try {
        await storesByMapping(site, context);
      } finally {
        rmSync(context, { recursive: true });
      }
    },
  },
  {
    row: 'C2',
    name: 'two images of a file system, mounted one after the other as the context',
    needs: ['root', 'mkfs.ext4', 'losetup'],
    attempt: (site) => remounts(site, newContext(site), ''),
  },
  {
    row: 'C2',
    name: 'two images of a file system, mounted one after the other inside of the context',
    needs: ['root', 'mkfs.ext4', 'losetup'],
    attempt: (site) => {
      const context = newContext(site);
      mkdirSync(join(context, 'in'));
      return remounts(site, context, 'in');
    },
  },
];

function newContext({ folder }: Site): string {
  const context = join(folder, 'context');
  mkdirSync(context);
  return context;
}
