import { readFile } from 'node:fs/promises';
import { output, run } from './process.ts';

/** An ordinary user with ranges of subordinate ids, as a distribution's `useradd` makes one. */
export interface TestUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

const NAME = 'tsbuild-test';

/**
 * The unprivileged user of the tests; made when it is not there, and kept. Takes root.
 * @throws Error when the machine cannot make one.
 */
export async function testUser(): Promise<TestUser> {
  if ((await run('id', ['-u', NAME])).exitCode !== 0) {
    const made = await run('useradd', [
      '--no-create-home',
      '--home-dir',
      '/nonexistent',
      '--shell',
      '/usr/sbin/nologin',
      NAME,
    ]);
    // 9: another test file was quicker.
    if (made.exitCode !== 0 && made.exitCode !== 9) throw new Error(`useradd ${NAME}: ${made.stderr}`);
  }
  await giveSubordinateIds('/etc/subuid', '--add-subuids');
  await giveSubordinateIds('/etc/subgid', '--add-subgids');
  return { name: NAME, uid: Number(await output('id', ['-u', NAME])), gid: Number(await output('id', ['-g', NAME])) };
}

async function giveSubordinateIds(file: string, option: string): Promise<void> {
  const ranges = (await readFile(file, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
  if (ranges.some((line) => line.startsWith(`${NAME}:`))) return;
  const free = ranges.reduce((end, line) => {
    const [, first, count] = line.split(':').map(Number);
    return Math.max(end, (first ?? 0) + (count ?? 0));
  }, 100_000);
  await output('usermod', [option, `${free}-${free + 65_535}`, NAME]);
}
