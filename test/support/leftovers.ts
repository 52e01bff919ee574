import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** Everything on this machine that still names `text`: mounts of any process's namespace, and command lines. */
export async function leftovers(text: string): Promise<string[]> {
  const found = new Set<string>();
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)) {
    const mounts = await read(`/proc/${pid}/mountinfo`);
    for (const mount of mounts.split('\n')) if (mount.includes(text)) found.add(`mount of process ${pid}: ${mount}`);
    const words = (await read(`/proc/${pid}/cmdline`)).split('\0').join(' ');
    if (words.includes(text)) found.add(`process ${pid}: ${words}`);
  }
  return [...found];
}

/** As {@link leftovers}, once the kernel has had time (5 seconds at most) to end what was killed. */
export async function leftoversAfterDeath(...texts: readonly string[]): Promise<string[]> {
  for (let attempt = 0; ; attempt++) {
    const found = (await Promise.all(texts.map(leftovers))).flat();
    if (found.length === 0 || attempt === 50) return found;
    await sleep(100);
  }
}

const read = (file: string): Promise<string> => readFile(file, 'utf8').catch(() => ''); // the process has ended meanwhile
