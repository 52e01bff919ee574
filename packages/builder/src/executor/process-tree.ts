import { readdirSync, readFileSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A process that is the first of its pid namespace, and the one that started it. */
export interface InitProcess {
  readonly command: number;
  readonly parent: number;
}

/**
 * Waits for the process 1 of a pid namespace `depth` levels below ours among what `root` started. Undefined when `over`
 * says that there will be none any more.
 */
export async function findInit(root: number, depth: number, over: () => boolean): Promise<InitProcess | undefined> {
  const own = namespacePids(process.pid).length;
  while (!over()) {
    const found = search(root, own + depth);
    if (found !== undefined) return found;
    await sleep(5);
  }
  return undefined;
}

function search(parent: number, levels: number): InitProcess | undefined {
  for (const child of children(parent)) {
    const pids = namespacePids(child);
    if (pids.length === levels) {
      if (pids.at(-1) === 1 && !isSettingUp(child, parent)) return { command: child, parent };
      continue;
    }
    const found = search(child, levels);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The command has another root than who started it, and a runtime's own `init` is not yet the command. */
function isSettingUp(pid: number, parent: number): boolean {
  if (read(`/proc/${pid}/cmdline`).split('\0').slice(0, 2).join(' ').endsWith('runc init')) return true;
  const [own, outer] = [pid, parent].map((each) => rootOf(each));
  return own === undefined || own === outer;
}

function rootOf(pid: number): string | undefined {
  try {
    const { dev, ino } = statSync(`/proc/${pid}/root/`, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined; // Gone.
  }
}

/** The process's pid in each namespace from ours down. */
function namespacePids(pid: number): readonly number[] {
  const line = /^NSpid:\s*(.*)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? '';
  return line
    .split(/\s+/)
    .filter((word) => word !== '')
    .map(Number);
}

/** What a process has started and that still runs; each thread has children of its own. */
export function children(pid: number): readonly number[] {
  return threads(pid)
    .flatMap((thread) => read(`/proc/${pid}/task/${thread}/children`).split(' '))
    .filter((word) => word !== '')
    .map(Number);
}

function threads(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`);
  } catch {
    return []; // Gone.
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // Gone.
  }
}
