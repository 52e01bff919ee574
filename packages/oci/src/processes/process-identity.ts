import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';

/**
 * Names one process for good. A pid alone is used again by the system, and means nothing in another container or after a
 * reboot. Everything that asks whether a process still lives asks this file.
 */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to the start of the process: field 22 of `/proc/<pid>/stat`. */
  readonly start: string;
  /** The boot that `start` counts from; `-` where the system does not say. */
  readonly boot: string;
  /** The pid namespace that `pid` is of: `pid:[4026531836]`. */
  readonly namespace: string;
}

/** `unknown`: it belongs to another pid namespace (a container), or to another boot or machine. */
export type ProcessState = 'running' | 'gone' | 'unknown';

/** Where the start of a process cannot be read, as there is no `/proc`. */
const NO_START = '0';

let own: ProcessIdentity | undefined;

/** The identity of this process, which never changes. */
export function thisProcess(): ProcessIdentity {
  own ??= {
    pid: process.pid,
    start: startOf(process.pid) ?? NO_START,
    boot: read(() => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()),
    namespace: read(() => readlinkSync('/proc/self/ns/pid')),
  };
  return own;
}

/** The identity of a process of our pid namespace; undefined when there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { ...thisProcess(), pid, start };
}

/** Whether a process runs. */
export function processState(identity: ProcessIdentity): ProcessState {
  const { boot, namespace, start } = thisProcess();
  if (identity.boot !== boot || identity.namespace !== namespace || start === NO_START) return 'unknown';
  return startOf(identity.pid) === identity.start ? 'running' : 'gone';
}

/** False for a process of before a reboot. Where the identity's file is of this machine, such a process is gone. */
export function isOfThisBoot({ boot }: ProcessIdentity): boolean {
  return boot === thisProcess().boot;
}

/** Undefined also for a zombie: it has ended, its parent has only not asked yet. */
function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/**
 * This process in a form that fits into the name of a file: `<pid>-<start>-<boot and pid namespace>`. What a killed process
 * left can so be told from what is being written, at once and without guessing by age.
 */
export function ownerTag(): string {
  const { pid, start } = thisProcess();
  return `${pid}-${start}-${worldHash()}`;
}

/** The forms of an {@link ownerTag}: today's, and those of earlier versions. */
const TAGS = {
  today: /^(\d{1,10})-(\d+)-([0-9a-f]{8})$/,
  /** Directories of `mounts/`: with the number of the pid namespace, which has ten digits, and without the boot. */
  numbered: /^(\d{1,10})-(\d+)-(\d{10,})$/,
  /** Cgroups, which no reboot survives. */
  cgroup: /^(\d{1,10})-(\d+)$/,
};

/** Whether the process that an {@link ownerTag} names runs; `unknown` also of what is no tag. */
export function ownerState(tag: string): ProcessState {
  const [, pid, start = '', place] = TAGS.today.exec(tag) ?? TAGS.numbered.exec(tag) ?? TAGS.cgroup.exec(tag) ?? [];
  const { namespace } = thisProcess();
  const isOurs = place === undefined || place === worldHash() || namespace === `pid:[${place}]`;
  return pid === undefined || !isOurs ? 'unknown' : processState({ ...thisProcess(), pid: Number(pid), start });
}

const HOUR = 60 * 60 * 1000;

/** How long what is of a process that cannot be seen from here is left alone when it has not changed; milliseconds. */
export const UNSEEN_LIMIT = {
  /** A writer touches its file all the time. */
  file: HOUR,
  /** A command that runs for hours need not touch the top of its root filesystem. */
  rootFilesystem: 24 * HOUR,
} as const;

/** Whether what a process made may go: the process has ended, or nothing was seen of it for as long as `limit`. */
export function isAbandoned(owner: ProcessState, age: () => number, limit: number = UNSEEN_LIMIT.file): boolean {
  return owner === 'gone' || (owner === 'unknown' && age() > limit);
}

let hashed: string | undefined;

function worldHash(): string {
  hashed ??= createHash('sha256').update(worldOf(thisProcess())).digest('hex').slice(0, 8);
  return hashed;
}

/** Boot and pid namespace in one word, as claims and tags have them. */
function worldOf({ boot, namespace }: ProcessIdentity): string {
  return `${boot} ${namespace}`;
}

/** An identity for a file of JSON, in which every version finds what it reads: `world`, or `boot` and `namespace`. */
export function encodeIdentity(identity: ProcessIdentity): ProcessIdentity & { readonly world: string } {
  return { ...identity, world: worldOf(identity) };
}

/** Reads an identity from what was written as JSON, in each of its forms; undefined when it is none. */
export function decodeIdentity(value: unknown): ProcessIdentity | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, start, world, ...rest } = value as Readonly<Record<string, unknown>>;
  const [boot, namespace] = typeof world === 'string' ? splitWorld(world) : [rest['boot'], rest['namespace']];
  if (typeof pid !== 'number' || !Number.isInteger(pid) || typeof start !== 'string') return undefined;
  return typeof boot === 'string' && typeof namespace === 'string' ? { pid, start, boot, namespace } : undefined;
}

function splitWorld(world: string): readonly [string, string] {
  const at = world.indexOf(' ');
  return at < 0 ? [world, ''] : [world.slice(0, at), world.slice(at + 1)];
}

function read(source: () => string): string {
  try {
    return source();
  } catch {
    return '-';
  }
}
