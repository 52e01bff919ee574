import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The name of the machine's first pid namespace: from there all processes are seen (PROC_PID_INIT_INO of the kernel). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** A shared mapping of a file in a line of /proc/PID/maps: `7f…-7f… rw-s 00000000 fe:01 1234 /path`. */
const SHARED = /^[0-9a-f]+-[0-9a-f]+ ...s [0-9a-f]+ [0-9a-f:]+ ([1-9]\d*)/gm;

/** Which files processes may write to without a system call. */
export interface SharedMappings {
  /** Inode numbers, whatever their device: the kernel numbers some of those otherwise here than for stat(2). */
  readonly inodes: ReadonlySet<number>;
  /** Whether every process of the machine could be asked. */
  readonly isComplete: boolean;
}

/**
 * The files that processes have mapped in common. A store through such a mapping moves the file's times when the page
 * becomes dirty and, until the page was written back, not again: the kernel itself does not know of the later stores.
 */
export function findSharedMappings(): SharedMappings {
  const inodes = new Set<number>();
  let isComplete = true;
  try {
    isComplete = readlinkSync('/proc/self/ns/pid') === FIRST_PID_NAMESPACE;
    for (const name of readdirSync('/proc')) {
      if (/^\d/.test(name) && !addMappings(name, inodes)) isComplete = false;
    }
  } catch {
    isComplete = false;
  }
  return { inodes, isComplete };
}

function addMappings(pid: string, inodes: Set<number>): boolean {
  try {
    for (const [, inode] of readFileSync(`/proc/${pid}/maps`, 'latin1').matchAll(SHARED)) inodes.add(Number(inode));
    return true;
  } catch (error) {
    // A process that has ended maps nothing, and the machine's init, which hardened systems hide from root, no user's files.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    return code === 'ENOENT' || code === 'ESRCH' || pid === '1';
  }
}
