import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeIdentity, isOfThisBoot, processState, thisProcess, writeFileAtomic } from '@tsbuild/oci/internal';
import type { Container } from '../../container-state/container.ts';

const MOMENT = 20;

/**
 * Claims the writable layer of a container that does not run: two overlay mounts must not share it. Waits for who has it.
 * A claim is a file that names its process; who claims puts it there first and looks for others then, so of two that come
 * at the same moment at least one sees the other and steps back. A claim of a process that is gone is none.
 */
export async function claimFiles(container: Container, signal: AbortSignal): Promise<Disposable> {
  const name = randomBytes(8).toString('hex');
  const path = join(claimsOf(container), name);
  mkdirSync(claimsOf(container), { recursive: true, mode: 0o700 });
  for (;;) {
    signal.throwIfAborted();
    await writeFileAtomic(path, JSON.stringify(thisProcess()));
    if (!isClaimed(container, name)) return { [Symbol.dispose]: () => rmSync(path, { force: true }) };
    rmSync(path, { force: true });
    await sleep(MOMENT * (1 + Math.random()));
  }
}

/** Waits until nobody has claimed the container's writable layer. */
export async function unclaimed(container: Container): Promise<void> {
  while (isClaimed(container)) await sleep(MOMENT);
}

function isClaimed(container: Container, own?: string): boolean {
  return claims(container).some((name) => name !== own && isAlive(container, name));
}

function isAlive(container: Container, name: string): boolean {
  const path = join(claimsOf(container), name);
  let holder: ReturnType<typeof decodeIdentity>;
  try {
    holder = decodeIdentity(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return false; // Just given back, or damaged.
  }
  // A container is of one machine: where the boot is another, that machine was restarted.
  if (holder !== undefined && isOfThisBoot(holder) && processState(holder) !== 'gone') return true;
  rmSync(path, { force: true });
  return false;
}

/** The temporary files of a claim that is being made have other names. */
function claims(container: Container): readonly string[] {
  try {
    return readdirSync(claimsOf(container)).filter((name) => /^[0-9a-f]{16}$/.test(name));
  } catch {
    return []; // Nobody ever claimed it.
  }
}

function claimsOf(container: Container): string {
  return join(container.directory, 'claims');
}
