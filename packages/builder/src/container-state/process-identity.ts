import { readFileSync, readlinkSync } from 'node:fs';
import { processStart } from '@tsbuild/oci/internal';

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
  const start = processStart(pid);
  return start === undefined ? undefined : { pid, start, boot: bootId(), namespace: ownNamespace() };
}

/** Whether it still runs; `unknown` when it is of another pid namespace. */
export function processState(identity: ProcessIdentity): 'running' | 'gone' | 'rebooted' | 'unknown' {
  if (identity.boot !== bootId()) return 'rebooted';
  if (identity.namespace !== ownNamespace()) return 'unknown';
  return processStart(identity.pid) === identity.start ? 'running' : 'gone';
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
}

function ownNamespace(): string {
  return readlinkSync('/proc/self/ns/pid');
}
