import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildError } from '../diagnostics/build-error.ts';
import type { NetworkConnection } from './network-connection.ts';

/**
 * Waits until `child`, which connects the network namespace of process `pid`, has done so.
 * @throws BuildError `SANDBOX_UNAVAILABLE` with what it said when it ended instead
 */
export async function untilConnected(child: ChildProcess, pid: number): Promise<NetworkConnection> {
  let said = '';
  let over = false;
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.once('close', () => (over = true)).once('error', () => (over = true));
  while (!hasInterface(pid)) {
    if (over) throw notConnected(said.trim().split('\n').at(-1) ?? '');
    await sleep(10);
  }
  return { close: () => void child.kill('SIGKILL') };
}

/** Another interface than loopback has an address. */
function hasInterface(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/net/route`, 'latin1').trim().split('\n').length > 1;
  } catch {
    return false; // Gone.
  }
}

function notConnected(reason: string): BuildError {
  return new BuildError(
    'SANDBOX_UNAVAILABLE',
    `cannot connect the container's network: ${reason}`,
    /tun/.test(reason) ? { hint: 'Users may need permission to use it: chmod 666 /dev/net/tun.' } : {},
  );
}
