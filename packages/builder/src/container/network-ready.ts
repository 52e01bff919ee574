import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits until the network namespace of process `pid` has a way out; false when `over` says that there will be none. */
export async function networkReady(pid: number, over: () => boolean): Promise<boolean> {
  while (!over()) {
    if (hasInterface(pid)) return true;
    await sleep(10);
  }
  return false;
}

/** Another interface than loopback has an address. */
function hasInterface(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/net/route`, 'latin1').trim().split('\n').length > 1;
  } catch {
    return false; // Gone.
  }
}
