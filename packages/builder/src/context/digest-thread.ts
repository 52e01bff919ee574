import type crypto from 'node:crypto';
import type fs from 'node:fs';
import type threads from 'node:worker_threads';

/** What the thread is told: plain values and shared memory. */
export interface DigestJob {
  /** What stands before every path, without the slash. */
  readonly prefix: string;
  /** Relative, as byte strings. */
  readonly paths: readonly string[];
  /** Of each path: size, mtimeMs, ctimeMs, ino, dev. */
  readonly facts: Float64Array;
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
 * The whole program of the thread that hashes files. Its text is handed to the thread, so it must use nothing from outside
 * of it. A file that cannot be read, or is not the one that was planned, is left out: whoever wants it finds out why.
 */
export function hashFilesOfJob(load: NodeJS.Require): void {
  const { closeSync, constants, fstatSync, openSync, readSync } = load('node:fs') as typeof fs;
  const { createHash, hash } = load('node:crypto') as typeof crypto;
  const { workerData } = load('node:worker_threads') as typeof threads;
  const { prefix, paths, facts, next, share, digests, done } = workerData as DigestJob;
  const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  const buffer = Buffer.allocUnsafe(256 * 1024);

  const check = (file: number, fd: number): void => {
    const { size, mtimeMs, ctimeMs, ino, dev, mode } = fstatSync(fd);
    const found = [size, mtimeMs, ctimeMs, ino, dev];
    const same = (mode & constants.S_IFMT) === constants.S_IFREG;
    if (!same || found.some((fact, i) => fact !== facts[5 * file + i])) throw new Error('not what it was');
  };
  const digestOf = (fd: number, size: number): string => {
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
  };
  const hashFile = (file: number, path: string): void => {
    const fd = openSync(Buffer.from(`${prefix}/${path}`, 'latin1'), flags);
    try {
      check(file, fd);
      const digest = digestOf(fd, facts[5 * file] ?? 0);
      check(file, fd);
      digests.set(Buffer.from(digest, 'hex'), 32 * file);
      done[file] = 1;
    } finally {
      closeSync(fd);
    }
  };
  for (;;) {
    const from = Atomics.add(next, 0, share);
    if (from >= paths.length) return;
    for (let file = from; file < Math.min(from + share, paths.length); file++) {
      try {
        hashFile(file, paths[file] ?? '');
      } catch {
        // Said by its absence.
      }
    }
  }
}
