import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { output, run } from '../test/support/process.ts';

/** A folder on a filesystem of its own, open for every user. */
export interface Place {
  readonly filesystem: string;
  readonly folder: string;
}

/** The filesystems that can be had here, and why others cannot. */
export interface Places {
  readonly places: readonly Place[];
  readonly missing: readonly string[];
  /** Takes the mounts away, for who wants to remove their folder; without it they go with their namespace. */
  readonly unmount: () => void;
}

/** Bytes of an image that a filesystem is made in; it takes only what is written. */
const IMAGE_BYTES = 2 * 1024 ** 3;

/**
 * Mounts a filesystem of each kind below `folder`. The caller is root in a mount namespace of its own, with which the mounts
 * and their loop devices go; anybody else gets the folders that are there anyway.
 */
export async function makePlaces(folder: string): Promise<Places> {
  if (process.geteuid?.() !== 0) return await withoutMounts(folder);
  const places: Place[] = [];
  const missing: string[] = [];
  for (const filesystem of ['ext4', 'xfs', 'btrfs', 'tmpfs', 'overlay']) {
    const why = await mount(filesystem, join(folder, filesystem));
    if (why === undefined) places.push({ filesystem, folder: join(folder, filesystem) });
    else missing.push(`${filesystem}: ${why}`);
  }
  const unmount = (): void => {
    for (const { folder: mounted } of places) spawnSync('umount', ['--lazy', mounted]);
  };
  return { places, missing, unmount };
}

/** @returns why there is none; undefined when there is one */
async function mount(filesystem: string, target: string): Promise<string | undefined> {
  mkdirSync(target, { mode: 0o755 });
  if (filesystem === 'tmpfs') {
    return failure(await run('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=2g', 'tmpfs', target]));
  }
  if (filesystem === 'overlay') {
    const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => `${target}-${name}`);
    for (const path of [lower, upper, work]) mkdirSync(path ?? '', { mode: 0o755 });
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
    return failure(await run('mount', ['-t', 'overlay', '-o', options, 'overlay', target]));
  }
  const maker = `/usr/sbin/mkfs.${filesystem}`;
  if (![maker, maker.replace('/usr', '')].some((path) => existsSync(path))) return `there is no mkfs.${filesystem}`;
  const image = `${target}.img`;
  writeFileSync(image, '');
  truncateSync(image, IMAGE_BYTES);
  await output(`mkfs.${filesystem}`, ['-q', image]);
  const mounted = failure(await run('mount', ['-t', filesystem, '-o', 'loop', image, target]));
  await run('chmod', ['755', target]);
  return mounted;
}

function failure({ exitCode, stderr }: { readonly exitCode: number; readonly stderr: string }): string | undefined {
  return exitCode === 0 ? undefined : stderr.trim();
}

async function withoutMounts(folder: string): Promise<Places> {
  const places: Place[] = [];
  for (const [path, name] of [
    [join(folder, 'disk'), ''],
    ['/dev/shm', `tsbuild-reproducible-${process.pid}`],
  ] as const) {
    const own = join(path, name);
    mkdirSync(own, { recursive: true });
    const filesystem = (await output('stat', ['-f', '-c', '%T', own])).trim();
    places.push({ filesystem, folder: own });
  }
  const unmount = (): void => {
    for (const place of places) rmSync(place.folder, { recursive: true, force: true });
  };
  return { places, missing: ['other filesystems: only root can mount them'], unmount };
}
