import { once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { ByteString } from '@tsbuild/oci';
import type { ContextEntry } from './context-entry.ts';
import type { DigestJob } from './digest-thread.ts';
import { plannedFiles } from './planned-files.ts';
import { startThread } from './start-thread.ts';

/** Few enough that both threads end at nearly the same time, enough that taking them costs nothing. */
const SHARE = 64;

/**
 * Hashes files below the directory `prefix` on two processors: a second thread takes a share, this one the next, by
 * `hashHere`. `learn` is told the digests (hexadecimal) that the other thread found. Files that it could not read are hashed
 * here in the end, so that their errors are those of any other file. Timers and signals run between the shares.
 * @throws what `hashHere` throws, and the signal's reason
 */
export async function hashFiles(
  prefix: ByteString,
  entries: readonly ContextEntry[],
  hashHere: (entry: ContextEntry) => void,
  learn: (entry: ContextEntry, sha256: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const job = jobOf(prefix, entries);
  const worker = await startThread(job);
  // An error of the thread itself (no memory for it) leaves its files to this one.
  const ended = once(worker, 'exit').catch(() => undefined);
  worker.once('error', () => undefined);
  const here = new Uint8Array(entries.length);
  try {
    for (let from = take(job); from < entries.length; from = take(job)) {
      for (let file = from; file < Math.min(from + SHARE, entries.length); file++) {
        const entry = entries[file];
        if (entry !== undefined) hashHere(entry);
        here[file] = 1;
      }
      await setImmediate();
      signal.throwIfAborted();
    }
    await ended;
  } finally {
    void worker.terminate();
  }
  for (const [file, entry] of entries.entries()) {
    if (here[file] === 1) continue;
    if (job.done[file] === 1)
      learn(entry, Buffer.from(job.digests.subarray(32 * file, 32 * file + 32)).toString('hex'));
    else hashHere(entry);
  }
}

function jobOf(prefix: ByteString, entries: readonly ContextEntry[]): DigestJob {
  return {
    ...plannedFiles(prefix, entries),
    kind: 'digest',
    next: new Int32Array(new SharedArrayBuffer(4)),
    share: SHARE,
    digests: new Uint8Array(new SharedArrayBuffer(32 * entries.length)),
    done: new Uint8Array(new SharedArrayBuffer(entries.length)),
  };
}

function take({ next }: DigestJob): number {
  return Atomics.add(next, 0, SHARE);
}
