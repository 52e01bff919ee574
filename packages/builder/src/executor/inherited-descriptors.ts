import { readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

let known: readonly number[] | undefined;

/**
 * Descriptors from 3 up that this process was started with and would hand on to every child. Node marks only the first
 * few of them close-on-exec.
 */
export function inheritedDescriptors(): readonly number[] {
  known ??= readdirSync('/proc/self/fd')
    .map(Number)
    .filter((fd) => fd > 2 && !closesOnExec(fd));
  return known;
}

function closesOnExec(fd: number): boolean {
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? '0';
    return (parseInt(flags, 8) & O_CLOEXEC) !== 0;
  } catch {
    return true; // Closed since: it was the one that listed the directory.
  }
}
