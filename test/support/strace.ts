import { spawn } from 'node:child_process';
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { lab } from './lab.ts';
import { type Ended, ended, SEARCH_PATH } from './process.ts';
import type { Tsbuild } from './tsbuild.ts';

/**
 * Runs `tsbuild ARGS` and stops it for two seconds after the first `call` on `file`; `meanwhile` runs then.
 * @throws Error when the file is never open
 */
export async function whileOpen(
  builder: Tsbuild,
  args: readonly string[],
  file: string,
  call: 'openat' | 'read',
  meanwhile: () => void,
): Promise<Ended> {
  const inject = `inject=${call}:delay_exit=2000000:when=1`;
  const options = ['-f', '-qq', '-o', '/dev/null', '-P', file, '-e', `trace=${call}`, '-e', inject];
  const child = spawn('strace', [...options, process.execPath, lab.cli, ...args], {
    env: { PATH: SEARCH_PATH, LANG: 'C.UTF-8', TSBUILD_ROOT: builder.store, UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const end = ended(child);
  let isOver = false;
  void end.finally(() => (isOver = true));
  for (let open = false; !open; open = isOpen(file)) {
    if (isOver) throw new Error(`${file} was not opened: ${(await end).stderr}`);
    await sleep(10);
  }
  // The first read is being made, or was: it takes microseconds, and then two seconds pass.
  if (call === 'read') await sleep(500);
  meanwhile();
  return end;
}

function isOpen(file: string): boolean {
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && descriptorsOf(pid).includes(file));
}

function descriptorsOf(pid: string): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => linkOf(`/proc/${pid}/fd/${fd}`));
  } catch {
    return []; // It has ended.
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
