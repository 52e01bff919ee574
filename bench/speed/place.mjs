// Where the benchmark works. An ext4 without a journal (the root of some virtual machines) creates files slowly for minutes
// after many were deleted, which would measure the round before: there a journalled image is mounted, past the page cache of
// what holds it (direct I/O), or everything written would be copied and kept twice.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { quietly } from './measure.mjs';

/** Makes the folder; `dispose` takes everything away again. */
export function makePlace(gibibytes) {
  const top = mkdtempSync(join(tmpdir(), 'tsbuild-speed-'));
  const folder = join(top, 'work');
  mkdirSync(folder);
  const mounted = lacksJournal(top) && process.getuid() === 0;
  if (mounted) {
    const image = join(top, 'image');
    quietly(['truncate', '-s', `${gibibytes}G`, image]);
    quietly(['mkfs.ext4', '-q', '-F', image]);
    quietly(['mount', '-o', 'loop', image, folder]);
    const device = quietly(['findmnt', '-n', '-o', 'SOURCE', folder]).trim();
    // Not every file system below can do it.
    spawnSync('losetup', ['--direct-io=on', device], { stdio: 'ignore' });
  }
  const free = statfsSync(folder);
  if (free.bavail * free.bsize < gibibytes * 0.6 * 2 ** 30) console.error(`warning: little room in ${folder}`);
  return {
    folder,
    mounted,
    /**
     * Has memory used that a command will fill with what it writes. To a virtual machine the host gives memory page by page when
     * it is first touched, which takes ten times the copying: whoever came after something was deleted would not pay it.
     */
    touchMemory(bytes) {
      const file = join(folder, 'touched');
      quietly(['dd', 'if=/dev/zero', `of=${file}`, 'bs=1M', `count=${Math.ceil(bytes / 2 ** 20)}`]);
      rmSync(file);
    },
    dispose() {
      if (mounted) quietly(['umount', '-l', folder]);
      rmSync(top, { recursive: true, force: true });
    },
  };
}

function lacksJournal(path) {
  const device = quietly(['stat', '-c', '%d', path]).trim();
  const line = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((text) => text.split(' '))
    .find((fields) => {
      const [major, minor] = (fields[2] ?? '').split(':').map(Number);
      return ((BigInt(major || 0) << 8n) | BigInt(minor || 0)) === BigInt(device);
    });
  if (line === undefined || line[line.indexOf('-') + 1] !== 'ext4') return false;
  try {
    const name = line[line.indexOf('-') + 2].split('/').at(-1);
    return !readFileSync(`/proc/fs/ext4/${name}/options`, 'utf8').includes('data=');
  } catch {
    return false;
  }
}
