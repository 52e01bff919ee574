import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names one process for good. A pid alone is used again by the system, and means nothing in another container or after a
 * reboot.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: field 22 of `/proc/<pid>/stat`. */
  readonly start: string;
  /** The pid namespace and boot that `pid` and `start` belong to. */
  readonly world: string;
}

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  return { pid: process.pid, start: processStart(process.pid) ?? '0', world: thisWorld() };
}

/** When a process of this pid namespace started; undefined when there is none, or no `/proc`. */
export function processStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie has ended; its parent has only not asked yet.
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Whether a process runs: `unknown` when it belongs to another pid namespace (a container) or another boot. */
export function processState(identity: ProcessIdentity): 'running' | 'gone' | 'unknown' {
  if (identity.world !== thisWorld()) return 'unknown';
  const start = processStart(identity.pid);
  if (start === undefined) return processStart(process.pid) === undefined ? 'unknown' : 'gone';
  return start === identity.start ? 'running' : 'gone';
}

/**
 * This process in a form that fits into the name of a file: `<pid>-<start>-<world>`. What a killed process left can so be
 * told from what is being written, at once and without guessing by age.
 */
export function ownerTag(): string {
  const { pid, start, world } = thisProcess();
  return `${pid}-${start}-${worldHash(world)}`;
}

/** Whether the process that an {@link ownerTag} names runs; `unknown` for another world, or what is no tag. */
export function ownerState(tag: string): 'running' | 'gone' | 'unknown' {
  const [, pid = '', start = '', world = ''] = /^(\d{1,10})-(\d+)-([0-9a-f]{8})$/.exec(tag) ?? [];
  if (world !== worldHash(thisWorld())) return 'unknown';
  return processState({ pid: Number(pid), start, world: thisWorld() });
}

function worldHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** Reads an identity that was written as JSON; undefined when it is none. */
export function decodeIdentity(text: string): ProcessIdentity | undefined {
  try {
    const value = JSON.parse(text) as Partial<ProcessIdentity> | null;
    const { pid, start, world } = value ?? {};
    if (typeof pid !== 'number' || typeof start !== 'string' || typeof world !== 'string') return undefined;
    return { pid, start, world };
  } catch {
    return undefined;
  }
}

let world: string | undefined;

function thisWorld(): string {
  world ??= `${read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())} ${read(() => readlinkSync('/proc/self/ns/pid'))}`;
  return world;
}

function read(source: () => string): string {
  try {
    return source();
  } catch {
    return '-';
  }
}
