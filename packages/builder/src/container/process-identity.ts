import { readFileSync, readlinkSync } from 'node:fs';

/** Names one process for good: pids come again, and mean nothing after a reboot or in another container. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks from boot to its start. */
  readonly start: string;
  readonly boot: string;
  /** The pid namespace that `pid` is of. */
  readonly namespace: string;
}

/** The identity of a running process of our pid namespace; undefined when there is none. */
export function identify(pid: number): ProcessIdentity | undefined {
  const start = startOf(pid);
  return start === undefined ? undefined : { pid, start, boot: bootId(), namespace: ownNamespace() };
}

/** Whether it still runs; `unknown` when it is of another pid namespace. */
export function processState(identity: ProcessIdentity): 'running' | 'gone' | 'rebooted' | 'unknown' {
  if (identity.boot !== bootId()) return 'rebooted';
  if (identity.namespace !== ownNamespace()) return 'unknown';
  return startOf(identity.pid) === identity.start ? 'running' : 'gone';
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name in brackets may hold anything; behind it come the state and, 19 fields on, the start time.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}
