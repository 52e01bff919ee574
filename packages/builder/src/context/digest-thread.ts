import { createHash, hash } from 'node:crypto';
import { readSync } from 'node:fs';
import { type PlannedFiles, withPlannedFile } from './planned-files.ts';

/** What the thread is told: plain values and shared memory. */
export interface DigestJob extends PlannedFiles {
  readonly kind: 'digest';
  /** One number: the first path that nobody has taken. */
  readonly next: Int32Array;
  /** So many paths are taken at once. */
  readonly share: number;
  /** 32 bytes for each path. */
  readonly digests: Uint8Array;
  /** Of each path: 1 when its digest is there. */
  readonly done: Uint8Array;
}

/**
 * What the thread that hashes files does. A file that cannot be read, or is not the one that was planned, is left out:
 * whoever wants it finds out why.
 */
export function hashFilesOfJob(job: DigestJob): void {
  const { paths, next, share, digests, done } = job;
  const buffer = Buffer.allocUnsafe(256 * 1024);
  for (;;) {
    const from = Atomics.add(next, 0, share);
    if (from >= paths.length) return;
    for (let file = from; file < Math.min(from + share, paths.length); file++) {
      try {
        withPlannedFile(job, file, (fd, size, check) => {
          const digest = digestOf(fd, size, buffer);
          check();
          digests.set(Buffer.from(digest, 'hex'), 32 * file);
          done[file] = 1;
        });
      } catch {
        // Said by its absence.
      }
    }
  }
}

function digestOf(fd: number, size: number, buffer: Buffer): string {
  let filled = readSync(fd, buffer, 0, Math.min(size, buffer.length), null);
  if (filled === size) return hash('sha256', buffer.subarray(0, size));
  const whole = createHash('sha256');
  for (let left = size; ; ) {
    whole.update(buffer.subarray(0, filled));
    left -= filled;
    if (left === 0) return whole.digest('hex');
    filled = readSync(fd, buffer, 0, Math.min(left, buffer.length), null);
    if (filled === 0) throw new Error('shorter than it was');
  }
}
