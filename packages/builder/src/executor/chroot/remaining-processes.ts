import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { errorCode, SYSTEM_PATH } from '@tsbuild/oci/internal';
import { requireTool } from '../host-tools.ts';

/** What /proc says of a process. */
interface ProcessFacts {
  readonly session: number;
  /** In ticks since the machine was started. */
  readonly startedAt: number;
}

/** The first process of a command, which is the first of a session. */
export interface Leader {
  readonly pid: number | undefined;
  /** What was started before is none of the command's. */
  readonly startedAt: number;
}

/** To be asked when the process was just started. */
export function leaderOf(pid: number | undefined): Leader {
  return { pid, startedAt: pid === undefined ? 0 : (factsOf(pid)?.startedAt ?? 0) };
}

/** How often it is looked whether all have ended; a process may wait for a disk before it does. */
const MOST_LOOKS = 200;

/**
 * Ends all processes whose root is `root`, and those of the session that `leader` began, until there are none.
 * Without namespaces and cgroups nothing ends them together; but nobody loses its root by accident, and what forks meanwhile
 * is found at the next look.
 */
export async function endProcesses(root: string, leader: Leader): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look++) {
    const found = findProcesses(root, leader);
    if (found.length === 0) return;
    for (const pid of found) kill(pid);
    await sleep(Math.min(look, 20));
  }
}

function findProcesses(root: string, leader: Leader): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => pid !== process.pid && pid !== leader.pid && belongs(pid, root, leader));
}

function belongs(pid: number, root: string, leader: Leader): boolean {
  try {
    return isBelow(readlinkSync(`/proc/${pid}/root`), root);
  } catch (error) {
    // Another user's, or one with more capabilities than ours: this process may not look (ptrace(2)).
    if (errorCode(error) !== 'EACCES' && errorCode(error) !== 'EPERM') return false;
  }
  const facts = factsOf(pid);
  if (facts === undefined || facts.startedAt < leader.startedAt) return false;
  return facts.session === leader.pid || isBelow(askAsOwner(pid), root);
}

/** Its own user may look. */
function askAsOwner(pid: number): string {
  const status = textOf(`/proc/${pid}/status`);
  const [uid, gid] = ['Uid', 'Gid'].map((name) => new RegExp(`^${name}:\\t(\\d+)`, 'm').exec(status)?.[1]);
  if (uid === undefined || gid === undefined || uid === '0') return '';
  const words = [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', '--', requireTool('readlink', 'coreutils')];
  const env = { PATH: SYSTEM_PATH, LC_ALL: 'C' };
  return spawnSync(requireTool('setpriv'), [...words, `/proc/${pid}/root`], { encoding: 'utf8', env }).stdout.trim();
}

/** Undefined when it has ended, though perhaps nobody has asked how (a zombie). */
function factsOf(pid: number): ProcessFacts | undefined {
  const text = textOf(`/proc/${pid}/stat`);
  // The name in brackets may hold blanks and brackets.
  const [state, , , session, ...rest] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  if (state === undefined || state === '' || state === 'Z' || state === 'X') return undefined;
  return { session: Number(session), startedAt: Number(rest[15]) };
}

function isBelow(path: string, root: string): boolean {
  return path === root || path.startsWith(`${root}/`) || path === `${root} (deleted)`;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}
