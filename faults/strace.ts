import { readFile } from 'node:fs/promises';
import { type Ended, run } from '../test/support/process.ts';

/** The system calls that change a store, by what the table calls them. */
const CALLS = {
  rename: ['rename', 'renameat', 'renameat2'],
  fsync: ['fsync', 'fdatasync'],
  link: ['link', 'linkat'],
  unlink: ['unlink', 'unlinkat', 'rmdir'],
  mkdir: ['mkdir', 'mkdirat'],
  write: ['write', 'pwrite64'],
  openat: ['openat'],
} as const;

export type Call = keyof typeof CALLS;

/** What happens at a system call instead of it: the process is killed, or the call fails. */
export type Fault = 'SIGKILL' | 'ENOSPC' | 'EIO' | 'EMFILE';

/** The call is made, but so many seconds later. */
export interface Delay {
  readonly delay: number;
}

/** One system call in one run: the `at`-th of this name in its thread. */
export interface Injection {
  readonly call: Call;
  /** As the kernel calls it: strace counts each name by itself. */
  readonly name: string;
  readonly fault: Fault;
  readonly at: number;
}

/*
 * strace counts for each thread. Node's file operations run in its main thread and in a pool; a pool of one thread makes
 * every run the same.
 */
const ENV = { UV_THREADPOOL_SIZE: '1' };

/** A disturbed run: how it ended, and whether the fault came at all. */
export interface Disturbed extends Ended {
  readonly isHit: boolean;
}

/**
 * Runs a program to its end while one of its system calls is spoiled. (strace's `--seccomp-bpf`, with which it stops the
 * program less often, does not count the calls of threads: a fault then comes at the first call or never.)
 */
export async function runWith(
  injection: Omit<Injection, 'fault'> & { readonly fault: Fault | Delay },
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  log: string,
): Promise<Disturbed> {
  const { name } = injection;
  const what = inject(injection.fault);
  const options = ['-f', '-q', '-o', log, '-e', `trace=${name}`, '-e', 'signal=none'];
  const at = `inject=${name}:${what}:when=${injection.at}`;
  const ended = await run('strace', [...options, '-e', at, ...words], { env: { ...env, ...ENV } });
  const said = await readFile(log, 'utf8');
  // A kill may also meet a program of the sandbox; none is killed otherwise while a command succeeds or fails.
  return { ...ended, isHit: ended.exitCode === -1 || HIT.test(said) };
}

function inject(fault: Fault | Delay): string {
  if (typeof fault === 'object') return `delay_enter=${fault.delay}000000`;
  return fault === 'SIGKILL' ? 'signal=KILL' : `error=${fault}`;
}

const HIT = /INJECTED|\+\+\+ killed by SIGKILL \+\+\+|= \?$/m;

/** Runs a program undisturbed. Gives, for each kind of call, which ones touched something whose path holds `text`. */
export async function traceOf(
  text: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  log: string,
): Promise<{ readonly ended: Ended; readonly log: string }> {
  const names = Object.values(CALLS).flat().join(',');
  const options = ['-f', '-qq', '-y', '-o', log, '-e', `trace=${names}`, '-e', 'signal=none'];
  const ended = await run('strace', [...options, ...words], { env: { ...env, ...ENV } });
  return { ended, log: text };
}

/** One call that a run makes. */
export type FoundCall = Pick<Injection, 'call' | 'name' | 'at'>;

/**
 * The calls in strace's log whose line holds `text`, each by its number among the calls of its name in its thread. The
 * same number in two threads is one point: the first to come there meets the fault.
 */
export function callsOf(log: string, text: string): readonly FoundCall[] {
  const counts = new Map<string, number>();
  const found = new Map<string, FoundCall>();
  for (const line of log.split('\n')) {
    const [, thread = '', name = ''] = /^(\d+)\s+([a-z0-9]+)\(/.exec(line) ?? [];
    const call = KIND_OF.get(name);
    if (call === undefined) continue;
    const at = (counts.get(`${thread} ${name}`) ?? 0) + 1;
    counts.set(`${thread} ${name}`, at);
    if (line.includes(text)) found.set(`${name} ${at}`, { call, name, at });
  }
  return [...found.values()].toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : a.at - b.at));
}

const KIND_OF: ReadonlyMap<string, Call> = new Map(
  Object.entries(CALLS).flatMap(([call, names]) => names.map((name) => [name, call as Call] as const)),
);
