import { readdirSync, readlinkSync } from 'node:fs';

/** Stops every process of the pid namespace that `pid` is the first of, parents before what they would start. */
export function freeze(pid: number): void {
  // Twice: what was started between the listing and the signal is stopped too.
  for (let round = 0; round < 2; round++) for (const each of members(pid)) signal(each, 'SIGSTOP');
}

/** Lets them go on. */
export function thaw(pid: number): void {
  for (const each of members(pid).toReversed()) signal(each, 'SIGCONT');
}

/** All processes of a pid namespace, by pid. */
export function members(pid: number): readonly number[] {
  const namespace = namespaceOf(pid);
  if (namespace === undefined) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((each) => namespaceOf(each) === namespace)
    .toSorted((a, b) => a - b);
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined; // Gone, or not ours to look at.
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended meanwhile.
  }
}
